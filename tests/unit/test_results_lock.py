"""The lock of a results folder: one run, on whatever node, and sentences of the disk."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
from pathlib import Path

import pytest

from defectra.core.errors import StoreError
from defectra.core.holder import Holder
from defectra.core.results_lock import NAME, holder, take

BEAT_S = 0.02


def test_a_run_on_another_node_is_refused_where_locks_do_not_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Holder(tmp_path / NAME, "node1", BEAT_S)
    other.begin()
    monkeypatch.setattr(Holder.__init__, "__defaults__", (None, 0.5, "a worker"))
    with pytest.raises(StoreError, match="a run on node1 writes here too"):
        take(tmp_path)
    other.end()
    with take(tmp_path) as lock:
        lock.check()
        second = Holder(tmp_path / NAME, platform.node())
        second.begin()
        with pytest.raises(StoreError, match=f"a run on {platform.node()} writes here too"):
            lock.check()
        second.end()


def test_the_refusal_names_process_and_host(tmp_path: Path) -> None:
    with take(tmp_path):
        where = f"{os.getpid()} on {platform.node()}"
        assert holder(tmp_path) == where
        with pytest.raises(StoreError, match=rf"another run is at work here \(process {where}\)"):
            take(tmp_path)
        assert len(list(tmp_path.iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert holder(tmp_path) == ""


def test_a_lock_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    with (tmp_path / NAME).open("w") as handle:
        handle.write("123")
        handle.flush()
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert holder(tmp_path) == "123"
        with pytest.raises(StoreError, match=r"at work here \(process 123\)"):
            take(tmp_path)


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match=r"cannot be written \(No space left on device\)"):
        take(tmp_path)
    monkeypatch.undo()
    with take(tmp_path):
        pass


def test_a_file_system_without_locks_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(StoreError, match="does not lock files"):
        take(tmp_path)
