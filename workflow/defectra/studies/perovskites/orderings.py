"""Orderings of a mixed B site: energy and gap of each, beside those of the end members.

One formula stands for many arrangements of its B ions. How far their gaps differ is what no model
that is given the formula alone can know. PBE: functional of Perdew, Burke and Ernzerhof.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.records import Status
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.cells import SCAN
from defectra.studies.perovskites.supercells import MIXED, mixed_of

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
NAN = float("nan")
ATOMS = 5  # of a formula unit
COLUMNS = [
    *("name", "ordering", "share", "ours_eV", "published_eV", "deviation_eV"),
    *("gap_eV", "gap_change_eV", "published_gap_change_eV", "status"),
]
_SHARE = re.compile(r", (\d+) of (\d+)$")


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
        if row["name"] == name:
            ours = row["energy"] * ATOMS / len(row["species"]) - energy
            yield {
                "name": name, "ordering": row["phase"], "share": share(row["phase"]),
                "ours_eV": ours, "published_eV": theirs, "deviation_eV": ours - theirs,
                "gap_eV": row["gap_PBE"], "gap_change_eV": row["gap_PBE"] - gap,
                "published_gap_change_eV": their_gap, "status": row["message"] or row["status"],
            }  # fmt: skip


def _mean(values: Mapping[str, float], names: Sequence[str]) -> float:
    return float(np.mean([values.get(n, NAN) for n in names]))


def share(phase: str) -> float:
    """Part of all arrangements that are equivalent to an ordering; NaN if its name has none."""
    found = _SHARE.search(phase)
    return int(found[1]) / int(found[2]) if found else NAN


def gap_spreads(rows: Rows) -> dict[str, tuple[float, int, int]]:
    """Spread of the gap over the orderings of each formula, and how many of them have a gap.

    Each ordering weighs as its share of the arrangements, as in a random mixture.

    Parameters
    ----------
    rows
        Rows of ``mixing.csv``.

    Returns
    -------
    Standard deviation in eV (NaN with fewer than two gaps), number of gaps, number of orderings.
    """
    out: dict[str, tuple[float, int, int]] = {}
    for name in dict.fromkeys(str(r["name"]) for r in rows):
        asked = [r for r in rows if r["name"] == name and np.isfinite(float(r["share"]))]
        own = [(float(r["gap_eV"]), float(r["share"])) for r in asked]
        own = [pair for pair in own if np.isfinite(pair[0])]
        gaps, weights = np.array(own).reshape(-1, 2).T
        spread = NAN
        if len(own) > 1:
            mean = np.average(gaps, weights=weights)
            spread = float(np.sqrt(np.average((gaps - mean) ** 2, weights=weights)))
        out[name] = (spread, len(own), len(asked))
    return out
