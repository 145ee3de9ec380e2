"""Locks that do not reach from one node to another are noticed."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from events import wait_for

from defectra.core.errors import BusyError, StoreError
from defectra.core.holder import Holder
from defectra.core.journal import Journal, read_journal

BEAT_S = 0.02
WATCH_S = 0.5  # between two looks: time for many beats, however slow the machine is


def test_a_living_worker_of_another_node_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "nmc-00.journal"
    first = Holder(path, "node1", BEAT_S)
    first.begin()
    with pytest.raises(StoreError, match="a worker on node1 writes here too: locks"):
        Holder(path, "node2", WATCH_S).begin()
    assert "node1" in first.note.read_text(), "the refused one leaves the note alone"
    first.end()
    second = Holder(path, "node2", BEAT_S)
    second.begin()
    second.end()
    assert not second.note.exists()


def test_a_note_is_taken_away_also_if_its_thread_has_just_ended(tmp_path: Path) -> None:
    holder = Holder(tmp_path / "nmc-00.journal", "node1", BEAT_S)
    holder.begin()
    holder._end.set()
    holder._thread.join()
    holder.end()
    assert not holder.note.exists()


@pytest.mark.parametrize("left", ['{"host": "node1", "beats": 7}', "", "{", "[]"])
def test_what_a_dead_worker_left_stops_nobody(tmp_path: Path, left: str) -> None:
    holder = Holder(tmp_path / "nmc-00.journal", "node2", BEAT_S)
    holder.note.write_text(left)
    holder.begin()
    assert json.loads(holder.note.read_text())["host"] == "node2"
    holder.end()


def test_the_lock_is_the_truth_on_one_node(tmp_path: Path) -> None:
    holder = Holder(tmp_path / "nmc-00.journal", "node1", 1000.0)
    holder.note.write_text('{"host": "node1", "beats": 7}')
    holder.begin()  # without watching for a thousand seconds
    assert json.loads(holder.note.read_text())["host"] == "node1"
    holder.end()
    assert not holder.note.exists()


def test_a_job_waits_for_the_one_that_holds_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "nmc-00.journal"
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with Journal(path, patience_s=60.0) as journal:
            journal.append({"kind": "calculation", "calculation_id": "second"})

    with Journal(path) as journal:
        with pytest.raises(BusyError, match="another worker holds this journal"):
            Journal(path).__enter__()
        waiting = threading.Thread(target=second)
        waiting.start()
        wait_for(begun.is_set, "the second worker")
        journal.append({"kind": "calculation", "calculation_id": "first"})
    waiting.join(60)
    assert [row["calculation_id"] for row, _ in read_journal(path)] == ["first", "second"]
    assert not path.with_suffix(".holder").exists()
