"""How many cores this process may use, and numerical libraries that keep to them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

# What NumPy's and torch's libraries, and programs with OpenMP, read when they start.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
CGROUP, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def usable_cores(
    environment: Mapping[str, str] = os.environ, root: Path = CGROUP, own: Path = OWN_GROUPS
) -> int:
    """Cores that this process may use: of its affinity, its control group and its Slurm job.

    Not those of the machine: a container or a job of a cluster often gets a few of many.

    Parameters
    ----------
    environment
        ``SLURM_CPUS_PER_TASK`` counts where it is set.
    root, own
        Where control groups are mounted, and the list of those of this process.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    found = [float(len(affinity(0)) if affinity else os.cpu_count() or 1), *_quotas(root, own)]
    slurm = environment.get("SLURM_CPUS_PER_TASK", "")
    if slurm.isdecimal() and int(slurm):
        found.append(float(slurm))
    return max(1, int(min(found)))


def _quotas(root: Path, own: Path) -> Iterator[float]:
    """Cores of each limit of processor time, versions 1 and 2, of the group and those above it."""
    lines = _text(own).splitlines()
    for number, kinds, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if number == "0":
            base, files = root, ["cpu.max"]
        elif "cpu" in kinds.split(","):
            base, files = root / kinds, ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        else:
            continue
        group = Path(path.lstrip("/"))
        for folder in (base / group, *(base / parent for parent in group.parents)):
            words = " ".join(_text(folder / name) for name in files).split()
            if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal():
                yield int(words[0]) / max(1, int(words[1]))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def follow_threads(threads: int, environment: MutableMapping[str, str] = os.environ) -> None:
    """Let numerical libraries, and the programs that this process starts, use so many threads."""
    environment.update(dict.fromkeys(THREADS, str(threads)))
