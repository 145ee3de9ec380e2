"""Claims of papers and checks of our own: two tables, whose verdicts are computed.

A :class:`Claim` is what a paper prints; a :class:`Check` is a bound that we set; a
:class:`Control` is a negative control, a model that must find nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Sense = Literal["above", "below", "at least", "at most"]

NAN = float("nan")
SCORECARD_COLUMNS = [
    *("claim_id", "study", "claim", "published", "ours", "unit", "tolerance", "lo", "hi", "n"),
    *("verdict", "source"),
]
CHECK_COLUMNS = [
    *("check_id", "study", "check", "bound", "ours", "unit", "lo", "hi", "n", "verdict"),
    "fails_if",
]
_NO_NUMBER = "its input has no such number"


class Verdict(StrEnum):
    """Computed outcome of a claim."""

    REPRODUCED = "reproduced"
    CLOSE = "close"
    NOT_SHOWN = "not shown"
    NOT_REPRODUCED = "not reproduced"
    NO_DATA = "no data"


class Outcome(StrEnum):
    """Computed outcome of a check."""

    HOLDS = "holds"
    OPEN = "open"
    FAILS = "fails"


class Estimate(NamedTuple):
    """A number with its 90 % interval.

    Attributes
    ----------
    lo, hi
        Ends of the interval: both `value` if the number is exact, NaN if the end is not known.
    n
        Independent things behind it: groups of a bootstrap, else rows; 0 if there is no number.
    """

    value: float
    lo: float
    hi: float
    n: int

    @classmethod
    def exact(cls, value: float, n: int) -> Estimate:
        """A number without sampling error: a count, or an arithmetic result; NaN is none."""
        return NOTHING if math.isnan(value) else cls(float(value), float(value), float(value), n)

    @classmethod
    def mean(cls, values: Iterable[float]) -> Estimate:
        """Mean of independent values, and its interval of Student's t; one value has none."""
        import numpy as np
        from scipy.special import stdtrit

        x = np.array(list(values), dtype=float)
        if not len(x):
            return NOTHING
        half = NAN
        if len(x) > 1:
            half = float(stdtrit(len(x) - 1, 0.95) * x.std(ddof=1) / np.sqrt(len(x)))
        middle = float(x.mean())
        return cls(middle, middle - half, middle + half, len(x))

    @property
    def shown(self) -> str:
        """The number in a sentence, three digits."""
        return f"{self.value:.3g}" if math.isfinite(self.value) else "none"

    def minus(self, reference: float) -> Estimate:
        """The number less a fixed one."""
        return Estimate(self.value - reference, self.lo - reference, self.hi - reference, self.n)

    def distance(self, target: float) -> Estimate:
        """Distance from a fixed number; the interval holds the distances of all in this one."""
        value, lo, hi, n = self.minus(target)
        far = max(abs(lo), abs(hi)) if math.isfinite(lo - hi) else NAN
        near = NAN if math.isnan(far) else max(lo, -hi, 0.0)
        return Estimate(abs(value), near, far, n)


NOTHING = Estimate(NAN, NAN, NAN, 0)


