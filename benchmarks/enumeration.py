"""Enumeration of orderings side by side with SHRY and bsym: ``python -m benchmarks.enumeration``.

Times are CPU seconds (user + system) of one single-threaded process, so that other work on the
machine does not count; wall times stand in `check`. "Warm" is after a small case in the same
process; "cold" is a whole fresh process, imports and compilation (empty numba cache) included.
The peers live in environments of their own (SHRY wants numpy < 2), made on first use below
``$DEFECTRA_PEERS`` (default ``~/.cache/defectra/peers``). ``--quick`` leaves out what takes long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import line

HERE = Path(__file__).parent
PEERS = Path(os.environ.get("DEFECTRA_PEERS", Path.home() / ".cache" / "defectra" / "peers"))
PACKAGES = {"shry": ["shry==1.1.8", "numpy<2"], "bsym": ["bsym==2.2.0", "numpy<2"]}
HEXAGONAL = np.array([[1, -1, 0], [0, 1, -1], [1, 1, 1]])
CUBIC = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
LAYERED = ("layered", {"metal": "Ni"}, "M", "Mn", HEXAGONAL)
TELLURIDE = ("rocksalt", {"a": 6.4, "cation": "Pb", "anion": "Te"}, "A", "Sn", CUBIC)

Case = dict[str, Any]


def case_of(kind: tuple[Any, ...], repeats: tuple[int, int, int], amount: int) -> Case:
    """One enumeration, as the workers read it: supercell for the peers, parent for us."""
    from defectra.structures import prototypes, supercells

    name, constants, sublattice, new, vectors = kind
    crystal = prototypes.prototype(name, **constants)
    cell = supercells.by_matrix(crystal, np.diag(repeats) @ vectors)
    sites = cell.sites_of(sublattice)
    return {
        "prototype": name,
        "constants": constants,
        "matrix": cell.matrix.tolist(),
        "sublattice": sublattice,
        "lattice": cell.lattice.tolist(),
        "coords": cell.coords.tolist(),
        "species": list(cell.species),
        "sites": sites.tolist(),
        "old": cell.species[sites[0]],
        "new": new,
        "amount": amount,
        "raw": _binomial(len(sites), amount),
    }


def _binomial(n: int, k: int) -> int:
    from math import comb

    return comb(n, k)


def python_of(peer: str) -> str:
    """Interpreter of a peer's environment, made on first use."""
    root = PEERS / peer
    python = root / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(root)], check=True)
        install = [str(python), "-m", "pip", "install", "-q", *PACKAGES[peer]]
        subprocess.run(install, check=True)
    return str(python)


def measure(tool: str, case: Case, *, cold: bool = False, timeout: float = 3600) -> dict[str, Any]:
    """Answer of a worker; `cold`: no warm-up and an empty compilation cache."""
    python = sys.executable if tool == "ours" else python_of(tool)
    given = case if cold else case | {"warm_up": case_of(LAYERED, (2, 2, 1), 6)}
    with tempfile.TemporaryDirectory() as cache:
        env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        if tool == "ours":
            env["PYTHONPATH"] = str(HERE.parent / "workflow")
        if cold:
            env["NUMBA_CACHE_DIR"] = cache
        run = subprocess.run(
            [python, "-W", "ignore", str(HERE / "peers" / f"{tool}_worker.py")],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            env=env,
            timeout=timeout,
            check=False,
        )
    if run.returncode:
        raise RuntimeError(f"{tool}: {run.stderr.strip().splitlines()[-1]}")
    answer = run.stdout[run.stdout.index('{"cpu_s"') :]  # a peer prints words of its own before
    return json.loads(answer)  # type: ignore[no-any-return]


def same(case: Case, ours: dict[str, Any], peer: dict[str, Any]) -> str:
    """Compare orbit by orbit: the canonical form of every pattern, and its weight."""
    from defectra.structures import prototypes, supercells
    from defectra.structures.colourings import pose
    from defectra.structures.sampling import smallest

    crystal = prototypes.prototype(case["prototype"], **case["constants"])
    cell = supercells.by_matrix(crystal, case["matrix"])
    rest = len(case["sites"]) - case["amount"]
    wanted = {case["sublattice"]: {case["new"]: case["amount"], case["old"]: rest}}
    group = pose(cell, wanted).permutations
    lists = []
    for answer in (ours, peer):
        words, _ = smallest(group, np.array(answer["words"], dtype=np.uint8))
        lists.append({w.tobytes(): n for w, n in zip(words, answer["weights"])})
    equal = lists[0] == lists[1] and sum(ours["weights"]) == case["raw"]
    verdict = "same" if equal else "DIFFERENT"
    return f"{len(lists[0])} and {len(lists[1])} orbits with weights: {verdict}, sum {case['raw']}"


def layered(quick: bool) -> None:
    """The 2 x 2 x 2 layered case against both peers, warm and cold."""
    case = case_of(LAYERED, (2, 2, 2), 12) | {"words": True}
    ours = measure("ours", case)
    for peer, limit in (("shry", 0.1), ("bsym", None)):
        if quick and peer == "bsym":
            continue
        other = attempt(peer, case)
        if other is None:
            continue
        text = f"{same(case, ours, other)}; wall {ours['wall_s']:.2f} and {other['wall_s']:.2f} s"
        values = {"peer": peer, "peer_value": other["cpu_s"], "limit": limit, "check": text}
        title = "layered 2x2x2 Ni12Mn12, warm"
        line(title, ours["cpu_s"], "s CPU", limit_on_ratio=True, **values)
    cold, other = measure("ours", case, cold=True), attempt("shry", case, cold=True)
    if other:
        text = f"{same(case, cold, other)}; whole process with imports and compilation"
        values = {"peer": "shry", "peer_value": other["total_cpu_s"], "check": text}
        line("layered 2x2x2 Ni12Mn12, cold", cold["total_cpu_s"], "s CPU", **values)
        values |= {"peer_value": other["cpu_s"], "check": "imports left out, compilation counted"}
        line("layered 2x2x2 Ni12Mn12, cold after import", cold["cpu_s"], "s CPU", **values)


