"""Candidates against the measured line: error of a fidelity, acceptance, what is decided.

The error of a fidelity has two sources: what is known of ΔSCF with that functional on other defects
(`prior`, a declared standard deviation that counts as `weight` defects), and the reference defects
that were computed here. Zero mean; scale and tails follow (a Student t distribution).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from defectra.studies.hbn.settings import HbnStudy
from defectra.studies.hbn.tables import WAITS
from defectra.studies.hbn.transitions import FIDELITIES

Row = dict[str, Any]
NAN = float("nan")
ERRORS_COLUMNS = [
    *("fidelity", "reference", "expected_eV", "source", "ours_eV", "error_eV", "prior_sd_eV"),
    *("prior_weight", "error_sd_eV", "degrees_of_freedom"),
]
LADDER_COLUMNS = [
    *("name", "charge", "spin", "size", "structure_id", "fidelity", "zpl_eV", "error_sd_eV"),
    *("distance_eV", "acceptance", "two_sided_p", "verdict", "remark"),
]
SIGNIFICANT = 0.05  # two-sided; below it a candidate is excluded
OPEN, EXCLUDED = "possible", "excluded"
UNDECIDED = (WAITS, "no line")  # verdicts without a line: it waits, or it ended without one


@dataclass(frozen=True)
class Reference:
    """A defect whose zero-phonon line is known from experiment.

    Attributes
    ----------
    name
        Of the candidate, neutral, lowest spin.
    energy
        Measured, eV.
    published, huang_rhys
        Zero-phonon line (eV) and Huang-Rhys factor by hybrid functionals.
    source
        Of all three.
    """

    name: str
    energy: float
    published: float
    huang_rhys: float
    source: str


REFERENCES = (
    Reference("C_B C_N", 4.08, 4.3, 2.0, "Appl. Phys. Lett. 115, 212101 (2019), arXiv:1907.02303"),
)


@dataclass(frozen=True)
class Error:
    """Error of a zero-phonon line at one fidelity: scale (eV) of a Student t distribution."""

    scale: float
    freedom: float

    def density(self, distance: float) -> float:
        """Probability per eV that the true line is `distance` above the computed one."""
        from scipy.stats import t

        return float(t.pdf(distance, self.freedom, scale=self.scale))

    def within(self, low: float, high: float) -> float:
        """Probability that the true line less the computed one lies between two distances."""
        from scipy.stats import t

        ends = t.cdf([low, high], self.freedom, scale=self.scale)
        return float(ends[1] - ends[0])

    def beyond(self, distance: float) -> float:
        """Two-sided probability of an error at least as large."""
        from scipy.stats import t

        return float(2 * t.sf(abs(distance), self.freedom, scale=self.scale))


def lowest(rows: Sequence[Mapping[str, Any]], name: str, charge: int, size: int) -> Row | None:
    """First row of a complex at a size and charge, which is that of the lowest spin; None."""
    same = (r for r in rows if (r["name"], r["charge"], r["size"]) == (name, charge, size))
    return next((dict(r) for r in same), None)


def error_rows(transitions: Sequence[Mapping[str, Any]], settings: HbnStudy) -> list[Row]:
    """Rows of ``errors.csv``: each fidelity on each reference, and what is made of them."""
    out = []
    for fidelity in FIDELITIES:
        prior = settings.errors[fidelity]
        found = []
        for reference in REFERENCES:
            row = lowest(transitions, reference.name, 0, settings.size)
            ours = NAN if row is None else float(row[f"zpl_{fidelity}_eV"])
            found.append((reference, ours, ours - reference.energy))
        known = [e for _, _, e in found if math.isfinite(e)]
        error = error_of(known, prior, settings.prior_weight)
        for reference, ours, miss in found:
            out.append(
                {
                    "fidelity": fidelity,
                    "reference": reference.name,
                    "expected_eV": reference.energy,
                    "source": reference.source,
                    "ours_eV": ours,
                    "error_eV": miss,
                    "prior_sd_eV": prior,
                    "prior_weight": settings.prior_weight,
                    "error_sd_eV": error.scale,
                    "degrees_of_freedom": error.freedom,
                }
            )
    return out


def error_of(errors: Sequence[float], prior: float, weight: float) -> Error:
    """Predictive distribution of the error of a defect that was not looked at."""
    freedom = weight + len(errors)
    squares = weight * prior**2 + float(np.sum(np.square(errors)))
    return Error(math.sqrt(squares / freedom), freedom)


def ladder_rows(
    transitions: Sequence[Mapping[str, Any]],
    errors: Sequence[Mapping[str, Any]],
    settings: HbnStudy,
) -> list[Row]:
    """Rows of ``ladder.csv``: each candidate at each fidelity, nearest to the line first.

    ``acceptance`` is the probability that its true line lies within two standard deviations of the
    measured one; ``two_sided_p`` that an error as large as its distance occurs, with the spread of
    the emitters in it.
    """
    found = {r["fidelity"]: Error(r["error_sd_eV"], r["degrees_of_freedom"]) for r in errors}
    rows = [
        _judged(row, fidelity, found[fidelity], settings)
        for fidelity in FIDELITIES
        for row in transitions
    ]
    return sorted(
        rows,
        key=lambda r: (
            list(FIDELITIES).index(r["fidelity"]),
            math.isnan(r["zpl_eV"]),
            abs(r["distance_eV"]),
        ),
    )


def _judged(row: Mapping[str, Any], fidelity: str, error: Error, settings: HbnStudy) -> Row:
    zpl, line = float(row[f"zpl_{fidelity}_eV"]), settings.line
    labels = {k: row[k] for k in ("name", "charge", "spin", "size", "structure_id", "remark")}
    out = labels | {"fidelity": fidelity, "zpl_eV": zpl, "error_sd_eV": error.scale}
    if not math.isfinite(zpl):
        nothing = dict.fromkeys(("distance_eV", "acceptance", "two_sided_p"), NAN)
        return out | nothing | {"verdict": UNDECIDED[row["status"] != WAITS]}
    distance = line.energy - zpl
    half = 2 * line.energy_sd
    spread = Error(math.hypot(error.scale, line.energy_sd), error.freedom)
    p = spread.beyond(distance)
    return out | {
        "distance_eV": distance,
        "acceptance": error.within(distance - half, distance + half),
        "two_sided_p": p,
        "verdict": OPEN if p >= SIGNIFICANT else EXCLUDED,
    }
