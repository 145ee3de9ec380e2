"""A journal on a disk that fails, and beside another one."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from events import wait_for

from defectra.core import journal as module
from defectra.core.errors import StoreError
from defectra.core.journal import Journal, read_journal


class Disk:
    """An fsync that tells of lost writes as Linux does: once for each open file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails, self.told, self._fsync = 0, threading.Event(), os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(module, "SYNC_S", 0.0)

    def fsync(self, descriptor: int) -> None:
        if self.fails:
            self.fails -= 1
            self.told.set()
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        self._fsync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_write_that_the_disk_lost_stops_the_next_one(tmp_path: Path, disk: Disk) -> None:
    def work() -> None:
        with Journal(tmp_path / "j") as journal:
            disk.fails = 1
            journal.append({"id": 0})
            assert disk.told.wait(60)
            wait_for(lambda: journal._lost, "the error of the disk")
            with pytest.raises(StoreError, match=r"did not take what was written .*quota"):
                journal.append({"id": 1})

    with pytest.raises(StoreError, match="j: the disk did not take what was written"):
        work()
    assert [row["id"] for row, _ in read_journal(tmp_path / "j")] == [0], "nothing behind a hole"


def test_a_write_that_the_disk_lost_is_no_clean_end(tmp_path: Path, disk: Disk) -> None:
    def work(then: Callable[[Journal], object]) -> None:
        with Journal(tmp_path / "j") as journal:
            disk.fails = 1
            journal.append({"id": 0})
            then(journal)

    for then in (lambda _: disk.told.wait(60), lambda _: None):
        with pytest.raises(StoreError, match="did not take"):
            work(then)


def test_without_a_thread_the_record_itself_tells(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        with Journal(tmp_path / "j") as journal:
            disk.fails = 1
            for _ in range(2):
                with pytest.raises(StoreError, match="did not take"):
                    journal.append({"id": 0})

    monkeypatch.setattr(Journal, "_start_syncer", lambda self: setattr(self, "_beside", False))
    with pytest.raises(StoreError, match="did not take"):
        work()


def test_a_record_that_is_completed_between_two_looks_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        starts = [journal.append({"id": number}) for number in range(5)]
    whole, goes_on, looks = path.read_bytes(), module._goes_on, []
    path.write_bytes(whole[: starts[2] - 7])

    def beside(*about: Any) -> bool:
        looks.append(about)
        path.write_bytes(whole[: starts[4] - 7] if len(looks) == 1 else whole)
        return goes_on(*about)

    monkeypatch.setattr(module, "_goes_on", beside)
    assert [row["id"] for row, _ in read_journal(path)] == [0, 1, 2, 3, 4]
    assert len(looks) == 2