def attempt(tool: str, case: Case, *, cold: bool = False) -> dict[str, Any] | None:
    """Answer of a peer; None, with a row that says why, if it cannot be had."""
    try:
        return measure(tool, case, cold=cold)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        line(f"{tool} could not be run", None, "", peer=tool, check=str(error)[:200])
        return None


def large() -> None:
    """The 601,080,390 raw colourings: enumerated and written, warm and cold."""
    case = case_of(TELLURIDE, (2, 2, 2), 16)
    shry = attempt("shry", case | {"count_only": True}) or {"count": "-", "cpu_s": None}
    for name, cold in (("warm", False), ("cold", True)):
        ours = measure("ours", case | {"write": True}, cold=cold)
        total, size = ours["weights"]
        text = (
            f"{ours['count']} orbits (published 404582, SHRY counts {shry['count']} in "
            f"{shry['cpu_s']} s), multiplicities sum to {total} of {case['raw']}: "
            f"{'same' if total == case['raw'] and ours['count'] == 404582 else 'DIFFERENT'}; "
            f"{size / 1e6:.1f} MB written; one thread, wall {ours['wall_s']:.1f} s"
        )
        title = f"Sn16Pb16Te32 of 601080390, enumerated and written, {name}"
        values = {"peer": "published enumeration", "peer_value": 27 * 60.0, "limit": 60.0}
        line(title, ours["total_cpu_s" if cold else "cpu_s"], "s CPU", check=text, **values)
        line(f"{title}: memory", ours["rss_mb"], "MB", limit=2000.0, check="peak of the process")


def campaign() -> None:
    """10,000 NMC structures with defects in the structures table."""
    from defectra.core.records import STRUCTURES
    from defectra.core.store import read_table, write_table
    from defectra.studies.nmc.settings import NmcStructures
    from defectra.studies.nmc.structures import campaign as rows_of

    cpu, wall = time.process_time(), time.perf_counter()
    rows = rows_of(NmcStructures(count=10000, orderings=40), seed=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "structures.parquet"
        write_table(path, rows, STRUCTURES)
        spent, passed = time.process_time() - cpu, time.perf_counter() - wall
        read = read_table(path, STRUCTURES, ["structure_id", "defect"])
    ids = len({r["structure_id"] for r in read})
    odd = sum(r["defect"] != "pristine" for r in read)
    text = f"{len(read)} rows read back, {ids} ids, {odd} with a defect; wall {passed:.1f} s"
    line("10,000 NMC structures to the table", spent, "s CPU", limit=60.0, check=text)


def scan(quick: bool) -> list[dict[str, Any]]:
    """Cost against raw count for all tools, for the figure."""
    cases = [
        (LAYERED, (2, 2, 1), 6),
        (TELLURIDE, (1, 2, 2), 8),
        (LAYERED, (3, 2, 1), 9),
        (TELLURIDE, (2, 2, 2), 6),
        (LAYERED, (2, 2, 2), 12),
        (TELLURIDE, (2, 2, 2), 8),
    ]
    largest = {"ours": 10**9, "shry": 3 * 10**6, "bsym": 10**5 if quick else 3 * 10**6}
    out = []
    for kind, repeats, amount in cases:
        case = case_of(kind, repeats, amount)
        for tool, most in largest.items():
            answer = attempt(tool, case) if case["raw"] <= most else None
            if answer:
                keys = ("cpu_s", "count")
                out.append({"tool": tool, "raw": case["raw"], **{k: answer[k] for k in keys}})
    counts: dict[int, set[int]] = {}
    for item in out:
        counts.setdefault(item["raw"], set()).add(item["count"])
    agree = all(len(c) == 1 for c in counts.values())
    line("cost against size", None, "", check=f"{len(out)} points; counts agree: {agree}")
    return out


def draw(points: list[dict[str, Any]], path: Path) -> None:
    """Figure: CPU time against raw count."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.2, 3.8), layout="constrained")
    styles = {"ours": ("Defectra", "o"), "shry": ("SHRY 1.1.8", "s"), "bsym": ("bsym 2.2.0", "^")}
    for tool, (label, marker) in styles.items():
        own = sorted((p["raw"], p["cpu_s"]) for p in points if p["tool"] == tool)
        if own:
            axes.loglog(*zip(*own), marker=marker, label=label)
    axes.set_xlabel("colourings before symmetry")
    axes.set_ylabel("CPU time, s (warm)")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main(arguments: list[str]) -> None:
    """Run all cases (or those named: large, layered, campaign, scan) and draw the figure."""
    quick = "--quick" in arguments
    parts = {"large": large, "layered": lambda: layered(quick), "campaign": campaign}
    named = [a for a in arguments if not a.startswith("-")]
    for name, run in parts.items():
        if not named or name in named:
            run()
    if named and "scan" not in named:
        return
    points = scan(quick)
    folder = HERE / "figures"
    folder.mkdir(exist_ok=True)
    (folder / "enumeration.json").write_text(json.dumps(points, indent=1) + "\n")
    draw(points, folder / "enumeration.png")


if __name__ == "__main__":
    main(sys.argv[1:])
