"""The test of late fusion on blocks that nobody had looked at when it was fixed (``docs/nmc.md``).

Late fusion: mean of the answers of the models of single edges. AUROC: area under the receiver
operating characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from defectra.core.claims import Row
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.models import KERNEL, LATE, Held
from defectra.studies.nmc.blocks.scores import ALL, CLAIMED, SHAPE, Bootstrap, Sheet

FIRST = 25  # number of the first block that had not been looked at
FEWEST = 5  # of them; below, there is no interval and no score
NAME = "fresh blocks"
EARLY = "early fusion"
LATE_KERNEL = KERNEL + LATE


def fresh_scores(arms: Arms, held: Held, resamples: int, seed: int) -> Iterator[Row]:
    """Rows of ``metrics.csv`` on the fresh blocks alone; none if there are too few.

    Parameters
    ----------
    arms, held
        All blocks, and their held-out answers of ``kernel`` for single edges and for all.
    """
    rows = np.flatnonzero(arms.blocks >= FIRST)
    if len(set(arms.blocks[rows])) < FEWEST or len(arms.edges) < 2:
        return
    own, fresh = arms.only(rows), held.only(rows)
    sheet = Sheet(own, fresh, Bootstrap.of(own, resamples, seed), seed, NAME)
    singles = {e: fresh.answers[KERNEL, (e,)].values for e in arms.edges}
    early = fresh.answers[KERNEL, arms.edges].values
    late = fresh.answers[LATE_KERNEL, arms.edges].values
    yield from sheet.defects(late, SHAPE + ALL, LATE_KERNEL, CLAIMED)
    yield from sheet.defects(early, SHAPE + ALL, KERNEL, CLAIMED)
    for edge, values in singles.items():
        yield from sheet.defects(values, SHAPE + edge, KERNEL, CLAIMED)
    yield from sheet.gains(late, singles | {EARLY: early}, SHAPE + ALL, LATE_KERNEL, CLAIMED)
