"""Measured gaps, and the ladder of calculations below each: PBE, HSE, spin-orbit coupling.

PBE: functional of Perdew, Burke and Ernzerhof.

``resources/perovskites/measured_gaps.csv`` holds one reading a line, with where it was read and
who measured. A gap of the published set (``gap_HSE``) is that of a small cell by the functional of
Heyd-Scuseria-Ernzerhof (HSE) without spin-orbit coupling, whatever phase exists at room
temperature. Ours are of ideal cubic cells of five atoms, without and with the coupling; Cs stands
for the molecules (:mod:`defectra.studies.perovskites.end_members`). A mixed compound takes the
average of its end members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.csvs import read_csv
from defectra.core.errors import DataError
from defectra.studies.perovskites import descriptors, end_members
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, SITES, X_IONS, Shares, shares_of

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]
READINGS_COLUMNS = [
    *("formula", "gap_eV", "phase", "temperature", "sample", "method"),
    *("measured_by", "doi", "read_in", "read_as"),
]
READ_AS = ("first hand", "quoted", "notes")
# Readings of one compound that lie farther apart than this contradict each other.
DISPUTED_EV = 0.3
_OWN = (("gap_HSE_SOC", "bands"), ("gap_HSE", "bands"), ("gap_PBE", "bands"))
COLUMNS = (
    "gap_HSE",  # published, averaged over the end members
    "spin_orbit",  # our HSE gap with the coupling less that without
    "own_HSE_SOC",
    "mixing",  # product of the shares of Sn and Pb
    "tilt",  # tolerance factor: the smaller, the more the octahedra tilt
    "Ge",
    "Sn",
    "alkaline_earth",  # share of Ca, Sr, Ba
    "r_X",
)


@dataclass(frozen=True)
class Measured:
    """Readings of one compound.

    Attributes
    ----------
    formula, shares
        As written in the table; fractions on A, B, X.
    gap, low, high
        Median of the readings, the lowest and the highest, eV.
    readings
        How many.
    phase
        What the sources say, without those that say nothing.
    """

    formula: str
    shares: Shares
    gap: float
    low: float
    high: float
    readings: int
    phase: str

    @property
    def disputed(self) -> bool:
        """Whether the readings contradict each other: shown, not learnt from."""
        return self.high - self.low > DISPUTED_EV

    def ions(self, site: str) -> str:
        """Ions on a site, the one with the largest share first."""
        share = self.shares["ABX".index(site)]
        order = np.argsort(-share, kind="stable")
        return " ".join(SITES[site][k] for k in order if share[k] > 0)


def read_measured(path: str | Path) -> list[Measured]:
    """Compounds of a file of readings, in its order, see :func:`measured`."""
    return measured(read_csv(path, READINGS_COLUMNS))


def measured(rows: Rows) -> list[Measured]:
    """Compounds of the table of readings, in its order.

    Raises
    ------
    DataError
        If a formula or a gap cannot be read, or a reading does not say where it stands.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for number, row in enumerate(rows, 2):
        where = f"measured gaps, line {number} ({row['formula']})"
        try:
            gap = float(row["gap_eV"])
        except ValueError:
            gap = float("nan")
        if not 0 < gap < 15:
            raise DataError(f"{where}: gap_eV {row['gap_eV']!r} is no gap in eV")
        if row["read_as"] not in READ_AS or not str(row["read_in"]).strip():
            raise DataError(f"{where}: say in read_in where it stands, in read_as one of {READ_AS}")
        found.setdefault(str(row["formula"]), []).append(row)
    return [_one(formula, own) for formula, own in found.items()]


def _one(formula: str, rows: Rows) -> Measured:
    gaps = [float(row["gap_eV"]) for row in rows]
    said = [str(row["phase"]) for row in rows if row["phase"] not in ("", "not stated")]
    return Measured(
        formula,
        shares_of(formula),
        float(np.median(gaps)),
        min(gaps),
        max(gaps),
        len(gaps),
        ", ".join(dict.fromkeys(said)),
    )


def steps_below(shares: Sequence[Shares], published: Rows, runs: Rows) -> dict[str, Floats]:
    """Calculated gaps of each composition, averaged over its end members, eV, shape (n,) each.

    Parameters
    ----------
    shares
        Fractions on A, B, X of each composition.
    published
        Rows of the compounds table; the pure ones are used.
    runs
        Rows of our own calculations.
    """
    sites = tuple(np.array(part) for part in zip(*shares))
    own = end_members.mixed("na,nb,nx,abxq->nq", sites, end_members.ends(runs, _OWN))
    labels = end_members.mixed("na,nb,nx,abxq->nq", sites, _published_ends(published))
    return {
        "gap_PBE": labels[:, 0],
        "gap_HSE": labels[:, 1],
        "own_PBE": own[:, 2],
        "own_HSE": own[:, 1],
        "own_HSE_SOC": own[:, 0],
        "spin_orbit": own[:, 0] - own[:, 1],
        "gap_HSE_SOC": labels[:, 1] + own[:, 0] - own[:, 1],
    }


def _published_ends(rows: Rows) -> Floats:
    """PBE and HSE gap of the pure compounds, shape (5, 6, 3, 2)."""
    out = np.full((len(A_IONS), len(B_IONS), len(X_IONS), 2), np.nan)
    for row in rows:
        if row["kind"] == "pure":
            where = tuple(int(np.argmax(row[site])) for site in "abx")
            out[where] = [row["gap_PBE"], row["gap_HSE"]]
    return out


def features(
    shares: Sequence[Shares], published: Rows, runs: Rows, ions: descriptors.Table
) -> Floats:
    """What the step to the measured gap is learnt from, shape (n, 9), in the order of `COLUMNS`."""
    a, b, x = (np.array(part) for part in zip(*shares))
    below = steps_below(shares, published, runs)
    r_a, r_b, r_x = (
        part @ np.array([ions[ion]["radius"] for ion in names])
        for part, names in ((a, A_IONS), (b, B_IONS), (x, X_IONS))
    )
    share = {ion: b[:, n] for n, ion in enumerate(B_IONS)}
    return np.column_stack(
        [
            below["gap_HSE"],
            below["spin_orbit"],
            below["own_HSE_SOC"],
            share["Sn"] * share["Pb"],
            descriptors.tolerance_factor(r_a, r_b, r_x),
            share["Ge"],
            share["Sn"],
            b @ (1 - descriptors.LONE_PAIR),
            r_x,
        ]
    )
