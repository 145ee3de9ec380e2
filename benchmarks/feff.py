"""Cost and error of each FEFF protocol against a converged run and pymatgen's shipped set.

``python -m benchmarks.feff [case ...]`` prints one JSON line for each case and side; case ``cost``
is the cost of the driver (:mod:`benchmarks.feff_cost`). Runs are kept below
``results/benchmarks/feff`` and not repeated; a converged run takes 5 to 40 minutes. All sides run
the same wheel with the same allocator settings; cost is user + system CPU time.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import feff_cost
from benchmarks.crystals import crystal
from defectra.core.config import load
from defectra.core.errors import DefectraError, EngineError
from defectra.core.records import GEOMETRIES
from defectra.core.store import Archive, write_bytes
from defectra.engines import process
from defectra.engines.feff import child as feff_child
from defectra.engines.feff.input import calculation_id, cluster, feff_input
from defectra.engines.feff.output import read_folder
from defectra.engines.feff.run import ALLOCATOR, POTENTIALS, SPECTRUM
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
STAGES_SHIPPED = (*POTENTIALS, "ldos", *SPECTRUM)
TIMEOUT = 4 * 3600.0


def case(name: str) -> tuple[dict[str, Any], int]:
    """Geometry and absorber: ``LiCoO2:O``, or ``NMC622:Ni`` of the archive."""
    which, element = name.split(":")
    if which == "NMC622":
        rows = Archive("resources/archive").read(GEOMETRIES)
        wanted = sorted(
            (r for r in rows if _formula(r) == {"Li": 10, "Ni": 6, "Mn": 2, "Co": 2, "O": 20}),
            key=lambda r: str(r["structure_id"]),
        )
        if not wanted:
            raise DefectraError("the archive holds no relaxed NMC622 at full lithiation")
        row = wanted[0]
    else:
        row = crystal(which)
    return row, row["species"].index(element)


def _formula(row: dict[str, Any]) -> dict[str, int]:
    return {e: row["species"].count(e) for e in dict.fromkeys(row["species"])}


def shipped_input(row: dict[str, Any], index: int) -> str:
    """``feff.inp`` of pymatgen's MPXANESSet with its own defaults."""
    from pymatgen.io.feff.sets import MPXANESSet

    parts = MPXANESSet(index, to_pymatgen(row), edge="K", radius=10).all_input()
    return "\n\n".join(str(parts[k]) for k in ("HEADER", "PARAMETERS", "POTENTIALS", "ATOMS"))


def measure(name: str, side: str) -> dict[str, Any]:
    """Run one side of a case, or take what an earlier run left."""
    row, index = case(name)
    stages = (*POTENTIALS, *SPECTRUM)
    if side == "MPXANESSet":
        text, stages = shipped_input(row, index), STAGES_SHIPPED
    else:
        protocol = load().protocols.feff[side]
        text = feff_input(cluster(row, index), "K", protocol, protocol.mixing)
    path = OUT / f"{name.replace(':', '-')}-{side}-{calculation_id(text)[:12]}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    result = run_input(text, stages)
    write_bytes(path, json.dumps({"case": name, "side": side, **result}).encode())
    return result


def run_input(text: str, stages: tuple[str, ...]) -> dict[str, Any]:
    """Cost, convergence and spectrum of one ``feff.inp``; `message` says why there is none."""
    with tempfile.TemporaryDirectory(prefix="feff-") as name:
        folder = Path(name)
        (folder / "feff.inp").write_text(text, encoding="utf-8")
        command = [sys.executable, "-P", feff_child.__file__, *stages]
        used = process.run(command, folder, ALLOCATOR, TIMEOUT)
        out: dict[str, Any] = {"cpu_s": used.cpu_s, "wall_s": used.wall_s, "message": ""}
        try:
            found = read_folder(folder)
        except EngineError as error:
            return out | {"message": str(error)}
        out |= {"converged": found.converged, "iterations": found.iterations}
        out |= {"edge": found.edge, "efermi": found.efermi}
        return out | {"energy": found.energy.tolist(), "mu": found.mu.tolist()}


def compare(ours: dict[str, Any], reference: dict[str, Any], element: str) -> dict[str, float]:
    """Relative RMS at 1 and 2 eV FWHM after one shift, the shift, and the pre-edge area ratio."""
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
        out["shift_eV"] = float(shifts[best])
    low, high = PRE_EDGE[element]
    window = np.arange(edge + low, edge + high, 0.01)
    area = [
        float(np.trapezoid(gaussian(r["energy"], r["mu"], window - s, 0.5), dx=0.01))
        for r, s in ((ours, out["shift_eV"]), (reference, 0.0))
    ]
    return out | {"pre_edge": area[0] / area[1] - 1.0}


def onset(spectrum: dict[str, Any]) -> float:
    """First energy at which the absorption crosses half of the edge step, eV."""
    energy, mu = np.array(spectrum["energy"]), np.array(spectrum["mu"])
    first = int(np.argmax(mu > 0.5))
    return float(np.interp(0.5, mu[first - 1 : first + 1], energy[first - 1 : first + 1]))


def lines(name: str) -> list[dict[str, Any]]:
    """All rows of one case."""
    element = name.split(":")[1]
    sides = {side: measure(name, side) for side in ("fast", "balanced", "stringent", "MPXANESSet")}
    reference, shipped = sides["stringent"], sides["MPXANESSet"]
    out = []
    for side in ("fast", "balanced", "MPXANESSet"):
        ours = sides[side]
        if "mu" not in ours:
            out.append({"case": name, "side": side, "check": ours["message"], "ok": False})
            continue
        found = compare(ours, reference, element)
        values = {"cost": ours["cpu_s"] / reference["cpu_s"], **found}
        if side != "MPXANESSet":
            values["cost_shipped"] = ours["cpu_s"] / shipped["cpu_s"]
        for key, value in values.items():
            out.append(_line(name, side, key, value, ours, reference))
    return out


def _line(
    name: str, side: str, key: str, value: float, ours: dict[str, Any], reference: dict[str, Any]
) -> dict[str, Any]:
    limit = LIMITS.get((side, key))
    cost = key.startswith("cost")
    return {
        "case": f"{name} {side} {key}",
        "ours": ours["cpu_s"] if cost else value,
        "peer": "MPXANESSet" if key == "cost_shipped" else "stringent",
        "peer_value": reference["cpu_s"] if key == "cost" else None,
        "unit": "CPU s" if cost else ("eV" if key == "shift_eV" else ""),
        "ratio": value if cost else None,
        "limit": limit,
        "ok": None if limit is None else bool(abs(value) <= limit),
        "check": f"both self-consistent: {ours['converged']} {reference['converged']}",
    }


def main() -> None:
    """Print the rows of the cases named on the command line, or of all; ``cost``: the driver's."""
    for name in sys.argv[1:] or ("cost", "LiCoO2:O", "NMC622:Ni", "NMC622:O"):
        if name == "cost":
            feff_cost.structure()
            continue
        for line in lines(name):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
