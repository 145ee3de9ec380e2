"""Cost and error of each FEFF protocol against a converged run and pymatgen's shipped set.

``python -m benchmarks.feff [shipped] [case ...]`` prints one JSON line for each case and side, with
``shipped`` pymatgen's set, too; case ``cost`` is the cost of the driver
(:mod:`benchmarks.feff_cost`). Runs are kept below ``results/benchmarks/feff`` and not repeated,
rows in ``benchmarks/measured/converged.csv``; a converged run takes 5 to 40 minutes. ``... write``
puts the cases that are kept into ``docs/validation.md``. All sides run the same wheel with the same
allocator settings, those of this project with arrays cut to what the potentials need; cost is
user + system CPU time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import feff_cost
from benchmarks.crystals import case
from benchmarks.feff_run import run_input
from benchmarks.kept import PAGE, Kept, when
from benchmarks.onset import onset
from benchmarks.rows import put, table
from defectra.core.config import load
from defectra.core.errors import DefectraError
from defectra.core.store import write_bytes
from defectra.engines.feff.dimensions import largest_cluster
from defectra.engines.feff.input import calculation_id, cluster, feff_input
from defectra.engines.feff.run import POTENTIALS, SPECTRUM
from defectra.engines.feff.settings import FeffProtocol
from defectra.spectra.broaden import gaussian
from defectra.structures.geometry import to_pymatgen

OUT = Path("results/benchmarks/feff")
WINDOW = (-5.0, 30.0)  # eV about the edge
# Pre-edge: from below the threshold of the converged run to the minimum before the main edge.
PRE_EDGE = {"O": (-3.0, 4.0), "Ni": (-8.0, -2.0)}
LIMITS = {
    ("balanced", "cost"): 0.2,
    ("balanced", "cost_shipped"): 0.05,
    ("balanced", "rms_2eV"): 0.06,
    ("balanced", "pre_edge"): 0.15,
    ("fast", "cost"): 0.04,
}
WORDS = {"cost": "share of the converged cost", "rms_2eV": "RMS at 2 eV FWHM",
         "pre_edge": "pre-edge area"}  # fmt: skip
CONVERGED, SHIPPED = "stringent", "MPXANESSet"
WIDE: dict[str, dict[str, float]] = {
    "SCF 4.0, FMS 6.0, compact": {"scf_radius": 4.0, "fms_radius": 6.0}
}
SIDES = ("fast", "balanced", *WIDE, CONVERGED)
CASES = ("LiCoO2:O", "NMC622:Ni", "NMC622:O")
ERRORS = ("rms_1eV", "rms_2eV", "shift_eV", "pre_edge")
KEPT = Kept("converged", ("case", "side"), ("cpu_s", "iterations", "converged", "message", *ERRORS))
STAGES_SHIPPED = (*POTENTIALS, "ldos", *SPECTRUM)


def shipped_input(row: dict[str, Any], index: int) -> str:
    """``feff.inp`` of pymatgen's MPXANESSet with its own defaults."""
    from pymatgen.io.feff.sets import MPXANESSet

    parts = MPXANESSet(index, to_pymatgen(row), edge="K", radius=10).all_input()
    return "\n\n".join(str(parts[k]) for k in ("HEADER", "PARAMETERS", "POTENTIALS", "ATOMS"))


def protocol_of(side: str) -> FeffProtocol:
    """Protocol of a side: one of the config, or :data:`WIDE`."""
    protocols = load().protocols.feff
    return protocols["fast"].model_copy(update=WIDE[side]) if side in WIDE else protocols[side]


def measure(name: str, side: str) -> dict[str, Any]:
    """Run one side of a case, or take what an earlier run left."""
    row, index = case(name)
    largest: int | None = None
    stages: tuple[str, ...] = STAGES_SHIPPED
    if side == SHIPPED:
        text = shipped_input(row, index)
    else:
        protocol, atoms, stages = protocol_of(side), cluster(row, index), SPECTRUM
        text = feff_input(atoms, "K", protocol, protocol.mixing)
        largest = largest_cluster(atoms, protocol.scf_radius)
    label = side.replace(" ", "").replace(",", "-")
    path = OUT / f"{name.replace(':', '-')}-{label}-{calculation_id(text)[:12]}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    result = run_input(text, stages, largest)
    write_bytes(path, json.dumps({"case": name, "side": side, **result}).encode())
    return result


