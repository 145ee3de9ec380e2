"""A claim of the scorecard: what was published, what is ours, and a verdict that is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from defectra.core.records import Verdict

Row = dict[str, Any]
Value = tuple[float, float, float]

OWN = "own"
NAN = float("nan")
NOTHING: Value = (NAN, NAN, NAN)


@dataclass(frozen=True)
class Claim:
    """One line of the scorecard.

    Attributes
    ----------
    published
        Number claimed, or the bound of a one-sided claim; NaN if the source gives none.
    ours
        Value, lower and upper end of its 90 % interval.
    test
        ``equal`` to the published number within the tolerance, ``above`` or ``below`` the bound
        with the whole interval, or ``silent``: not above the bound with the whole interval.
    """

    study: str
    claim_id: str
    claim: str
    published: float
    ours: Value
    unit: str
    tolerance: float
    source: str
    test: Literal["equal", "above", "below", "silent"]

    def row(self) -> Row:
        """Row of the scorecard, verdict computed."""
        return {
            "claim_id": self.claim_id,
            "study": self.study,
            "claim": self.claim,
            "published": self.published,
            "ours": self.ours[0],
            "unit": self.unit,
            "tolerance": self.tolerance,
            "verdict": str(verdict(self.published, self.ours, self.tolerance, self.test)),
            "source": self.source,
        }


def verdict(published: float, ours: Value, tolerance: float, test: str) -> Verdict:
    """Verdict of one claim.

    ``equal``: reproduced within the tolerance, close within twice. ``above`` / ``below``:
    reproduced if the whole interval is beyond the bound, close if only the value is.
    ``silent``: reproduced unless the whole interval is above the bound; close if it is, but the
    value exceeds it by no more than the tolerance.
    """
    value, lo, hi = ours
    if math.isnan(published) or math.isnan(value):
        return Verdict.NO_DATA
    if test == "equal":
        miss = abs(value - published)
        return _graded(miss <= tolerance, miss <= 2 * tolerance)
    if test == "silent":
        return _graded(not lo > published, value <= published + tolerance)
    if test == "above":
        return _graded(lo > published, value > published)
    return _graded(hi < published, value < published)


def _graded(good: bool, near: bool) -> Verdict:
    if good:
        return Verdict.REPRODUCED
    return Verdict.CLOSE if near else Verdict.NOT_REPRODUCED
