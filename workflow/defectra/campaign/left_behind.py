"""Jobs of a cluster that a killed run left in the queue, and those that the queue has lost.

Snakemake writes the number of each job that it submits beside the files that the job makes
(``.snakemake/incomplete``) and removes it when it has seen the job end. A job that begins writes
none over it; then the log of Slurm bears its number (``.snakemake/slurm_logs``). A job that is
found there when a run begins, and is still in the queue, works on the same files. What it finishes
is in the journal of its chunk; the new run waits for it, and then only projects it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

WAITING = "Waiting for jobs"  # begins a line of the log that the launcher shows
_LOOK_S = 10.0
_PATIENT_QUERIES = 6  # that fail one after another, before the queue counts as unknown
Queue = Callable[[], Mapping[str, str] | None]


def submitted(records: Path) -> set[str]:
    """Numbers of the jobs that a run submitted and did not see end.

    Parameters
    ----------
    records
        ``.snakemake/incomplete``.
    """
    found = set()
    for path in records.glob("*") if records.is_dir() else ():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # half written, or of another kind
        number = known.get("external_jobid") if isinstance(known, dict) else None
        if number:
            found.add(str(number))
    return found


def begun(logs: Path) -> set[str]:
    """Numbers of the jobs that Slurm has begun, from the names of their logs.

    Parameters
    ----------
    logs
        ``.snakemake/slurm_logs``.
    """
    return {path.stem for path in logs.rglob("*.log") if path.stem.replace("_", "").isdecimal()}


def slurm_queue() -> dict[str, str] | None:
    """State of each job of this user that Slurm has not seen end; None: it gives no answer."""
    return _squeue() if shutil.which("squeue") else {}


def _squeue(*more: str) -> dict[str, str] | None:
    command = ["squeue", "--me", "--noheader", "--array", "--format=%i %T", *more]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except (subprocess.TimeoutExpired, OSError):
        return None
    if done.returncode:
        return None
    return dict(line.split(None, 1) for line in done.stdout.splitlines() if " " in line.strip())


def wait_for_left_behind(
    folder: Path, queue: Queue = slurm_queue, look_s: float = _LOOK_S
) -> list[str]:
    """Wait until no job that an earlier run submitted is in the queue; returns those waited for.

    Parameters
    ----------
    folder
        ``.snakemake``.
    queue
        States of the user's jobs by number; None if the queue does not answer.
    look_s
        Seconds between two looks.
    """
    numbers = submitted(folder / "incomplete") | begun(folder / "slurm_logs")
    waited, silent = set[str](), 0
    while numbers:
        states = queue()
        silent = 0 if states is not None else silent + 1
        if states is None and silent >= _PATIENT_QUERIES:
            break
        left = {n: states[n] for n in numbers & states.keys()} if states is not None else None
        if left is not None and not left:
            break
        if left and not waited:
            listed = ", ".join(f"{n} {state.lower()}" for n, state in sorted(left.items())[:10])
            more = f" and {len(left) - 10} more" if len(left) > 10 else ""
            print(
                f"{WAITING} that an earlier run left in the queue ({listed}{more}): they work on "
                f"the same files. To begin at once: scancel {' '.join(sorted(left)[:10])}",
                file=sys.stderr,
                flush=True,
            )
        waited |= set(left or ())
        time.sleep(look_s)
    return sorted(waited)


def slurm_known() -> dict[str, str] | None:
    """State of each job of this user that Slurm knows, ended ones included; None: no answer."""
    return _squeue("--states=all")


_ENDED = frozenset(
    "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED "
    "TIMEOUT".split()
)


class LostJobs:
    """Jobs that were submitted, or seen at work, and that Slurm does not know any more.

    The executor plugin (2.8) takes such a job for one that is not listed yet, and waits for it
    without end: after a controller died between a submission and the writing of its state.

    Parameters
    ----------
    records
        ``.snakemake/incomplete``; the logs of jobs that have begun are beside it.
    queue
        States of the user's jobs, ended ones included; None if the queue does not answer.
    every_s, looks
        A job is lost that is not known in so many looks, so many seconds apart: more than the
        longest time between two looks of the plugin itself (180 s).
    """

    def __init__(
        self, records: Path, queue: Queue = slurm_known, every_s: float = 60.0, looks: int = 5
    ) -> None:
        self.records, self.queue, self.every_s, self.looks = records, queue, every_s, looks
        self._next, self._missed = 0.0, dict[str, int]()
        self._running: set[str] = set()  # begun, and not seen to end

    def look(self, now: float) -> list[str]:
        """Numbers of the jobs that are lost; asks the queue once in `every_s`.

        Parameters
        ----------
        now
            Time of a clock that only goes forward, seconds.
        """
        if now < self._next:
            return []
        self._next = now + self.every_s
        asked, at_work = submitted(self.records), begun(self.records.parent / "slurm_logs")
        states = self.queue() if asked or at_work else {}
        if states is not None:
            seen = {n for n in at_work & states.keys() if states[n] not in _ENDED}
            self._running = seen | ((self._running & at_work) - states.keys())
            missing = (asked | self._running) - states.keys()
            self._missed = {number: self._missed.get(number, 0) + 1 for number in missing}
        return sorted(n for n, count in self._missed.items() if count >= self.looks)
