"""What settles a protocol: radii, hole, basis, mixing and energy step, one changed at a time.

``python -m benchmarks.protocol_scan [case ...]`` prints one JSON line for each run and keeps it
below ``results/benchmarks/scan``. Cases as in `benchmarks.feff`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.feff import PRE_EDGE, case, onset
from defectra.core.config import load
from defectra.core.store import write_bytes
from defectra.engines.feff import run as feff
from defectra.engines.feff.settings import FeffProtocol
from defectra.spectra.broaden import gaussian

OUT = Path("results/benchmarks/scan")
FWHM = 1.0  # eV, for the peak position


def variants(element: str) -> list[dict[str, Any]]:
    """Changes of `fast`, one at a time; same potentials stand together."""
    hole = load().protocols.feff["fast"].core_hole
    other = "FSR" if hole[element] == "RPA" else "RPA"  # type: ignore[index]
    return [
        {},
        {"fms_radius": 5.2},
        {"fms_radius": 5.6},
        {"fms_radius": 6.0},
        {"k_step": 0.07},
        {"scf_radius": 2.2},
        {"scf_radius": 2.6},
        {"scf_radius": 3.2},
        {"scf_radius": 3.2, "fms_radius": 6.0},
        {"scf_radius": 4.0, "fms_radius": 6.0},
        {"mixing": 0.2},
        {"basis": "full"},
        {"core_hole": {**hole, element: other}},
        {"core_hole": {**hole, element: other}, "scf_radius": 3.2},
    ]


def run(name: str) -> None:
    """Run or recall all variants of a case and print their rows."""
    row, index = case(name)
    element = name.split(":")[1]
    site = feff.site(row, index)
    base = load().protocols.feff["fast"]
    for change in variants(element):
        protocol = FeffProtocol.model_validate(base.model_dump() | change)
        label = (
            json.dumps(change, sort_keys=True)
            if "core_hole" not in change
            else _hole(change, element)
        )
        path = OUT / f"{name.replace(':', '-')}-{site.identity('K', protocol)[:16]}.json"
        if not path.exists():
            outcome = site.run("K", protocol)
            found = feff.parse(outcome.files) if outcome.files else None
            data: dict[str, Any] = {"status": outcome.status, "cpu_s": outcome.cpu_s}
            data |= {"shared": bool(outcome.shared_from), "message": outcome.message}
            if found is not None:
                data |= {"energy": found.energy.tolist(), "mu": found.mu.tolist()}
                data |= {"edge": found.edge, "iterations": found.iterations}
                data |= {"efermi": found.efermi}
            write_bytes(path, json.dumps(data).encode())
        print(json.dumps({"case": name, "change": label, **summary(path, element)}), flush=True)


def _hole(change: dict[str, Any], element: str) -> str:
    rest = {k: v for k, v in change.items() if k != "core_hole"}
    return json.dumps({"core_hole": change["core_hole"][element], **rest}, sort_keys=True)


def summary(path: Path, element: str) -> dict[str, Any]:
    """Threshold, main-peak position and pre-edge area of a stored run."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if "mu" not in data:
        return {"status": data["status"], "message": data["message"]}
    start = onset(data)
    grid = np.arange(start + 4.0, start + 30.0, 0.01)
    curve = gaussian(data["energy"], data["mu"], grid, FWHM)
    low, high = PRE_EDGE[element]
    window = np.arange(start + low, start + high, 0.01)
    area = np.trapezoid(gaussian(data["energy"], data["mu"], window, 0.5), dx=0.01)
    return {
        "status": data["status"],
        "iterations": data["iterations"],
        "cpu_s": round(data["cpu_s"], 1),
        "shared_potentials": data["shared"],
        "edge_eV": round(data["edge"], 2),
        "onset_eV": round(start, 2),
        "main_peak_eV": round(float(grid[curve.argmax()]), 2),
        "pre_edge_area": round(float(area), 3),
    }


def main() -> None:
    """Run the cases named on the command line, or all."""
    for name in sys.argv[1:] or ("LiCoO2:O", "NMC622:Ni", "NMC622:O"):
        run(name)


if __name__ == "__main__":
    main()
