"""What the workflow itself costs: an engine of no cost, 10,000 structures, 200,000 calculations.

``python -m benchmarks.workflow [--structures 1000 10000] [--shards 30] [--naive 1000]`` prints one
JSON line for each case. `ours` is CPU time (user + system of the whole process tree), since wall
time on a shared machine measures its other users; `wall_s` and `load` (1 minute, at the end) stand
beside it. The peer is one Snakemake job for each calculation, at a size that it can bear: the
column `peer` says which, and nothing is extrapolated.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from defectra.core.config import leaf, load
from defectra.core.number_types import positive
from defectra.core.records import CALCULATIONS, SPECTRA
from defectra.core.store import read_groups
from defectra.structures.geometry import vegard
from defectra.studies.nmc.manifests import chunks_of

ROOT = Path(__file__).resolve().parents[1]
NAIVE = Path(__file__).parent / "peers" / "naive"
TARGET = "results/nmc/training.parquet"
EDGES = ("O K", "Ni K", "Mn K", "Ni L3", "Mn L3")
# Compositions with at least four nickel and four manganese sites: 4 sites of each of 5 edges.
NMC: dict[str, Any] = {
    "engine": "synthetic",
    "geometry": "vegard",
    "structures": {"compositions": ["Ni5Mn4Co1", "Ni4Mn5Co1", "Ni4Mn4Co2"], "orderings": 150},
    "sites": {"Li": 1, "O": 4, "Mn": 4, "Co": 1, "Ni": 4},
    "ladder_every": 0,
    "drift_sample": 0,
    "lithium_series": {"orderings": 0},
}


@dataclass(frozen=True)
class Cost:
    """What one command took, children included."""

    cpu_s: float
    wall_s: float
    rss_mb: float
    out: str


def measured(command: list[str], folder: Path, package: Path = ROOT / "workflow") -> Cost:
    """Run a command; peak memory is the sum over its process tree, sampled five times a second."""
    path = os.pathsep.join([str(package), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = [0.0]
    watch = threading.Thread(target=_sample, args=(child.pid, peak), daemon=True)
    watch.start()
    out, _ = child.communicate()
    wall = time.perf_counter() - start
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{out[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    done = f"{folder.name}: {' '.join(command[2:5])} … {command[-1]}"
    print(f"{done}: {cpu:.1f} s CPU, {wall:.0f} s, {peak[0]:.0f} MB", file=sys.stderr, flush=True)
    return Cost(cpu, wall, peak[0], out)


def _sample(pid: int, peak: list[float]) -> None:
    while True:
        try:
            root = psutil.Process(pid)
            if root.status() == psutil.STATUS_ZOMBIE:
                return
            total = 0
            for process in (root, *root.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total / 1e6)
        except psutil.NoSuchProcess:
            return
        time.sleep(0.2)


def configure(folder: Path, structures: int, shards: int) -> Path:
    """Config of a campaign of so many structures, below `folder`."""
    for name in ("studies", "protocols"):
        shutil.copytree(ROOT / "config" / name, folder / "config" / name)
    study = folder / "config" / "studies" / "nmc.yaml"
    data = yaml.safe_load(study.read_text())
    data["edges"] = {name: data["edges"][name] for name in EDGES}
    study.write_text(yaml.safe_dump(data))
    nmc = NMC | {"shards": shards, "structures": NMC["structures"] | {"count": structures}}
    path = folder / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({"archive": str(folder / "archive"), "nmc": nmc}))
    return path


def ours(folder: Path, *more: str) -> Cost:
    """Run the launcher on a campaign, as `make run` does, up to the training table."""
    command = [sys.executable, "-m", "defectra.cli.launcher", "run", TARGET, "--no-report"]
    command += ["--config", str(folder / "config/config.yaml"), "--directory", str(folder)]
    return measured([*command, "--cores", "1", *more], folder)


def naive(folder: Path, *more: str) -> Cost:
    """Run the naive layout."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(folder / "Snakefile")]
    return measured([*command, "--cores", "1", *more], folder)


def files_below(*folders: Path) -> int:
    """Inodes: files and folders."""
    return sum(1 for folder in folders for _ in folder.rglob("*"))


def campaign(folder: Path, structures: int, shards: int) -> dict[str, Any]:
    """Plan, dry run, full run and no-op of one campaign."""
    configure(folder, structures, shards)
    first = ours(folder, "--dry-run", "--quiet")
    dry = ours(folder, "--dry-run", "--quiet")
    full = ours(folder)
    nothing = ours(folder)
    if "Nothing to do" not in nothing.out:
        raise RuntimeError(f"the second run did something:\n{nothing.out}")
    groups = read_groups(folder / "results/calculations.parquet", CALCULATIONS, ["status"])
    statuses = [s for group in groups for s in group["status"].to_pylist()]
    chunks = json.loads((folder / "results/plan/state.json").read_text())["chunks"]
    return {
        "plan": first,
        "dry": dry,
        "full": full,
        "no-op": nothing,
        "calculations": len(statuses),
        "ok": statuses.count("ok"),
        "chunks": len(chunks),
        "inodes": files_below(folder / "results", folder / ".snakemake"),
    }


