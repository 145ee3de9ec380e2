"""Edges of reference crystals: FEFF `fast` against what was measured.

``python -m benchmarks.references`` prints one JSON line for each edge and keeps the lines in
``benchmarks/measured/references.csv``; from these the declared shifts of
``config/studies/nmc.yaml`` are taken. Measured spectra come from the mirror (``DEFECTRA_MIRROR`` or
``../shared/data``) after their checksums agree; where none is in hand the line says so. The
computed nickel edge of NMC622 is the mean over the nickel sites of its cells in the archive.
``... write`` puts the table into ``docs/validation.md``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.crystals import crystal, full_nmc622
from benchmarks.kept import PAGE, Kept, machine, when
from benchmarks.rows import put, table
from defectra.core.config import load
from defectra.core.datasets import locate
from defectra.core.errors import DataError
from defectra.core.records import CALCULATIONS, SPECTRA
from defectra.core.store import Archive, write_bytes
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
NMC = "NMC622"  # beside the crystals: pristine electrode, computed in the archive
MARKS = ("half_step_eV", "peak_eV")
KEPT = Kept(
    "references",
    ("crystal", "element"),
    ("sites", *(f"{side}_{mark}" for side in ("computed", "measured") for mark in MARKS)),
)
FWHM = 1.5  # eV


def computed(name: str, element: str) -> dict[str, float]:
    """Half-step onset and strongest peak of a K edge at `fast`, eV, and when it was computed."""
    path = OUT / f"{name}-{element}.json"
    if not path.exists():
        row, begun = crystal(name), machine()
        site = feff.site(row, row["species"].index(element))
        outcome = site.run("K", load().protocols.feff["fast"])
        found = feff.parse(outcome.files)
        data = {"energy": found.energy.tolist(), "mu": found.mu.tolist(), "status": outcome.status}
        write_bytes(path, json.dumps(data | begun).encode())
    data = json.loads(path.read_text(encoding="utf-8"))
    grid = np.arange(data["energy"][0], data["energy"][-1], 0.05)
    found_marks = marks(grid, gaussian(data["energy"], data["mu"], grid, FWHM))
    return found_marks | {k: data[k] for k in ("day", "load")}


def of_archive(element: str) -> dict[str, float]:
    """The same of the mean over all sites of an element in the relaxed NMC622 of the archive.

    Raises
    ------
    DataError
        If the archive has none of them at `fast`.
    """
    archive = Archive("resources/archive")
    curves = {r["calculation_id"]: r for r in archive.read(SPECTRA)}
    cells = {r["structure_id"] for r in full_nmc622()}
    wanted = {"geometry_protocol": "chgnet", "protocol": "fast", "element": element, "edge": "K"}
    found = [
        curves[r["calculation_id"]] for r in archive.read(CALCULATIONS)
        if r["calculation_id"] in curves and r["structure_id"] in cells
        and all(r[k] == v for k, v in wanted.items())
    ]  # fmt: skip
    if not found:
        raise DataError(f"the archive has no {element} K edge of {NMC} at `fast`")
    low = max(min(r["energy_eV"]) for r in found)
    grid = np.arange(low, min(max(r["energy_eV"]) for r in found), 0.05)
    mean = np.mean([gaussian(r["energy_eV"], r["mu"], grid, FWHM) for r in found], axis=0)
    return marks(grid, mean) | {"sites": len(found)}


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


def rows() -> Iterator[dict[str, Any]]:
    """Marks of every edge, computed and (NaN where there is no measurement in hand) measured."""
    known = dict(measured())
    for name, element in (*EDGES, (NMC, "Ni")):
        found = machine() | (of_archive(element) if name == NMC else computed(name, element))
        other = known.get(f"{name} {element}", {})
        row = {"crystal": name, "element": element, "sites": found.get("sites", 1)}
        row |= {k: found[k] for k in ("day", "load")}
        row |= {f"computed_{k}": found[k] for k in MARKS}
        yield row | {f"measured_{k}": other.get(k, float("nan")) for k in MARKS}


def text() -> str:
    """The table, with the shifts that the config declares."""
    shifts = {name: edge.shift for name, edge in load().nmc.edges.items()}
    head = ["crystal, edge", "sites", "computed peak (eV)", "measured peak (eV)", "difference (eV)"]
    lines = []
    for row in KEPT.rows():
        edge = f"{row['element']} K"
        ours, theirs = row["computed_peak_eV"], row["measured_peak_eV"]
        has = not np.isnan(theirs)
        both = [f"{theirs:.2f}", f"{theirs - ours:+.2f}"] if has else ["none in hand", ""]
        cells = [f"{row['crystal']}, {edge}", f"{row['sites']:.0f}", f"{ours:.2f}", *both]
        lines.append([*cells, f"{shifts[edge]:+.1f}"])
    shown = table([*head, "declared shift of the edge (eV)"], lines)
    return "\n\n".join((shown, when(KEPT.rows())))


def main() -> None:
    """Print and keep the marks of every edge, or write the page."""
    if sys.argv[1:] == ["write"]:
        put(PAGE, "references", text())
        return
    for row in rows():
        print(json.dumps(row), flush=True)
        KEPT.add([row])


if __name__ == "__main__":
    main()
