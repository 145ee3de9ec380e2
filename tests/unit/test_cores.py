"""Cores that a process may use, from every place that can limit them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from defectra.core.cores import THREADS, follow_threads, usable_cores

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
QUOTA, PERIOD = "cpu__job__cpu_dot_cfs_quota_us", "cpu__job__cpu_dot_cfs_period_us"


def groups(folder: Path, own: str, **files: str) -> tuple[Path, Path]:
    """Control groups below a folder: `own` is the list of a process, files are limits."""
    (folder / "own").write_text(own)
    for name, text in files.items():
        path = folder / "root" / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "root", folder / "own"


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/\n", {}, ALL),
        ("0::/a/b\n", {"a__b__cpu_dot_max": "max 100000\n"}, ALL),
        ("0::/a/b\n", {"a__b__cpu_dot_max": "100000 100000\n"}, 1),
        ("0::/a/b\n", {"a__cpu_dot_max": "150000 100000\n"}, 1),  # of the group above
        ("0::/a\n", {"a__cpu_dot_max": "20000 100000\n"}, 1),  # a fifth of a core is one process
        (
            "1:cpu:/job\n0::/\n",
            {
                "cpu__job__cpu_dot_cfs_quota_us": "100000",
                "cpu__job__cpu_dot_cfs_period_us": "100000",
            },
            1,
        ),
        (
            "1:cpu:/job\n0::/\n",
            {QUOTA: "-1", PERIOD: "100000"},
            ALL,
        ),
        ("of no known form\n", {}, ALL),
    ],
)
def test_control_groups(tmp_path: Path, own: str, files: dict[str, str], cores: int) -> None:
    assert usable_cores({}, *groups(tmp_path, own, **files)) == cores


@pytest.mark.parametrize(("given", "cores"), [("1", 1), ("64", ALL), ("", ALL), ("x", ALL)])
def test_slurm(tmp_path: Path, given: str, cores: int) -> None:
    nothing = groups(tmp_path, "")
    assert usable_cores({"SLURM_CPUS_PER_TASK": given}, *nothing) == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity is of Linux")
def test_affinity() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from defectra.core.cores import usable_cores; print(usable_cores({}))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "1"


def test_libraries_follow_the_threads_of_a_rule() -> None:
    environment = {"OMP_NUM_THREADS": "64"}
    follow_threads(3, environment)
    assert environment == dict.fromkeys(THREADS, "3")
