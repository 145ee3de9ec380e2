"""Stand-in of a batch system: its commands, see `COMMANDS`, as far as this project calls them.

Called by the name of one of them; jobs run at once on this machine, their states are files below
``$STAND_IN``. A job that is named in the file ``lost`` there is one that the server has forgotten.
While there is a file ``busy``, no state is given; ``waiting`` says that one was asked for.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

JOBS = Path(os.environ.get("STAND_IN", "."))
COMMANDS = {
    "pbs": ("qsub", "qstat", "qdel"),
    "lsf": ("bsub", "bjobs", "bkill"),
    "slurm": ("sbatch", "squeue", "scancel", "srun", "scontrol", "sinfo", "sacct"),
}


def put(folder: Path, system: str) -> None:
    """Write the commands of a system into a folder, which is to stand first on PATH."""
    text = Path(__file__).read_text(encoding="utf-8")
    for name in COMMANDS[system]:
        (folder / name).write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
        (folder / name).chmod(0o755)


def submit(*words: str, out: str = "") -> str:
    """Start a job: a script, or ``sh -c`` words; its number, which stands for %j in `out`."""
    number = str(sum(1 for _ in JOBS.glob("*.asked")) + 1)
    (JOBS / f"{number}.asked").write_text("\n".join(sys.argv[1:]))
    run = 'n=$1; o=$2; shift 2; sh "$@" > "$o" 2>&1; echo $? > "$n.part"; mv "$n.part" "$n.exit"'
    said = out.replace("%j", number) or str(JOBS / f"{number}.out")
    child = subprocess.Popen(
        ["sh", "-c", run, "sh", str(JOBS / number), said, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "SLURM_JOB_ID": number},
        start_new_session=True,
    )
    (JOBS / f"{number}.pid").write_text(str(child.pid))
    return number


def code(number: str) -> str | None:
    """Exit code of a job that has ended."""
    path = JOBS / f"{number}.exit"
    return path.read_text().strip() if path.exists() else None


def is_lost(number: str) -> bool:
    """Whether the server has forgotten a job, or never knew it."""
    lost = JOBS / "lost"
    known = (JOBS / f"{number}.asked").exists()
    return not known or (lost.exists() and number in lost.read_text().split())


def cancel(number: str) -> None:
    """End a job with all that it started."""
    with suppress(OSError, ValueError):
        os.killpg(int((JOBS / f"{number}.pid").read_text()), signal.SIGKILL)
    (JOBS / f"{number}.exit").write_text("271")


def slurm(name: str, words: Sequence[str]) -> int:
    """What Slurm's program of that name does."""
    if name == "sbatch":
        (command,) = (w.removeprefix("--wrap=") for w in words if w.startswith("--wrap="))
        print(submit("-c", command, out=words[words.index("--output") + 1]))
    elif name == "squeue":
        shown = next((w for w in words if w.startswith("--format=")), "--format=%i %T")
        with_ended = "--states=all" in words
        for path in sorted(JOBS.glob("*.asked")):
            state = {None: "RUNNING", "0": "COMPLETED"}.get(code(path.stem), "FAILED")
            if not is_lost(path.stem) and (with_ended or state == "RUNNING"):
                text = shown.removeprefix("--format=")
                print(text.replace("%i", path.stem).replace("%T", state))
    elif name == "scancel":
        for each in words:
            cancel(each)
    elif name == "sacct":  # as of a Slurm without a database
        print("Slurm accounting storage is disabled", file=sys.stderr)
        return 1
    elif name == "srun":
        command = [*itertools.dropwhile(lambda word: word.startswith("-"), words)]
        os.execvp(command[0], command)
    else:
        print("PARTITION\nmain*" if name == "sinfo" else "MinJobAge = 300 sec")
    return 0


def main(name: str, last: str) -> int:
    """What the program of that name does with its last argument, or with all that it cancels."""
    if name in COMMANDS["slurm"]:
        return slurm(name, sys.argv[1:])
    number = last.split(".", maxsplit=1)[0]
    while name in ("qstat", "bjobs") and (JOBS / "busy").exists():
        (JOBS / "waiting").touch()
        time.sleep(0.05)
    if name in ("qsub", "bsub"):
        found = submit(last)
        print(f"{found}.server" if name == "qsub" else f"Job <{found}> is submitted to queue <q>.")
    elif name in ("qdel", "bkill"):
        for each in sys.argv[1:]:
            cancel(each.split(".")[0])
    elif is_lost(number):
        text = "qstat: Unknown Job Id" if name == "qstat" else f"Job <{number}> is not found"
        print(text, file=sys.stderr)
        return 153
    elif name == "qstat":
        done = code(number)
        state = "R" if done is None else f"F\n    Exit_status = {done}"
        print(f"Job Id: {last}\n    job_state = {state}")
    else:
        print({None: "RUN", "0": "DONE"}.get(code(number), "EXIT"))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).name, sys.argv[-1]))
