"""Ni K spectra that this workflow computed, with labels from moments and structures.

Groups are metal compositions: coarser than the orderings that share a parent, so nothing of a
family is on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.core.records import Column, Status, Table
from defectra.learn.saved import unit_maximum
from defectra.learn.scores import deviation
from defectra.spectra.broaden import gaussian
from defectra.studies.xanes.surroundings import REACH, hoppe_mean

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

EDGE = "Ni K"
GRID = 8330.0 + 0.4 * np.arange(100)  # eV: grid of the published measured series
# Moments (µB) that CHGNet gives Ni 2+, 3+ and 4+ in layered oxides.
_MOMENTS, _STATES = (0.1, 0.9, 1.7), (4.0, 3.0, 2.0)
RELAXED = "chgnet"  # lithium taken out without relaxing (chgnet-parent) is no real cell

NICKEL = Table(
    "nickel",
    (
        Column("calculation_id", "string", "", "calculation"),
        Column("composition", "string", "", "metals of the cell: group that no split may cut"),
        Column("lithium", "float", "", "lithium per metal of the cell"),
        Column("moment", "float", "µB", "magnetic moment of the absorber"),
        Column("state", "float", "e", "oxidation state that the moment stands for, 2 to 4"),
        Column("bond_length", "float", "Å", "weighted mean distance to the oxygens"),
        Column("energy_eV", "floats", "eV", "axis of the engine, declared shift added"),
        Column("mu", "floats", "edge step = 1", "absorption"),
    ),
)


def state_of_moment(moment: float) -> float:
    """Oxidation state, linear between the moments of 2+, 3+ and 4+."""
    return float(np.interp(abs(moment), _MOMENTS, _STATES))


def nickel_rows(
    calculations: Iterable[Mapping[str, Any]],
    geometries: Iterable[Mapping[str, Any]],
    spectra: Iterable[Mapping[str, Any]],
    protocol: str,
    shift: float,
) -> list[Row]:
    """Rows of :data:`NICKEL` from tables of the archive.

    Parameters
    ----------
    protocol
        Of engine feff.
    shift
        Added to every energy, eV: declared, not fitted.

    Raises
    ------
    TableError
        If there is no such spectrum.
    """
    cells = {g["geometry_id"]: g for g in geometries}
    curves = {s["calculation_id"]: s for s in spectra}
    rows = []
    for row in sorted(calculations, key=lambda r: str(r["calculation_id"])):
        wanted = (row["element"], row["edge"], row["protocol"]) == ("Ni", "K", protocol)
        relaxed = row["geometry_protocol"] == RELAXED and row["status"] == Status.OK
        cell, curve = cells.get(row["geometry_id"]), curves.get(row["calculation_id"])
        if wanted and relaxed and cell is not None and curve is not None and cell["moments"]:
            rows.append(_row(row, cell, curve, shift))
    if not rows:
        raise TableError(f"no Ni K spectrum at protocol {protocol!r}; other protocol, or archive?")
    return rows


def _row(
    row: Mapping[str, Any], cell: Mapping[str, Any], curve: Mapping[str, Any], shift: float
) -> Row:
    count = Counter(cell["species"])
    metals = sum(count[m] for m in ("Ni", "Mn", "Co"))
    index = cell["site_labels"].index(row["site"])
    return {
        "calculation_id": row["calculation_id"],
        "composition": "".join(f"{m}{count[m]}" for m in ("Ni", "Mn", "Co")),
        "lithium": count["Li"] / metals,
        "moment": cell["moments"][index],
        "state": state_of_moment(cell["moments"][index]),
        "bond_length": _bond_length(cell, index),
        "energy_eV": [e + shift for e in curve["energy_eV"]],
        "mu": curve["mu"],
    }


def _bond_length(cell: Mapping[str, Any], index: int) -> float:
    from pymatgen.core import Structure

    structure = Structure(
        np.reshape(cell["lattice"], (3, 3)), cell["species"], np.reshape(cell["coords"], (-1, 3))
    )
    found = structure.get_neighbors(structure[index], REACH)
    return hoppe_mean(np.array([n.nn_distance for n in found if n.specie.symbol == "O"]))


def on_grid(rows: Rows, fwhm: float, shift: float = 0.0) -> Floats:
    """Spectra on :data:`GRID`, moved up by `shift` (eV), broadened, largest value 1."""
    return unit_maximum(
        np.array(
            [gaussian(np.add(r["energy_eV"], shift), np.asarray(r["mu"]), GRID, fwhm) for r in rows]
        )
    )


def align(
    rows: Rows,
    measured: Floats,
    cells: Sequence[str],
    fwhm: float,
    largest: float,
    seed: int = 0,
    resamples: int = 200,
) -> tuple[float, float]:
    """One shift of all calculated spectra and its standard deviation, eV: no label is used.

    The two means are laid upon each other (largest correlation). Sites of one composition and
    spectra of one measured cell are no samples of their own: compositions and cells are resampled
    (:func:`defectra.learn.scores.deviation`), and the two variances are added. A variance over two
    cells is right on average, but its root is known to no better than three quarters of itself.
    That the two sets are of other states is not in it.

    Parameters
    ----------
    rows
        Calculated spectra; `composition` is their group.
    measured
        Spectra on :data:`GRID`, shape (n, 100).
    cells
        Electrochemical cell that each was measured in, n of them.
    fwhm, largest
        Broadening of the calculated spectra and largest shift that is tried, eV.

    Returns
    -------
    Shift, and its standard deviation: NaN where all rows or all spectra are of one group.
    """
    shifts = np.arange(-largest, largest + 0.05, 0.1)
    moved = np.array([on_grid(rows, fwhm, float(s)) for s in shifts])  # (shifts, rows, 100)
    curves, target = moved.mean(axis=1), measured.mean(axis=0)

    def by_rows(weights: Floats) -> Floats:
        return np.array([_best(shifts, w @ moved / w.sum(), target) for w in weights])

    def by_cells(weights: Floats) -> Floats:
        return np.array([_best(shifts, curves, w @ measured / w.sum()) for w in weights])

    own = deviation(by_rows, [r["composition"] for r in rows], resamples, seed)
    other = deviation(by_cells, cells, resamples, seed + 1)
    return float(np.round(_best(shifts, curves, target), 6)), float(np.hypot(own, other))


def _best(shifts: Floats, curves: Floats, target: Floats) -> float:
    """Shift whose curve, shape (shifts, 100), is most like the target."""
    a, b = curves - curves.mean(axis=1, keepdims=True), target - target.mean()
    return float(shifts[int(np.argmax(a @ b / np.linalg.norm(a, axis=1)))])
