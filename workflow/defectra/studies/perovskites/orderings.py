"""Orderings of a mixed B site: energy and gap of each, beside those of the end members.

One formula stands for many arrangements of its B ions. Where the arrangement of a published cell
was drawn at random, the spread of the gaps is what a model cannot know that is given the formula
alone. PBE: functional of Perdew, Burke and Ernzerhof.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Status
from defectra.core.units import KELVIN_EV
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.cells import CELL, SCAN
from defectra.studies.perovskites.supercells import MIXED, UNITS, mixed_of

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
NAN = float("nan")
ATOMS_PER_UNIT = 5  # of a formula unit
COLUMNS = [
    *("name", "ordering", "share", "ours_eV", "published_eV", "deviation_eV"),
    *("gap_eV", "gap_change_eV", "published_gap_change_eV", "status"),
]
_SHARE = re.compile(r", (\d+) of (\d+)$")  # names of supercells.mixed_tasks
ROOM_TEMPERATURE_EV = 300 * KELVIN_EV


def compare(pure: Rows, found: Rows, published: Rows) -> list[Row]:
    """Rows of ``mixing.csv``: energy and PBE gap of each ordering less those of its end members.

    The published energy is the same difference of decomposition energies, in which the references
    drop out.

    Parameters
    ----------
    pure, found
        Rows of our runs, and of our cells.
    published
        Rows of ``compounds.parquet``.

    Returns
    -------
    Energies in eV for a formula unit, gaps in eV; `share` is the part of all arrangements that are
    equivalent to this ordering, NaN for the layers in their own smaller cell.
    """
    return [row for ions in MIXED for row in _of_formula(ions, pure, found, published)]


def _of_formula(
    ions: tuple[str, str, str, str], pure: Rows, found: Rows, published: Rows
) -> Iterator[Row]:
    a, one, two, x = ions
    names = [runs.pure_of(a, b, x).name for b in (one, two)]
    name = mixed_of(ions).name
    good = [r for r in pure if r["status"] == Status.OK]
    energy = _mean({r["name"]: r["energy"] for r in good if r["kind"] == SCAN}, names)
    gap = _mean({r["name"]: r["gap_PBE"] for r in good if r["kind"] == "bands"}, names)
    theirs, their_gap = (
        labels.get(name, NAN) - _mean(labels, names)
        for labels in (
            {r["name"]: r["decomposition_PBE"] for r in published},
            {r["name"]: r["gap_PBE"] for r in published},
        )
    )
    for row in found:
        if (row["name"], row["kind"]) == (name, CELL):
            ours = row["energy"] * ATOMS_PER_UNIT / len(row["species"]) - energy
            status = row["status"] if row["status"] == Status.OK else row["message"]
            yield {
                "name": name, "ordering": row["phase"], "share": share(row["phase"]),
                "ours_eV": ours, "published_eV": theirs, "deviation_eV": ours - theirs,
                "gap_eV": row["gap_PBE"], "gap_change_eV": row["gap_PBE"] - gap,
                "published_gap_change_eV": their_gap, "status": status,
            }  # fmt: skip


def _mean(values: Mapping[str, float], names: Sequence[str]) -> float:
    return float(np.mean([values.get(n, NAN) for n in names]))


def share(phase: str) -> float:
    """Part of all arrangements that are equivalent to an ordering; NaN if its name has none."""
    found = _SHARE.search(phase)
    return int(found[1]) / int(found[2]) if found else NAN


@dataclass(frozen=True)
class Spread:
    """How far the gaps of the orderings of one formula differ.

    Attributes
    ----------
    random, at_300_kelvin
        Standard deviation in eV, each ordering weighing as its share of the arrangements, and that
        times the Boltzmann factor of its cell; NaN unless every ordering has energy and gap.
    done, asked
        Orderings with energy and gap, and all.
    """

    random: float
    at_300_kelvin: float
    done: int
    asked: int


def gap_spreads(rows: Rows) -> dict[str, Spread]:
    """Spread of the gap over the orderings of each formula, by its name.

    Parameters
    ----------
    rows
        Rows of ``mixing.csv``.
    """
    out = {}
    for name in dict.fromkeys(str(r["name"]) for r in rows):
        asked = [r for r in rows if r["name"] == name and np.isfinite(float(r["share"]))]
        table = np.array([[float(r[c]) for c in ("share", "gap_eV", "ours_eV")] for r in asked])
        weight, gap, energy = table.reshape(-1, 3).T
        done = int(np.isfinite(gap + energy).sum())
        random = at_300_kelvin = NAN
        if asked and done == len(asked):
            above = UNITS * (energy - energy.min())
            random = _deviation(gap, weight)
            at_300_kelvin = _deviation(gap, weight * np.exp(-above / ROOM_TEMPERATURE_EV))
        out[name] = Spread(random, at_300_kelvin, done, len(asked))
    return out


def _deviation(values: Floats, weight: Floats) -> float:
    """Weighted standard deviation."""
    mean = np.average(values, weights=weight)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weight)))
