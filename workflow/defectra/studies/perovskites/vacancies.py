"""Charged vacancies of our own, beside the published columns.

With mu_A + mu_X = E(AX), as the published chemical potentials have it, the cost of a pair of
vacancies hangs on no condition and on no Fermi level:

- cost at equilibrium, ``defect_energy``: [E(V_A, -) + E(V_X, +) - 2 E(host) + E(AX)] / 2;
- ``neutral_pair``: E(V_A, 0) + E(V_X, 0) - 2 E(host) + E(AX), to be held against the sum of both
  published neutral energies;
- ``level_A``: E(V_A, -) - E(V_A, 0) - E_VBM; ``level_X``: E(V_X, 0) - E(V_X, +) - E_VBM.

Charged cells are corrected for their images by a point charge in a cube (Leslie and Gillan 1985),
with the square of the published refractive index as dielectric constant, since the sites do not
move; both numbers are given. The mean potential of a charged cell is not aligned.

The hole of a neutral vacancy on A sits in the valence band, and the mesh of k-points holds no point
at its edge: the cell costs too much, by the distance of the mesh's highest state from the edge
(band filling: Lany and Zunger, Phys. Rev. B 78, 235104 (2008)). The eight points nearest to R are
equivalent and have the highest state; the holes of the eight cells that the mesh stands for take
eight of their sixteen states, so that all of them sit at this one energy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.records import Status
from defectra.defects.corrections import madelung_cubic
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.cells import CELL
from defectra.studies.perovskites.supercells import HOST_EDGES, HOSTS, UNITS

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
NAN = float("nan")
COLUMNS = [
    *("name", "quantity", "unit", "ours", "uncorrected", "band_filling", "published", "deviation"),
    "status",
]
# Sign with which the distance of the hole from the band edge enters each quantity.
FILLING_SIGNS = {"neutral_pair": -1.0, "level_A": 1.0}


def compare(pure: Rows, found: Rows, published: Rows) -> list[Row]:
    """Rows of ``vacancies.csv``: four quantities of each host that is asked for.

    ``ours`` holds the correction for images, ``uncorrected`` does not; ``band_filling`` is in
    neither, and would be added to both. ``deviation`` is that of ``ours``.

    Parameters
    ----------
    pure, found
        Rows of our runs, and of our cells.
    published
        Rows of ``compounds.parquet``.
    """
    labels = {r["name"]: r for r in published if r["kind"] == "pure"}
    out = []
    for a, b, x in HOSTS:
        name = runs.pure_of(a, b, x).name
        own = [r for r in found if r["name"] == name and r["status"] == Status.OK]
        e = {(r["phase"], r["charge"]): r["energy"] for r in own if r["kind"] == CELL}
        label = labels.get(name, {})
        index = float(label.get("refractive_index", NAN))
        edge = next((abs(r["lattice"][0]) for r in own if r["phase"] == f"V_{a}"), NAN)
        image = madelung_cubic(edge, index**2, 1) if np.isfinite(edge * index) else NAN
        hole = _valence_edge(name, pure) - _mesh_edge(own)
        for quantity, (value, count) in _quantities(e, pure, (a, b, x)).items():
            theirs = _published(quantity, label)
            ours = value + count * image
            row: Row = {"name": name, "quantity": quantity, "unit": "eV", "ours": ours}
            row |= {"uncorrected": value, "published": theirs, "deviation": ours - theirs}
            row["band_filling"] = (
                FILLING_SIGNS[quantity] * hole if quantity in FILLING_SIGNS else 0.0
            )
            out.append(row | {"status": _status(value, ours, row["band_filling"])})
    return out


def _status(value: float, ours: float, filling: float) -> str:
    """``ok``, or which part of a quantity is missing."""
    if not np.isfinite(value):
        return "a cell of it was not computed"
    if not np.isfinite(ours):
        return "no published refractive index: images are not corrected"
    return str(Status.OK) if np.isfinite(filling) else "no band edges of the host on its mesh"


def _valence_edge(name: str, pure: Rows) -> float:
    """Edge of the valence band of a host, eV, at its point of the zone."""
    found = (
        r["vbm_PBE"] for r in pure
        if (r["name"], r["kind"], r["status"]) == (name, "bands", Status.OK)
    )  # fmt: skip
    return float(next(found, NAN))


def _mesh_edge(own: Rows) -> float:
    """Highest valence state on the mesh of the density, eV; `own` are finished cells of a host."""
    return float(next((r["vbm_PBE"] for r in own if r["phase"] == HOST_EDGES), NAN))


def _quantities(
    e: Mapping[tuple[str, int], float], pure: Rows, ions: tuple[str, str, str]
) -> dict[str, tuple[float, float]]:
    """Uncorrected value (eV) of each quantity, and how many image corrections belong to it."""
    a, _, x = ions
    name = runs.pure_of(*ions).name
    good = [r for r in pure if r["status"] == Status.OK]
    halide = next((r["energy"] for r in good if r["name"] == a + x), NAN)
    edge = _valence_edge(name, good)
    on_a, on_x, host = f"V_{a}", f"V_{x}", UNITS * e.get(("host", 0), NAN)

    def of(site: str, charge: int) -> float:
        return e.get((site, charge), NAN)

    pair = of(on_a, 0) + of(on_x, 0) - 2 * host + halide
    charged = (of(on_a, -1) + of(on_x, 1) - 2 * host + halide) / 2
    return {
        "defect_energy": (charged, 1.0),
        "neutral_pair": (pair, 0.0),
        "level_A": (of(on_a, -1) - of(on_a, 0) - edge, 1.0),
        "level_X": (of(on_x, 0) - of(on_x, 1) - edge, -1.0),
    }


def _published(quantity: str, label: Mapping[str, Any]) -> float:
    if quantity == "neutral_pair":
        return float(label.get("vacancy_A", NAN)) + float(label.get("vacancy_X", NAN))
    return float(label.get(quantity, NAN))
