"""The lock of a results folder: one run at a time, whoever starts it.

The kernel gives it back when the last process that holds its open file ends, so it is never
stale. A launcher hands the open file to the Snakemake that it starts; nobody else can hold it.
Where locks do not reach other nodes, the note of the holder tells (:mod:`defectra.core.holder`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TextIO

from defectra.core.errors import StoreError
from defectra.core.holder import Holder
from defectra.core.journal import NO_LOCKS
from defectra.core.store import disk_errors

NAME = ".launcher.lock"
# Number of the open file of the lock, which the parent of this process hands over.
VARIABLE = "DEFECTRA_RESULTS_LOCK"


class ResultsLock:
    """The lock of a results folder, held until it is closed.

    Parameters
    ----------
    handle
        Its open file.
    holder
        The note beside it, for nodes that the lock does not reach.
    """

    def __init__(self, handle: TextIO, holder: Holder) -> None:
        self._handle, self._holder = handle, holder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Number of the open file."""
        return self._handle.fileno()

    def check(self) -> None:
        """Refuse to go on if a run on another node works here too.

        Raises
        ------
        StoreError
            With its host.
        """
        self._holder.check(look=True)

    def close(self) -> None:
        """Give the lock back, unless another process got the open file as well."""
        self._holder.end()
        self._handle.close()


@contextmanager
def only_one(results: Path) -> Iterator[int]:
    """Hold the lock of a results folder; yields the number of its open file, see :func:`take`."""
    with take(results) as lock:
        yield lock.fileno()


def take(results: Path) -> ResultsLock:
    """Take the lock of a results folder; it is held until what is returned is closed.

    Raises
    ------
    StoreError
        If another run holds it, or the folder cannot be written.
    """
    path = results / NAME
    try:
        results.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+")
    except OSError as error:
        raise StoreError(
            f"{results}: cannot be written ({error.strerror}); make it "
            "writable, or name another folder: DIRECTORY=FOLDER, --directory FOLDER"
        ) from None
    note = Holder(path, who="a run")
    try:
        _lock(handle, results)
        note.begin()
        with disk_errors(path):
            handle.truncate(0)
            handle.write(f"{os.getpid()} on {note.host}")
            handle.flush()
    except BaseException:
        note.end()
        with suppress(OSError):  # what a full disk did not take
            handle.close()
        raise
    return ResultsLock(handle, note)


def _lock(handle: TextIO, results: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        raise StoreError(
            f"{results}: another run is at work here (process {handle.read().strip()}); "
            f"wait for it, stop it, or use another --directory"
        ) from None
    except OSError as error:
        raise StoreError(f"{results / NAME}: {NO_LOCKS} ({error.strerror})") from None


def holder(results: Path) -> str:
    """Number and host of the process that holds the lock; empty if none does. Nothing is written.

    Earlier versions wrote the number alone.
    """
    try:
        with (results / NAME).open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (results / NAME).read_text(encoding="utf-8").strip() or "unknown"
    except OSError:
        return ""
    return ""


def is_handed_over(results: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the parent of this process holds the lock and handed its open file over.

    That the number stands in the environment proves nothing: the file must be open here, be the
    lock of this folder, and be locked already or lockable, which it is through this file only.
    """
    number = environment.get(VARIABLE, "")
    if not number.isdecimal():
        return False
    try:
        if not os.path.samestat(os.fstat(int(number)), (results / NAME).stat()):
            return False
        fcntl.flock(int(number), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