def prepare_naive(folder: Path, structures: int, shards: int, jobs: int) -> None:
    """The first calculations of the same plan as single tasks."""
    config = load(configure(folder, structures, shards))
    _, cells, tasks = next(chunks_of(config))
    chosen = {f"c{k}": task for k, task in enumerate(tasks[:jobs])}
    if len(chosen) < jobs:
        raise ValueError(f"the first chunk has {len(tasks)} tasks, --naive asks for {jobs}")
    names = {task["structure_id"] for task in chosen.values()}
    data = {
        "names": list(chosen),
        "tasks": chosen,
        "protocol": json.loads(leaf(config, "protocols", "feff", config.nmc.protocol)),
        "geometries": {c["structure_id"]: vegard(c) for c in cells if c["structure_id"] in names},
    }
    (folder / "tasks.json").write_text(json.dumps(data))
    for file in NAIVE.iterdir():
        shutil.copy(file, folder)


def peer(folder: Path, structures: int, shards: int, jobs: int) -> dict[str, Any]:
    """Dry run, full run and no-op of the naive layout."""
    prepare_naive(folder, structures, shards, jobs)
    dry, full, nothing = naive(folder, "-n", "-q"), naive(folder, "-q"), naive(folder, "-q")
    shown = [folder / "calculations", folder / ".snakemake"]
    return {
        "dry": dry,
        "full": full,
        "no-op": nothing,
        "inodes": files_below(*shown),
        "rows": json.loads((folder / "union.json").read_text()),
    }


def same(rows: list[dict[str, Any]], folder: Path) -> str:
    """Whether the spectra of the naive layout are those of ours, number by number."""
    wanted = {row["calculation_id"]: row["mu"] for row in rows}
    found = 0
    for group in read_groups(folder / "results/spectra.parquet", SPECTRA):
        for row in group.select(["calculation_id", "mu"]).to_pylist():
            if row["calculation_id"] in wanted:
                found += row["mu"] == wanted[row["calculation_id"]]
    return f"{found} of {len(wanted)} spectra of the peer equal ours"


def _line(case: str, value: float, unit: str, cost: Cost, **more: Any) -> None:
    limit, other = more.pop("limit", None), more.pop("peer_value", None)
    row = {
        "case": case,
        "ours": round(value, 3),
        "peer": more.pop("peer", None),
        "peer_value": None if other is None else round(other, 3),
        "unit": unit,
        "ratio": round(value / other, 5) if other else None,
        "limit": limit,
        "ok": None if limit is None else value <= limit,
        "wall_s": round(cost.wall_s, 1),
        "load": round(os.getloadavg()[0], 1),
        **more,
    }
    print(json.dumps(row), flush=True)


def show(size: int, found: dict[str, Any], other: dict[str, Any], jobs: int, check: str) -> None:
    """Lines of one campaign."""
    n, full = found["calculations"], found["full"]
    what = f"{size} structures, {n} calculations, {found['chunks']} chunks"
    name = f"one job for each of {jobs} calculations"
    both = {"peer": name, "check": check}
    _line(f"plan, first start: {what}", found["plan"].cpu_s, "s CPU", found["plan"], check=what)
    for key in ("dry", "no-op"):
        cost = found[key]
        value = other[key].cpu_s
        _line(f"{key}: {what}", cost.cpu_s, "s CPU", cost, limit=5.0, peer_value=value, **both)
    each, peers = 1e3 * full.cpu_s / n, 1e3 * other["full"].cpu_s / jobs
    outcome = f"{found['ok']} of {n} calculations ok; {check}"
    pair = {"peer_value": peers, "peer": name, "check": outcome}
    each_wall = round(1e3 * full.wall_s / n, 3)
    _line(f"overhead: {what}", each, "ms CPU each", full, limit=5.0, wall_ms_each=each_wall, **pair)
    pair = {"peer_value": other["full"].rss_mb, **both}
    _line(f"peak memory: {what}", full.rss_mb, "MB, process tree", full, limit=1000.0, **pair)
    pair = {"peer_value": other["inodes"], **both}
    _line(f"files and folders left: {what}", found["inodes"], "inodes", full, limit=500, **pair)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--structures", type=positive, nargs="+", default=[1000, 10_000])
    parser.add_argument("--shards", type=positive, default=30)
    parser.add_argument("--naive", type=positive, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        root, peaks = Path(name), []
        shards = args.shards
        other = peer(root / "naive", args.structures[0], 1, args.naive)
        for size in args.structures:
            folder = root / str(size)
            found = campaign(folder, size, shards)
            check = same(other["rows"], folder)
            show(size, found, other, args.naive, check)
            peaks.append((size, found["full"]))
        (small, first), (large, last) = peaks[0], peaks[-1]
        sizes = f"{last.rss_mb:.0f} MB at {large} structures, {first.rss_mb:.0f} MB at {small}"
        ratio = last.rss_mb / first.rss_mb
        _line("growth of peak memory", ratio, "times", last, limit=1.25, check=sizes)


if __name__ == "__main__":
    main()
