"""Scratch of a worker: on the node's own disk, removed with the worker, even after a kill."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import platform
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from defectra.core.store import disk_errors

_LOCK = ".lock"
_NEW_S = 60.0


def use_node_scratch() -> Path:
    """Put all temporary files of this process and its children into a folder of its own.

    It lies in ``$SLURM_TMPDIR`` where a cluster gives one, else in ``$TMPDIR``, else where Python
    puts temporary files; a variable that names no folder of this node is passed over. The folder
    goes when the process ends; what a killed process left is removed by the next one on the node:
    the kernel gives its lock back with its death. Of other nodes nothing is removed: where they
    share the folder, their locks may not reach here.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    named = os.environ.get("SLURM_TMPDIR", "")
    root = Path(named) if named and os.access(named, os.W_OK) else Path(tempfile.gettempdir())
    _sweep(root)
    with disk_errors(root):
        folder = Path(tempfile.mkdtemp(prefix=_prefix(), dir=root))
        lock = _locked(folder)
    atexit.register(_remove, folder, lock, os.getpid())
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def _prefix() -> str:
    """Beginning of the names of this node; short, since paths of sockets may have 107 bytes."""
    return f"defectra-{hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()}-"


def _locked(folder: Path) -> TextIO:
    """Lock file of a scratch folder, held by this process.

    Raises
    ------
    OSError
        If another process holds it.
    """
    handle = (folder / _LOCK).open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise
    return handle


def _sweep(root: Path) -> None:
    """Remove the folders of our own dead processes here; a new one may not have its lock yet."""
    for lock in root.glob(f"{_prefix()}*/{_LOCK}"):
        with suppress(OSError):
            state = lock.stat()
            if state.st_uid == os.getuid() and time.time() - state.st_mtime > _NEW_S:
                with _locked(lock.parent):
                    shutil.rmtree(lock.parent, ignore_errors=True)


def _remove(folder: Path, lock: TextIO, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()
