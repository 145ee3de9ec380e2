"""What FEFF10 of the ``feff10-rs`` wheel wastes, for its authors: ``docs/feff10_report.md``.

``python -m benchmarks.feff_upstream`` runs the stages of LiCoO2, O K, in temporary folders and
keeps its rows in ``benchmarks/measured/feff_upstream.csv`` (cost, page faults, SHA-256 of the
output) and, where ``perf`` can record, in ``feff_profile.csv`` (share of each routine); ``...
write`` puts both into the page, and the input beside it. ``... input`` prints the input. What is
kept is not run again; for that, remove its row.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.crystals import case
from benchmarks.kept import Kept, machine, when
from benchmarks.rows import put, table
from defectra.core.config import load
from defectra.engines import process
from defectra.engines.feff import child as feff_child
from defectra.engines.feff.dimensions import NAME as DIMENSIONS
from defectra.engines.feff.dimensions import largest_cluster, limited
from defectra.engines.feff.input import cluster, feff_input
from defectra.engines.feff.run import ALLOCATOR, ATOMS
from defectra.engines.release import release

REPORT = Path(__file__).parents[1] / "docs" / "feff10_report.md"
CASE = "LiCoO2:O"
RADII = (3.0, 5.4, 6.6)  # Å, of full multiple scattering, which the potentials do not use
USUAL = 5.4
PLAIN = {"OMP_NUM_THREADS": "1"}  # glibc as it is
TIMEOUT = 3600.0
SHOWN = 2.0  # percent of a stage; routines below are not listed
COSTS = Kept(
    "feff_upstream", ("what",), ("cpu_s", "system_s", "faults", "sha256", "ended", "warned")
)
PROFILE = Kept("feff_profile", ("stage", "routine"), ("percent",))


def text_of(fms_radius: float = USUAL) -> str:
    """``feff.inp`` of protocol `fast` with a radius of full multiple scattering (Å)."""
    row, index = case(CASE)
    protocol = load().protocols.feff["fast"].model_copy(update={"fms_radius": fms_radius})
    return feff_input(cluster(row, index), "K", protocol, protocol.mixing)


def needed() -> int:
    """Atoms of the largest cluster of self-consistency."""
    row, index = case(CASE)
    atoms = cluster(row, index)
    return largest_cluster(atoms, load().protocols.feff["fast"].scf_radius)


def stage(folder: Path, *names: str, environment: Mapping[str, str] = ALLOCATOR) -> dict[str, Any]:
    """Run stages in a folder: CPU and system s, page faults, and whether FEFF ended well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", feff_child.__file__, *names]
    used = process.run(command, folder, environment, TIMEOUT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_s": used.cpu_s,
        "system_s": after.ru_stime - before.ru_stime,
        "faults": after.ru_minflt - before.ru_minflt,
        "ended": int(used.returncode == 0),
    }


def potentials(folder: Path, what: str, first: int | None = None, **more: Any) -> dict[str, Any]:
    """Row of stage ``pot`` of a folder that holds ``feff.inp``.

    Parameters
    ----------
    what
        Name of the row.
    first
        First number of ``.dimensions.dat`` in place of FEFF's own.
    """
    begun = machine()
    stage(folder, *ATOMS)
    path = folder / DIMENSIONS
    if first is not None:
        numbers = path.read_text(encoding="ascii").split()
        path.write_text(" ".join([str(first), *numbers[1:]]) + "\n", encoding="ascii")
    found = stage(folder, "pot", **more)
    log = (folder / "log1.dat").read_text(encoding="utf-8", errors="replace")
    found |= {"sha256": hashlib.sha256((folder / "pot.bin").read_bytes()).hexdigest()[:12]}
    return {"what": what, **found, "warned": int("reset" in log or "WARNING" in log), **begun}


