"""Edges of reference crystals: FEFF `fast` against what was measured.

``python -m benchmarks.references`` prints one JSON line for each edge; from these the declared
shifts of ``config/studies/nmc.yaml`` are taken. Measured spectra come from the mirror
(``DEFECTRA_MIRROR`` or ``../shared/data``) after their checksums agree; where none is in hand the
line says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.crystals import crystal
from defectra.core.config import load
from defectra.core.datasets import locate
from defectra.core.errors import DataError
from defectra.core.store import write_bytes
from defectra.engines.feff import run as feff
from defectra.spectra.broaden import gaussian

OUT = Path("results/benchmarks/references")
EDGES = (
    ("LiCoO2", "Co"),
    ("LiCoO2", "O"),
    ("NiO", "Ni"),
    ("NiO", "O"),
    ("MnO2", "Mn"),
    ("Li2O", "Li"),
)
FWHM = 1.5  # eV


def computed(name: str, element: str) -> dict[str, float]:
    """Half-step onset and strongest peak of a K edge at `fast`, eV."""
    path = OUT / f"{name}-{element}.json"
    if not path.exists():
        row = crystal(name)
        site = feff.site(row, row["species"].index(element))
        outcome = site.run("K", load().protocols.feff["fast"])
        found = feff.parse(outcome.files)
        data = {"energy": found.energy.tolist(), "mu": found.mu.tolist(), "status": outcome.status}
        write_bytes(path, json.dumps(data).encode())
    data = json.loads(path.read_text(encoding="utf-8"))
    grid = np.arange(data["energy"][0], data["energy"][-1], 0.05)
    return marks(grid, gaussian(data["energy"], data["mu"], grid, FWHM))


def marks(energy: NDArray[np.float64], mu: NDArray[np.float64]) -> dict[str, float]:
    """Energies at which a spectrum of unit step crosses one half and is largest."""
    return {
        "half_step_eV": round(float(energy[int(np.argmax(mu > 0.5))]), 2),
        "peak_eV": round(float(energy[int(mu.argmax())]), 2),
    }


def measured() -> Iterator[tuple[str, dict[str, float]]]:
    """What the mirror holds: MnO2 (transmission) and pristine NMC622."""
    mirror = os.environ.get("DEFECTRA_MIRROR", "../shared/data")
    try:
        rows = np.loadtxt(locate("spectra/xdi/Mn/MnO2_rt_01.xdi", mirror))
        energy, mu = rows[:, 0], -np.log(rows[:, 2] / rows[:, 1])
        before, after = mu[energy < 6525].mean(), mu[(energy > 6590) & (energy < 6640)].mean()
        yield "MnO2 Mn", marks(energy, (mu - before) / (after - before))
        table = json.loads(
            Path(locate("spectra/chen2023_featurexas/dataset/nmc_exp_xas.json", mirror)).read_text()
        )
        first = np.array(table["intensity"]["0"])
        yield "NMC622 Ni", marks(8330 + 0.4 * np.arange(len(first)), first / first[-10:].mean())
    except DataError as error:
        print(json.dumps({"note": str(error)}))


def main() -> None:
    """Print computed and measured marks and the shift between the peaks."""
    known = dict(measured())
    for name, element in EDGES:
        line: dict[str, Any] = {"case": f"{name} {element} K", "computed": computed(name, element)}
        found = known.get(f"{name} {element}")
        line["measured"] = found or "none in hand"
        if found:
            line["shift_of_peak_eV"] = round(found["peak_eV"] - line["computed"]["peak_eV"], 2)
        print(json.dumps(line), flush=True)
    if "NMC622 Ni" in known:
        print(json.dumps({"case": "NMC622 Ni K (pristine)", "measured": known["NMC622 Ni"]}))


if __name__ == "__main__":
    main()
