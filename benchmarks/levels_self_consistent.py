"""What self-consistency changes in hybrid levels of charged cells: needs GPAW, some 20 CPU minutes.

``python -m benchmarks.levels_self_consistent [FOLDER]`` prints bare levels (eV above the valence
band of the same functional and mesh) of a donor and an acceptor in AlP, 16 atoms at the zone centre
alone: by PBE, by HSE06 on PBE orbitals, and by self-consistent HSE06. FOLDER keeps finished cells.
HSE06: hybrid functional of Heyd, Scuseria and Ernzerhof; PBE: Perdew, Burke and Ernzerhof.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from defectra.core.config import load
from defectra.core.paths import PROJECT
from defectra.core.store import Archive
from defectra.defects.levels import edges
from defectra.engines.gpaw import charged_cells
from defectra.engines.gpaw import run as gpaw
from defectra.studies.levels.inputs import DefectSet, set_requests
from defectra.studies.levels.tables import HOST_RUNS

Json = dict[str, Any]
SELF_CONSISTENT = {"name": "HSE06", "backend": "pw"}
SETS = (("M_i_B", "B", (1, 0)), ("M_A", "Cd", (0, -1)))
WAYS: dict[str, Json] = {
    "PBE": {},
    "HSE06@PBE": {"hybrid": "HSE06"},
    "HSE06": {"functional": SELF_CONSISTENT},
}
MESH = ([2] * 3, [1] * 3, [1] * 3)  # primitive bulk cell, upper and lower charge
LOOSER = {"density_tolerance": 1e-3, "state_tolerance_eV2": 1e-5}
TIMEOUT_S = 4 * 3600.0


def asked(site: str, impurity: str, charges: tuple[int, ...], change: Json) -> list[Json]:
    """Requests of bulk, upper and lower charge."""
    config = load()
    hosts = Archive(PROJECT / config.levels.live.archive).read(HOST_RUNS)
    (lattice,) = {r["lattice_A"] for r in hosts if r["host"] == "AlP"}
    chosen = DefectSet("AlP", site, impurity, charges, 16, "hybrid_pbe")
    requests = set_requests(chosen, lattice, config.protocols.gpaw_levels["hybrid_pbe"])
    return [_changed(r, {**change, **LOOSER, "kpoints": m}) for r, m in zip(requests, MESH)]


def _changed(request: Json, change: Json) -> Json:
    known = {k: v for k, v in request.items() if k != "id"} | change
    text = json.dumps(known, sort_keys=True)
    return {"id": hashlib.sha256(text.encode()).hexdigest(), **known}


def level(bulk: Mapping[str, Any], upper: Mapping[str, Any], lower: Mapping[str, Any]) -> float:
    """Bare level: energy of the lower charge less that of the upper one and the valence band."""
    states = bulk["states"]
    vbm, _ = edges({"state_eV": states["energy_eV"], "state_filling": states["occupation"]})
    return float(lower["energy_eV"] - upper["energy_eV"] - vbm)


def main() -> int:
    """Compute what FOLDER lacks, and print the table."""
    missing = gpaw.available()
    if missing:
        print(f"levels_self_consistent: {missing}")
        return 0
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/levels_self_consistent")
    folder.mkdir(parents=True, exist_ok=True)
    for site, impurity, charges in SETS:
        for way, change in WAYS.items():
            requests = asked(site, impurity, charges, change)
            failure = charged_cells.compute(requests, TIMEOUT_S, folder)
            if failure is not None:
                raise failure
            found = [json.loads((folder / f"{r['id']}.json").read_text()) for r in requests]
            row = {
                "defect": f"{impurity} on {site} in AlP",
                "level": f"{charges[0]:+d}/{charges[1]:+d}",
            }
            row |= {"functional": way, "bare_eV": round(level(*found), 3)}
            row["cpu_s"] = round(sum(r["cpu_s"] for r in found))
            print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
