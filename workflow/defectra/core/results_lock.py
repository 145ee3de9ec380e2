"""The lock of a results folder: one run at a time, whoever starts it.

The kernel gives it back when the last process that holds its open file ends, so it is never
stale. A launcher hands the open file to the Snakemake that it starts; nobody else can hold it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from defectra.core.errors import StoreError

NAME = ".launcher.lock"
# Number of the open file of the lock, which the parent of this process hands over.
VARIABLE = "DEFECTRA_RESULTS_LOCK"


@contextmanager
def only_one(results: Path) -> Iterator[int]:
    """Hold the lock of a results folder; yields the number of its open file, see :func:`take`."""
    with take(results) as handle:
        yield handle.fileno()


def take(results: Path) -> TextIO:
    """Take the lock of a results folder; it is held until the file that is returned is closed.

    Raises
    ------
    StoreError
        If another run holds it, or the folder cannot be written.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        handle = (results / NAME).open("a+")
    except OSError as error:
        raise StoreError(
            f"{results}: cannot be written ({error.strerror}); make it "
            "writable, or name another folder: DIRECTORY=FOLDER, --directory FOLDER"
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        holder = handle.read().strip()
        handle.close()
        raise StoreError(
            f"{results}: another run is at work here (process {holder}); "
            f"wait for it, stop it, or use another --directory"
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def holder(results: Path) -> str:
    """Number of the process that holds the lock; empty if none does. Nothing is written."""
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