def costs() -> Iterator[dict[str, Any]]:
    """Rows of the stage of the potentials, what changes named in each."""
    size = needed()
    runs: list[tuple[str, float, dict[str, Any]]] = [
        (f"FMS {radius:g} Å, glibc set", radius, {}) for radius in RADII
    ]
    runs += [
        (f"FMS {USUAL:g} Å, glibc set, first number {size}", USUAL, {"first": size}),
        (f"FMS {USUAL:g} Å, glibc set, first number {size - 1}", USUAL, {"first": size - 1}),
        (f"FMS {USUAL:g} Å, glibc as it is", USUAL, {"environment": PLAIN}),
    ]
    kept = {r["what"] for r in COSTS.rows()}
    for what, radius, more in (r for r in runs if r[0] not in kept):
        with tempfile.TemporaryDirectory(prefix="feff-") as name:
            folder = Path(name)
            (folder / "feff.inp").write_text(text_of(radius), encoding="utf-8")
            yield potentials(folder, what, **more)


def profiles() -> Iterator[dict[str, Any]]:
    """Share of each routine in the stages of potentials and of scattering; none without perf.

    The arrays of the potentials are cut to what they need, so that the profile shows what is left.
    """
    kept = {r["stage"] for r in PROFILE.rows()}
    if shutil.which("perf") is None or {"pot", "fms"} <= kept:
        return
    with tempfile.TemporaryDirectory(prefix="feff-") as name:
        folder, begun = Path(name), machine()
        (folder / "feff.inp").write_text(text_of(), encoding="utf-8")
        stage(folder, *ATOMS)
        with limited(folder, needed()):
            _recorded(folder, "pot")
        for routine, percent in routines(folder):
            yield {"stage": "pot", "routine": routine, "percent": percent, **begun}
        stage(folder, "screen", "xsph")
        _recorded(folder, "fms")
        for routine, percent in routines(folder):
            yield {"stage": "fms", "routine": routine, "percent": percent, **begun}


def _recorded(folder: Path, name: str) -> None:
    command = ["perf", "record", "-q", "-F", "99", "-o", "perf.data", sys.executable, "-P"]
    process.run([*command, feff_child.__file__, name], folder, ALLOCATOR, TIMEOUT)


def routines(folder: Path) -> Iterator[tuple[str, float]]:
    """Routines of a recording and their share in percent, largest first."""
    command = ["perf", "report", "-i", "perf.data", "--stdio", "--no-children", "-q"]
    command += ["--sort", "symbol", "--percent-limit", str(SHOWN)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    for found in re.finditer(r"^\s*([\d.]+)%\s+\[[.k]\]\s+(\S+)", done.stdout, re.MULTILINE):
        yield found[2], float(found[1])


def text() -> str:
    """Tables of the page."""
    rows = COSTS.rows()
    first = rows[0]["sha256"]
    head = ["stage `pot` of LiCoO2, O K", "CPU s", "of them system", "page faults", "`pot.bin`"]
    lines = [
        [
            str(r["what"]),
            f"{r['cpu_s']:.1f}",
            f"{r['system_s']:.1f}",
            f"{r['faults']:,.0f}",
            ("as in the first row" if r["sha256"] == first else "**another**")
            + ("" if r["ended"] else ", FEFF failed")
            + (", a warning in the log" if r["warned"] else ""),
        ]
        for r in rows
    ]
    parts = [f"{release('feff')}. {when(rows)}", table(head, lines)]
    shares = PROFILE.rows()
    if shares:
        own = [[r["stage"], f"`{r['routine']}`", f"{r['percent']:.0f} %"] for r in shares]
        parts += [table(["stage", "routine", "share of its CPU time, arrays of `pot` cut"], own)]
    return "\n\n".join(parts)


def main() -> None:
    """Measure and keep the rows; ``input``: print the input; ``write``: the page."""
    if sys.argv[1:] == ["write"]:
        put(REPORT, "feff_upstream", text())
        put(REPORT, "feff_upstream_input", f"```\n{text_of()}```")
    elif sys.argv[1:] == ["input"]:
        print(text_of(), end="")
    else:
        for kept, rows in ((COSTS, costs()), (PROFILE, profiles())):
            for row in rows:
                print(json.dumps(row), flush=True)
                kept.add([row])


if __name__ == "__main__":
    main()