def compare(ours: dict[str, Any], reference: dict[str, Any], element: str) -> dict[str, float]:
    """Relative RMS at 1 and 2 eV FWHM after one shift, that shift, and the pre-edge area ratio.

    The shift is how far `ours` lies above the reference, eV.
    """
    edge = onset(reference)
    grid = np.arange(edge + WINDOW[0], edge + WINDOW[1], 0.05)
    out: dict[str, float] = {}
    for fwhm in (1.0, 2.0):
        target = gaussian(reference["energy"], reference["mu"], grid, fwhm)
        shifts = np.arange(-3.0, 3.001, 0.05)
        wide = np.arange(grid[0] - 4, grid[-1] + 4, 0.05)
        curve = gaussian(ours["energy"], ours["mu"], wide, fwhm)
        errors = [
            float(
                np.sqrt(np.mean((np.interp(grid - s, wide, curve) - target) ** 2))
                / np.sqrt(np.mean(target**2))
            )
            for s in shifts
        ]
        best = int(np.argmin(errors))
        out[f"rms_{fwhm:g}eV"] = errors[best]
        out["shift_eV"] = 0.0 - float(shifts[best])
    low, high = PRE_EDGE[element]
    window = np.arange(edge + low, edge + high, 0.01)
    area = [
        float(np.trapezoid(gaussian(r["energy"], r["mu"], window + s, 0.5), dx=0.01))
        for r, s in ((ours, out["shift_eV"]), (reference, 0.0))
    ]
    return out | {"pre_edge": area[0] / area[1] - 1.0}


def lines(name: str, shipped: bool = False) -> list[dict[str, Any]]:
    """Rows of one case, a side each: cost, and errors against the converged side."""
    element = name.split(":")[1]
    sides = {side: measure(name, side) for side in (*SIDES, *([SHIPPED] if shipped else []))}
    out = []
    for side, own in sides.items():
        row = {"case": name, "side": side, **{k: own[k] for k in ("cpu_s", "day", "load")}}
        row |= {"iterations": own.get("iterations", float("nan"))}
        row |= {"converged": int(own.get("converged", False)), "message": own["message"]}
        numbers: dict[str, float] = dict.fromkeys(ERRORS, float("nan"))
        if side != CONVERGED and "mu" in own and "mu" in sides[CONVERGED]:
            numbers = compare(own, sides[CONVERGED], element)
        out.append(row | numbers)
    return out


def text(name: str) -> str:
    """Table of a case: each side against the converged one, beside what was asked.

    Raises
    ------
    DefectraError
        If the case has no converged row: it was not measured by this command.
    """
    rows = {r["side"]: r for r in KEPT.rows() if r["case"] == name}
    if CONVERGED not in rows:
        raise DefectraError(f"no converged run of {name} is kept: python -m benchmarks.feff {name}")
    reference = rows.pop(CONVERGED)["cpu_s"]
    head = ["side", "CPU s", "of converged", "RMS 1 eV / 2 eV FWHM", "shift (eV)", "pre-edge area"]
    lines: list[list[str]] = []
    missed: list[str] = []
    for side, row in rows.items():
        cells = [side, f"{row['cpu_s']:.1f}"]
        cells += [_asked(side, "cost", row["cpu_s"] / reference, missed)]
        cells += [f"{row['rms_1eV']:.3f} / " + _asked(side, "rms_2eV", row["rms_2eV"], missed)]
        cells += [f"{row['shift_eV']:+z.2f}", _asked(side, "pre_edge", row["pre_edge"], missed)]
        lines.append(cells)
    lines.append([CONVERGED, f"{reference:.0f}", "1", *["reference"] * 3])
    says = f"Missed: {'; '.join(missed)}." if missed else "Every aim is met."
    kept = [r for r in KEPT.rows() if r["case"] == name]
    return "\n\n".join((says, table(head, lines), when(kept)))


def _asked(side: str, key: str, value: float, missed: list[str]) -> str:
    """A number beside its limit; one that is over it is noted."""
    shown = f"{value:+.0%}" if key == "pre_edge" else f"{value:.3f}"
    limit = LIMITS.get((side.strip("`"), key))
    if limit is None:
        return shown
    within = "within" if key == "pre_edge" else "at most"
    asked = f"{limit:.0%}" if key == "pre_edge" else f"{limit:g}"
    if abs(value) <= limit:
        return f"{shown} (asked: {within} {asked})"
    missed.append(f"{side}, {WORDS[key]} {shown} (asked: {within} {asked})")
    return f"**{shown} (asked: {within} {asked}, missed)**"


def main() -> None:
    """Measure the cases named on the command line, or all; ``cost``: the driver's.

    ``shipped`` before them runs MPXANESSet, too; ``write`` writes the cases that are kept.
    """
    named = sys.argv[1:]
    if named == ["write"]:
        for name in dict.fromkeys(r["case"] for r in KEPT.rows()):
            put(PAGE, f"converged_{name.replace(':', '_')}", text(name))
        return
    shipped = named[:1] == ["shipped"]
    for name in named[shipped:] or ("cost", *CASES):
        if name == "cost":
            feff_cost.structures()
            continue
        rows = lines(name, shipped)
        KEPT.add(rows)
        for row in rows:
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
