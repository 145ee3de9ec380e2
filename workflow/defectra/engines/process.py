"""Run an engine as a child that dies with its worker, within a time limit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from defectra.core.errors import EngineError

_BOUND = Path(__file__).with_name("bound.py")
LOG = "child.log"  # what a child prints, in its folder
LOG_LIMIT = 50_000_000  # bytes; a child that writes more is stopped


@dataclass(frozen=True)
class Usage:
    """What a finished child took."""

    returncode: int
    wall_s: float
    cpu_s: float
    max_rss_mb: float


def processes(launch: Sequence[str]) -> int:
    """Processes that a launcher such as ``mpiexec -n 4`` or ``srun --ntasks=4`` starts.

    1 if it does not say how many.
    """
    for word, following in zip(launch, [*launch[1:], ""]):
        name, _, value = word.partition("=")
        short = re.fullmatch(r"-(?:n|np)(\d+)", word)
        if short:
            return int(short[1])
        if name in ("-n", "-np", "--np", "--ntasks"):
            given = value or following
            return int(given) if given.isdigit() and int(given) else 1
    return 1


def bound(command: Sequence[str]) -> list[str]:
    """`command` for a program that would otherwise outlive its worker when that is killed.

    Linux alone; elsewhere such a program ends by itself or at its time limit. What the program
    itself starts is not bound.
    """
    return [sys.executable, "-I", "-S", str(_BOUND), str(os.getpid()), *command]


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout_s: float
) -> Usage:
    """Run `command` in `folder`; output goes to :data:`LOG` there.

    Raises
    ------
    EngineError
        ``timeout`` or ``log_too_large``: the whole process group has then been killed;
        ``engine_missing`` if there is nothing that could be started.
    """
    start = time.perf_counter()
    log = folder / LOG
    with log.open("wb") as handle:
        try:
            child = subprocess.Popen(
                list(command),
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            text = f"{command[0]} cannot be started ({error.strerror})"
            raise EngineError("engine_missing", text) from None
    try:
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - start > timeout_s:
                raise EngineError(
                    "timeout", f"stopped after {timeout_s:g} s; raise timeout_s of the protocol"
                )
            if log.stat().st_size > LOG_LIMIT:
                raise EngineError("log_too_large", f"the engine wrote over {LOG_LIMIT} bytes")
            time.sleep(0.02)
    finally:  # after a good end as well: what a killed child started must not outlive it
        _kill_group(child.pid)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Usage(
        child.returncode,
        time.perf_counter() - start,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / 1024,
    )


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
