"""Stand-in of a batch system: ``qsub``, ``qstat``, ``qdel``, ``bsub``, ``bjobs``, ``bkill``.

Called by one of these names; jobs run at once on this machine, their states are files below
``$STAND_IN``. A job that is named in the file ``lost`` there is one that the server has forgotten.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

JOBS = Path(os.environ["STAND_IN"])


def submit(script: str) -> str:
    """Start a job; its number."""
    number = str(sum(1 for _ in JOBS.glob("*.asked")) + 1)
    (JOBS / f"{number}.asked").write_text("\n".join(sys.argv[1:]))
    run = 'sh "$1" > "$2.out" 2>&1; echo $? > "$2.part"; mv "$2.part" "$2.exit"'
    child = subprocess.Popen(
        ["sh", "-c", run, "sh", script, str(JOBS / number)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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


def main(name: str, last: str) -> int:
    """What the program of that name does with its last argument, or with all that it cancels."""
    number = last.split(".", maxsplit=1)[0]
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
