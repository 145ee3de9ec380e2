"""Checks of late fusion on blocks that nobody had looked at when they were fixed (``docs/nmc.md``).

AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core.claims import Check, Estimate, Rows, estimate
from defectra.core.records import Metric, Split
from defectra.studies.nmc.aims import AIM, LEAST
from defectra.studies.nmc.blocks.claims import (
    ALL_EDGES,
    MINUS,
    level_bound,
    single_edges,
    smallest,
)
from defectra.studies.nmc.blocks.fresh import EARLY, FEWEST, FIRST, LATE_KERNEL, NAME
from defectra.studies.nmc.blocks.scores import CLAIMED, Pair

NO_FRESH = f"fewer than {FEWEST} whole blocks of number {FIRST} and above are in the archive"
_check = partial(Check, study="nmc")


def fresh(rows: Rows, pair: Pair, features: str = ALL_EDGES, model: str = LATE_KERNEL) -> Estimate:
    """AUROC of a pair of arms, or its gain, on the fresh blocks."""
    return estimate(
        rows,
        target=pair.target,
        subset=f"{NAME}: {pair.name}",
        split=Split.GROUPED,
        features=features,
        metric=Metric.AUROC,
        model=model,
    )


def fresh_checks(rows: Rows) -> Iterator[Check]:
    """The test that was fixed before these blocks were looked at, from ``metrics.csv``."""
    for pair in CLAIMED:
        found = fresh(rows, pair)
        yield _check(
            check_id=f"{pair.target}_late_level",
            check=f"{pair.name}, late fusion of all edges, blocks not looked at before (AUROC; "
            "lower end 0.85 if the value reaches 0.90)",
            bound=level_bound(found, AIM, LEAST),
            sense="at least",
            ours=found,
            fails_if="late fusion was the best of many ways in the earlier blocks by chance",
            missing=NO_FRESH,
        )
        others = [fresh(rows, pair, MINUS + e) for e in single_edges(rows)]
        yield _check(
            check_id=f"{pair.target}_late_gain",
            check=f"{pair.name}, blocks not looked at before: late fusion detects it better than "
            "each single edge (smallest gain, AUROC)",
            bound=0.0,
            sense="above",
            ours=smallest(others),
            fails_if="a single edge detects the defect as well",
            missing=NO_FRESH,
        )
        yield _check(
            check_id=f"{pair.target}_late_over_early",
            check=f"{pair.name}, blocks not looked at before: late fusion less early fusion "
            "(AUROC)",
            bound=0.0,
            sense="above",
            ours=fresh(rows, pair, MINUS + EARLY),
            fails_if="the mean of the kernels of all edges detects the defect as well",
            missing=NO_FRESH,
        )
