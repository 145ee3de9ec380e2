"""How many of several comparisons are left if it counts that they are many.

Each comparison is one-sided at 5 %: half of an interval of 90 %. Holm, Scand. J. Stat. 6, 65
(1979): the smallest probability against 5 % over all, the next against 5 % over the others, and so
on until one is larger; the chance that any of those that are left is chance is below 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from defectra.core.claims import Estimate, Outcome, Sense, outcome
from defectra.learn.scores import NORMAL_90

LEVEL = 0.05
Compared = tuple[Estimate, float, Sense]  # number, what it is compared with, which side is better


@dataclass(frozen=True)
class Together:
    """Comparisons that belong together.

    Attributes
    ----------
    compared
        How many have a number.
    better, worse
        How many have their own interval wholly on the better, and on the worse, side.
    better_kept, worse_kept
        How many are left of each after Holm's correction over all.
    """

    compared: int
    better: int
    worse: int
    better_kept: int
    worse_kept: int

    @classmethod
    def of(cls, rows: Sequence[Compared]) -> Together:
        """Counts of comparisons, of which those without an interval are left out."""
        known = [r for r in rows if math.isfinite(r[0].lo) and math.isfinite(r[0].hi)]
        verdicts = [outcome(bound, ours, sense) for ours, bound, sense in known]
        chances = [chance(*r) for r in known]
        return cls(
            len(known),
            verdicts.count(Outcome.HOLDS),
            verdicts.count(Outcome.FAILS),
            holm(chances),
            holm([1 - p for p in chances]),
        )

    @property
    def words(self) -> str:
        """Counts in a sentence."""
        return (
            f"{self.compared} comparisons, of which {LEVEL * self.compared:.1f} would be expected "
            f"on each side by chance if there were no difference; by its own interval {self.better}"
            f" better and {self.worse} worse; after Holm's correction {self.better_kept} better "
            f"and {self.worse_kept} worse"
        )


def chance(ours: Estimate, bound: float, sense: Sense) -> float:
    """One-sided probability of a number as good, if it were the bound: normal, from the interval.

    The standard error is that of the half of the interval that points to the bound.
    """
    sign = 1.0 if sense in ("above", "at least") else -1.0
    apart = sign * (ours.value - bound)
    toward_low = (apart > 0) == (sign > 0)
    half = ours.value - ours.lo if toward_low else ours.hi - ours.value
    if half <= 0:
        return 0.5 if apart == 0 else float(apart < 0)
    return math.erfc(apart / (half / NORMAL_90) / math.sqrt(2)) / 2


def holm(chances: Sequence[float], level: float = LEVEL) -> int:
    """How many hypotheses of no difference are refused together."""
    for k, p in enumerate(sorted(chances)):
        if p > level / (len(chances) - k):
            return k
    return len(chances)