def estimate(rows: Rows, count: str = "n_groups", **wanted: str) -> Estimate:
    """Value, interval and `count` of the rows with these entries; the mean over repeats.

    Parameters
    ----------
    rows
        Rows with columns ``value``, ``lo``, ``hi`` and `count`, such as those of ``metrics.csv``.
        Rows that agree in all of `wanted` must be repeats of one model with other seeds.
    """
    found = [r for r in rows if all(r[k] == str(v) for k, v in wanted.items())]
    if not found or any(math.isnan(float(r["value"])) for r in found):
        return NOTHING
    value, lo, hi = (sum(float(r[k]) for r in found) / len(found) for k in ("value", "lo", "hi"))
    return Estimate(value, lo, hi, round(min(float(r[count]) for r in found)))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a paper prints, beside what this run found.

    Attributes
    ----------
    published
        Number that the paper prints; NaN for a claim in words ("A is better than B").
    than
        Of a claim in words: the value of no difference, which `test` compares with.
    test
        ``equal`` to the published number within `tolerance`; ``above`` or ``below`` it, or `than`.
    contrary
        Of a claim whose contrary has a bound of its own: whether that is reached. None: the whole
        interval lies on the other side.
    missing
        Why there is no number, if there is none.
    blind
        Why these data cannot decide it whatever comes out; empty if they can.
    """

    study: str
    claim_id: str
    claim: str
    ours: Estimate
    source: str
    test: Literal["equal", "above", "below"]
    published: float = NAN
    than: float = NAN
    tolerance: float = NAN
    contrary: bool | None = None
    unit: str = ""
    missing: str = ""
    blind: str = ""

    @property
    def verdict(self) -> Verdict:
        """Computed from number and interval; not shown by data that cannot decide it.

        ``equal``: reproduced within the tolerance, close within twice; not shown if the interval
        reaches farther than twice the tolerance. ``above``, ``below``: reproduced, or not, with the
        whole interval; not shown where it reaches over the reference, or is not known.
        """
        reference = self.than if math.isnan(self.published) else self.published
        if math.isnan(self.ours.value) or math.isnan(reference):
            return Verdict.NO_DATA
        if self.blind:
            return Verdict.NOT_SHOWN
        if self.test == "equal":
            miss = abs(self.ours.value - reference)
            if miss <= self.tolerance:
                far = self.ours.distance(reference).hi > 2 * self.tolerance
                return Verdict.NOT_SHOWN if far else Verdict.REPRODUCED
            return Verdict.CLOSE if miss <= 2 * self.tolerance else Verdict.NOT_REPRODUCED
        whole = outcome(reference, self.ours, self.test)
        if whole is Outcome.HOLDS:
            return Verdict.REPRODUCED
        refuted = whole is Outcome.FAILS if self.contrary is None else self.contrary
        return Verdict.NOT_REPRODUCED if refuted else Verdict.NOT_SHOWN

    def row(self) -> Row:
        """Row of ``scorecard.csv``."""
        return {
            "claim_id": self.claim_id,
            "study": self.study,
            "claim": _with_reason(self.claim, self.ours, self.missing, self.blind),
            "published": self.published,
            "ours": self.ours.value,
            "unit": self.unit,
            "tolerance": self.tolerance,
            "lo": self.ours.lo,
            "hi": self.ours.hi,
            "n": self.ours.n,
            "verdict": str(self.verdict),
            "source": self.source,
        }


def outcome(bound: float, ours: Estimate, sense: Sense) -> Outcome:
    """Holds or fails with the whole interval; open if it reaches over the bound, or is not known.

    ``at least`` and ``at most`` allow the bound itself, ``above`` and ``below`` do not.
    """
    lo, hi, strict = ours.lo, ours.hi, sense in ("above", "below")
    if sense in ("below", "at most"):
        bound, lo, hi = -bound, -hi, -lo
    if lo > bound or (lo == bound and not strict):
        return Outcome.HOLDS
    if hi < bound or (hi == bound and strict):
        return Outcome.FAILS
    return Outcome.OPEN


@dataclass(frozen=True, kw_only=True)
class _Own:
    """What :class:`Check` and :class:`Control` have in common.

    Attributes
    ----------
    fails_if
        What would make it fail, in words.
    missing
        Why there is no number, if there is none.
    """

    study: str
    check_id: str
    check: str
    ours: Estimate
    fails_if: str
    unit: str = ""
    missing: str = ""

    def _row(self, text: str, bound: float, verdict: Outcome, fails_if: str) -> Row:
        return {
            "check_id": self.check_id,
            "study": self.study,
            "check": _with_reason(text, self.ours, self.missing),
            "bound": bound,
            "ours": self.ours.value,
            "unit": self.unit,
            "lo": self.ours.lo,
            "hi": self.ours.hi,
            "n": self.ours.n,
            "verdict": str(verdict),
            "fails_if": fails_if,
        }


@dataclass(frozen=True, kw_only=True)
class Check(_Own):
    """A bound of our own.

    Attributes
    ----------
    bound, sense
        What `ours` has to be ``above``, ``below``, ``at least`` or ``at most``.
    blind
        Why it cannot fail whatever the data are; empty if it can.
    """

    bound: float
    sense: Sense
    blind: str = ""

    @property
    def verdict(self) -> Outcome:
        """Computed from bound and interval; open if it cannot fail."""
        return Outcome.OPEN if self.blind else outcome(self.bound, self.ours, self.sense)

    def row(self) -> Row:
        """Row of ``checks.csv``, with the bound in words."""
        bound = "none" if math.isnan(self.bound) else f"{self.bound:.4g}"
        text = f"{self.check}: {self.sense} {bound}"
        return self._row(text, self.bound, self.verdict, self.blind or self.fails_if)


@dataclass(frozen=True, kw_only=True)
class Control(_Own):
    """A negative control: a model that must find nothing, and could have found something.

    Attributes
    ----------
    no_skill
        Score of a model that knows nothing.
    guarded
        Effect that it guards, as a score above `no_skill`: that of the real model.
    blind
        Why it cannot fail whatever the data are; empty if it can.
    """

    no_skill: float
    guarded: float
    blind: str = ""

    @property
    def smallest(self) -> float:
        """Smallest score above `no_skill` that its interval would have distinguished from none.

        NaN if the interval has no width: then the answers of the model did not vary.
        """
        width = self.ours.value - self.ours.lo
        return width if width > 0 else NAN

    @property
    def verdict(self) -> Outcome:
        """Holds if the interval is not wholly above no skill, and an effect would have been seen.

        Open if it cannot fail, or if an effect of the size that it guards would be missed.
        """
        if self.ours.lo > self.no_skill:
            return Outcome.FAILS
        able = not self.blind and self.smallest <= self.guarded
        return Outcome.HOLDS if able else Outcome.OPEN

    def row(self) -> Row:
        """Row of ``checks.csv``, with the smallest effect that it would have seen, if it can."""
        text = self.check
        if math.isfinite(self.smallest) and not self.blind:
            text += (
                f": not above {self.no_skill:g}; smallest effect that it would have seen "
                f"{self.smallest:.2g}, effect that it guards {self.guarded:.2g}"
            )
        return self._row(text, self.no_skill, self.verdict, self.blind or self.fails_if)


def _with_reason(text: str, ours: Estimate, missing: str, blind: str = "") -> str:
    if math.isnan(ours.value):
        return f"{text}; not computed: {missing or _NO_NUMBER}"
    known = math.isfinite(ours.lo) or math.isfinite(ours.hi)
    if not known:
        text = f"{text}; its interval is not known"
    return f"{text}; cannot be decided here: {blind}" if blind else text
