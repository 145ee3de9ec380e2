"""Snakemake as a child process: started in a group of its own, watched, and stopped as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

GRACE_S = 15.0
_PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str], log: Path, environment: Mapping[str, str], handed: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, which we signal as a whole.

    Parameters
    ----------
    command
        Its words.
    log
        File that all its output is appended to.
    environment
        Its environment variables.
    handed
        Numbers of open files that it inherits.
    """
    with log.open("ab") as handle:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=handed,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )


def _die_with_parent() -> None:
    """Snakemake must not outlive the lock that we hold for it; its workers follow it."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Note SIGINT, SIGTERM and SIGHUP in a list instead of dying from them."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        seen.append(number)

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    old: list[Any] = [signal.signal(kind, note) for kind in kinds]
    try:
        yield seen
    finally:
        for kind, handler in zip(kinds, old):
            signal.signal(kind, handler)


def stop(child: subprocess.Popen[bytes]) -> None:
    """Interrupt the whole group, then kill what is left of it."""
    for number, wait in ((signal.SIGINT, GRACE_S), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(wait)
            break
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
