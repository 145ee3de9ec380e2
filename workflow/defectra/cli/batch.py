"""PBS and LSF for Snakemake's executor `cluster-generic`: submit a job, ask what became of it.

``python3 -m defectra.cli.batch pbs submit CORES MB MINUTES SCRIPT`` prints the number of the job,
``... pbs status JOB`` one of ``running``, ``success``, ``failed``. The executor ends the whole run
where a status command fails: a system that gives no answer leaves its jobs ``running`` until it
gives one, and a job that it no longer knows has failed.

Standard library only, since it may be run by the Python of the login node.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

RECORDS = "batch_jobs"  # below .snakemake: a file for each job that was not seen to end
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class System:
    """Commands of one batch system, and how its answers are read.

    Attributes
    ----------
    submit, ask, cancel
        Words of the commands; in `submit`, ``{cores}``, ``{mb}`` and ``{minutes}`` are replaced.
    number
        Finds the number of the job in what `submit` prints.
    state, exit_code
        Find the state, and the exit code if it stands apart, in what `ask` prints.
    success, failed
        States of jobs that have ended; with an exit code, `success` is any state of the end.
    unknown
        Finds in an answer that the system does not know the job.
    """

    submit: tuple[str, ...]
    ask: tuple[str, ...]
    cancel: tuple[str, ...]
    number: str
    state: str
    exit_code: str
    success: frozenset[str]
    failed: frozenset[str]
    unknown: str


SYSTEMS = {
    "pbs": System(
        submit=(
            *("qsub", "-V", "-N", "defectra", "-j", "oe"),
            *("-l", "select=1:ncpus={cores}:mem={mb}mb", "-l", "walltime={clock}"),
        ),
        ask=("qstat", "-x", "-f"),
        cancel=("qdel",),
        number=r"^(\d\S*)",
        state=r"job_state = (\w)",
        exit_code=r"[Ee]xit_status = (-?\d+)",
        success=frozenset("FCX"),
        failed=frozenset(),
        unknown=r"Unknown Job",
    ),
    "lsf": System(
        submit=(
            *("bsub", "-J", "defectra", "-n", "{cores}", "-W", "{minutes}"),
            *("-R", "span[hosts=1] rusage[mem={mb}]", "-M", "{mb}"),
        ),
        ask=("bjobs", "-noheader", "-o", "stat"),
        cancel=("bkill",),
        number=r"Job <(\d+)>",
        state=r"^([A-Z]+)\s*$",
        exit_code="",
        success=frozenset({"DONE"}),
        failed=frozenset({"EXIT", "ZOMBI"}),
        unknown=r"is not found",
    ),
}


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a client of the batch system; the caller looks at what came of it."""
    return subprocess.run(list(command), capture_output=True, text=True, check=False)


def submit(system: System, asked: Sequence[str], call: Run = run) -> str:
    """Submit a script; the number of the job.

    Parameters
    ----------
    asked
        Cores, megabytes, minutes, and the script.

    Raises
    ------
    SystemExit
        With what the system said, if it takes no job.
    """
    cores, mb, minutes, script = asked
    hours, rest = divmod(int(minutes), 60)
    named = {"cores": cores, "mb": mb, "minutes": minutes, "clock": f"{hours}:{rest:02d}:00"}
    done = call([*(word.format(**named) for word in system.submit), script])
    found = re.search(system.number, done.stdout, re.MULTILINE)
    if done.returncode or not found:
        raise SystemExit(f"{system.submit[0]}: {(done.stderr or done.stdout).strip()}")
    return found[1]


def status(system: System, job: str, call: Run = run) -> str:
    """``running``, ``success`` or ``failed``."""
    done = call([*system.ask, job])
    printed = done.stdout + done.stderr
    if re.search(system.unknown, printed):
        return "failed"
    state = re.search(system.state, printed, re.MULTILINE)
    if not state:
        return "running"  # no answer: the server is asked again
    if state[1] in system.failed:
        return "failed"
    if state[1] not in system.success:
        return "running"
    code = re.search(system.exit_code, printed) if system.exit_code else None
    ended_well = code[1] == "0" if code else not system.exit_code
    return "success" if ended_well else "failed"


def record(name: str, number: str, state: str) -> None:
    """Keep the number of a job as long as it is not seen to end, in the folder of the run."""
    path = Path(".snakemake") / RECORDS / name / number
    if state == "running":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    else:
        path.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> None:
    """Command line."""
    name, action, *asked = arguments
    system = SYSTEMS[name]
    if action == "submit":
        number = submit(system, asked)
        record(name, number, "running")
        print(number)
    elif action == "status":
        state = status(system, asked[0])
        record(name, asked[0], state)
        print(state)
    else:
        raise SystemExit(f"{action}: submit or status is expected")


if __name__ == "__main__":
    main(sys.argv[1:])
