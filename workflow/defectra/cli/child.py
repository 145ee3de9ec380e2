"""Snakemake as a child process: started in a group of its own, watched, and stopped as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

GRACE_S = 15.0
# To cancel jobs, Snakemake asks the batch system, which may take minutes; what ends it earlier
# leaves the jobs to themselves.
CLUSTER_GRACE_S = 600.0
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


def stop(child: subprocess.Popen[bytes], grace_s: float, signals: Sequence[int]) -> None:
    """Interrupt the whole group, then kill what is left of it.

    Parameters
    ----------
    grace_s
        How long it may take to end by itself, s.
    signals
        What :func:`stop_signals` notes; one more than now ends the grace.
    """
    known = len(signals)
    for number, wait in ((signal.SIGINT, grace_s), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        if _ended(child, wait, signals if number == signal.SIGINT else (), known):
            break
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _ended(
    child: subprocess.Popen[bytes], wait_s: float, signals: Sequence[int], known: int
) -> bool:
    """Whether a child ends in time, and before there are more signals than the known ones."""
    end = time.monotonic() + wait_s
    while child.poll() is None and time.monotonic() < end and len(signals) <= known:
        with suppress(subprocess.TimeoutExpired):
            child.wait(0.2)
    return child.poll() is not None
