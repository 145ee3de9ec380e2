"""How long a user waits: ``make run`` from a fresh clone to the report, and a whole study.

``python -m benchmarks.whole_run [--mirror FOLDER] [--study nmc]`` clones the last commit of this
repository into a temporary folder, sets up its environment from the lock, makes the default
campaign, and then the study in a folder of its own, all from the archive. Wall and CPU seconds
(user + system of all children), the cores, and the load of the machine before the first part began
(later ones follow at once, and find the load of those before) are kept in
``benchmarks/measured/whole_run.csv``; ``... write`` puts them into ``docs/design.md``. The limits
are for two idle cores: a row of a loaded machine says so and is not judged.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.kept import Kept, machine, when
from benchmarks.rows import put, table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "design.md"
LIMIT = 300.0  # s of wall time
IDLE = 0.5  # load average up to which a machine counts as idle
SETUP, RUN, BOTH = "environment of a fresh clone", "`make run`, environment there", "`make run`"
KEPT = Kept("whole_run", ("case",), ("wall_s", "cpu_s", "cores", "limit_s", "commit"))


def timed(command: list[str], folder: Path) -> dict[str, Any]:
    """Wall and CPU s of a command and all its children.

    Raises
    ------
    RuntimeError
        If it ends badly: the time of a failed run says nothing.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        end = done.stdout[-2000:]
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{end}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "cpu_s": cpu}


def existing(path: Path) -> None:
    """Refuse a run without its result.

    Raises
    ------
    RuntimeError
        If the file is not there.
    """
    if not path.exists():
        raise RuntimeError(f"the run ended well, and {path.name} is not there")


def measure(folder: Path, mirror: str, study: str) -> list[dict[str, Any]]:
    """Rows of all parts, in a clone below `folder`."""
    begun = machine() | {"cores": len(os.sched_getaffinity(0))}
    clone, own = folder / "clone", folder / study
    given = [f"MIRROR={mirror}"] if mirror else []
    copy = ["git", "clone", "-q", str(ROOT), str(clone)]
    subprocess.run(copy, check=True)
    name = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(name, cwd=clone, check=True, capture_output=True, text=True).stdout
    setup = timed(["make", ".venv/.installed"], clone)
    run = timed(["make", "run", *given], clone)
    existing(clone / "results" / "report.html")
    whole = timed(["make", study, f"DIRECTORY={own}", *given], clone)
    existing(own / "results" / study / "scorecard.csv")
    both = setup | {k: setup[k] + run[k] for k in ("wall_s", "cpu_s")}
    nan = float("nan")
    cases = ((SETUP, setup, nan), (RUN, run, nan), (BOTH, both, LIMIT))
    rows = [{"case": c, "limit_s": limit, **found} for c, found, limit in cases]
    rows.append({"case": f"study {study}, `make {study}`", "limit_s": LIMIT, **whole})
    return [row | begun | {"commit": f"g{commit.strip()}"} for row in rows]


def verdict(row: dict[str, Any]) -> str:
    """What was asked, and whether it is met; not judged where the machine was not idle."""
    if math.isnan(row["limit_s"]):
        return ""
    asked = f"at most {row['limit_s']:.0f} s"
    if row["load"] > IDLE or row["cores"] < 2:
        return f"{asked} on 2 idle cores: not judged, load {row['load']:g}"
    return asked if row["wall_s"] <= row["limit_s"] else f"{asked}, **missed**"


def text() -> str:
    """The table of the page."""
    rows = KEPT.rows()
    head = ["from the archive", "wall s", "CPU s", "cores", "load before", "asked", "commit"]
    lines = [
        [
            str(r["case"]), f"{r['wall_s']:.0f}", f"{r['cpu_s']:.0f}", f"{r['cores']:.0f}",
            f"{r['load']:g}", verdict(r), f"`{str(r['commit'])[1:]}`",
        ]
        for r in rows
    ]  # fmt: skip
    return "\n\n".join((table(head, lines), when(rows)))


def main() -> None:
    """Measure and keep the rows, or write the page."""
    if sys.argv[1:] == ["write"]:
        put(PAGE, "whole_run", text())
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", default="", help="folder of the published files")
    parser.add_argument("--study", default="nmc")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        mirror = str(Path(args.mirror).resolve()) if args.mirror else ""
        rows = measure(Path(name), mirror, args.study)
    for row in rows:
        print(json.dumps(row), flush=True)
    KEPT.add(rows)


if __name__ == "__main__":
    main()
