"""Locks that do not reach from one node to another are noticed."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from unittest import mock

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


def test_two_that_begin_at_once_do_not_both_go_on(tmp_path: Path) -> None:
    first, second = (Holder(tmp_path / "j", f"node{n}", BEAT_S) for n in (1, 2))
    first.begin()
    with mock.patch.object(second, "_read", return_value=None):  # that of the first shows late
        second.begin()
    try:
        wait_for(lambda: first._other or second._other, "the second look of one of them")
    finally:
        refused, other = (first, second) if first._other else (second, first)
        refused.end()
        other.end()
    with pytest.raises(StoreError, match=f"a worker on {other.host} writes here too"):
        refused.check()


def test_a_suspended_worker_leaves_all_to_the_newcomer(tmp_path: Path) -> None:
    first, second = Holder(tmp_path / "j", "node1", 1000.0), Holder(tmp_path / "j", "node2", BEAT_S)
    first.begin()
    first.check()
    second.begin()  # the note of the first did not change
    first._looked -= 2001.0
    with pytest.raises(StoreError, match="a worker on node2 writes here too"):
        first.check()
    first.end()
    assert json.loads(second.note.read_text())["host"] == "node2", "the newcomer's is left alone"
    second.check(look=True)
    second.end()
    assert not second.note.exists()


def refused(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_keeps_the_note_whole_and_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        Holder(tmp_path / "j", "node1", BEAT_S),
        Holder(tmp_path / "j", "node2", WATCH_S),
    )
    first.begin()
    monkeypatch.setattr(Path, "write_text", refused)
    with pytest.raises(StoreError, match="a worker on node1 writes here too"):
        second.begin()
    assert [p.name for p in tmp_path.iterdir()] == ["j.holder"]
    first.end()
    with pytest.raises(StoreError, match="No space left"):
        second.begin()
    second.end()


def test_a_note_is_kept_also_without_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    holder = Holder(tmp_path / "j", "node1", 1000.0)
    holder.begin()
    before = holder.note.read_text()
    holder.check()
    assert holder.note.read_text() == before
    holder._looked -= 2001.0
    holder.check()
    assert holder.note.read_text() != before
    holder.end()
    assert not holder.note.exists()


@pytest.mark.parametrize("token", [{}, {"token": "00"}], ids=["of an old version", "other"])
def test_a_journal_refuses_beside_another_worker(tmp_path: Path, token: dict[str, str]) -> None:
    path = tmp_path / "j"

    def work() -> None:
        with Journal(path) as journal:
            journal.append({"id": 0})
            path.with_suffix(".holder").write_text(json.dumps({"host": "node2", **token}))
            journal._holder._looked -= 2001.0
            with pytest.raises(StoreError, match="node2 writes here too"):
                journal.append({"id": 1})

    with pytest.raises(StoreError, match="node2 writes here too"):
        work()
    assert path.with_suffix(".holder").exists()
    assert [row["id"] for row, _ in read_journal(path)] == [0]


def test_the_end_of_a_journal_looks_once_more(tmp_path: Path) -> None:
    def work() -> None:
        with Journal(tmp_path / "j") as journal:
            journal._holder.note.write_text('{"host": "node2"}')

    with pytest.raises(StoreError, match="node2 writes here too"):
        work()


def record_of_another(tmp_path: Path) -> bytes:
    with Journal(tmp_path / "other") as journal:
        journal.append({"id": "other"})
    return (tmp_path / "other").read_bytes()


def test_what_another_one_writes_is_not_cut_as_a_torn_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, record = tmp_path / "j", record_of_another(tmp_path)
    path.write_bytes(record[:-5])
    scan = Journal._scan_end

    def beside(journal: Journal, *first: int) -> int:
        found = scan(journal, *first)
        path.write_bytes(record)
        return found

    monkeypatch.setattr(Journal, "_scan_end", beside)
    with pytest.raises(BusyError, match="another worker writes here"):
        Journal(path).__enter__()
    assert path.read_bytes() == record
    assert not path.with_suffix(".holder").exists()


def test_what_another_one_wrote_is_not_cut_on_a_full_disk(tmp_path: Path) -> None:
    path, record = tmp_path / "j", record_of_another(tmp_path)
    with Journal(path) as journal:
        own = journal._handle

        def full(data: bytes) -> int:
            with path.open("ab") as other:
                other.write(record)
            return refused(data)

        journal._handle = mock.Mock(wraps=own, write=full)
        with pytest.raises(StoreError, match="No space left"):
            journal.append({"id": 0})
        journal._handle = own
    assert path.read_bytes() == record


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
