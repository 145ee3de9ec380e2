"""Folder of a run: one process at a time, and nothing in it that a former try left."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from defectra.core.errors import BusyError, EngineError, StoreError
from defectra.core.journal import NO_LOCKS
from defectra.core.store import disk_errors, made
from defectra.engines.process import LOG


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder, a hidden file beside it.

    Raises
    ------
    BusyError
        If another process computes there.
    StoreError
        If the disk refuses.
    """
    path = folder.with_name(f".{folder.name}.lock")
    made(path.parent)
    with disk_errors(path):
        handle = path.open("a")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{folder}: another process computes there; wait for it") from None
        except OSError as error:
            raise StoreError(f"{path}: {NO_LOCKS} ({error.strerror})") from None
        yield


@contextmanager
def fresh(folder: Path | None, inputs: Collection[str]) -> Iterator[Path]:
    """Empty folder for a run; a temporary one for None.

    A former try, known by its log, is cleared away, as are `inputs` (names) that were written
    before. What somebody ran there by hand is not touched.

    Raises
    ------
    EngineError
        ``folder_taken``: there are other files.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="run-") as name:
            yield Path(name)
        return
    with disk_errors(folder):
        there = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
        if LOG not in there and there - set(inputs):
            raise EngineError(
                "folder_taken",
                f"{folder} holds {min(there - set(inputs))}, which no run of ours left: read it "
                f"with `defectra import`, then move the folder away",
            )
        (made(folder) / LOG).write_bytes(b"")  # from here on it is known as ours, until it goes
        for name in there - {LOG}:
            _remove(folder / name)
    yield folder


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_left(home: Path, names: Collection[str]) -> None:
    """Remove files of these names that killed runs left in the folders below `home`."""
    for path in (p for name in names for p in home.glob(f"*/{name}")):
        with suppress(BusyError), alone(path.parent):
            path.unlink(missing_ok=True)
