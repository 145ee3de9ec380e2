"""Waiting for what happens, never for a number of seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

GUARD_S = 900.0  # against hanging for ever; no test may come near it


def wait_for(condition: Callable[[], object], what: str, guard_s: float = GUARD_S) -> None:
    """Look until `condition` holds; fails with `what` if that never happens."""
    end = time.monotonic() + guard_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {guard_s:g} s"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process is there and has not ended; what nobody has waited for is no life."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Gate:
    """A gate that every calculation of the synthetic engine passes, closed at first.

    Its path belongs into ``DEFECTRA_SYNTHETIC_GATE``. A gate whose test has ended is open.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._handle = os.open(path, os.O_RDWR)

    def let(self, count: int) -> None:
        """Let `count` more calculations pass."""
        os.write(self._handle, b"." * count)

    def open(self) -> None:
        """Let all pass from now on."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
