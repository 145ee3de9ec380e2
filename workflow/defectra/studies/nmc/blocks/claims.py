"""Estimates that claims and checks about the blocks stand on, as fixed in ``docs/nmc.md``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from defectra.core.claims import NAN, NOTHING, Estimate, Rows, estimate
from defectra.core.records import Metric, Split
from defectra.studies.nmc.blocks.evaluate import KERNEL
from defectra.studies.nmc.blocks.scores import ALL, ALL_ARMS, SHAPE, Pair

ALL_EDGES = SHAPE + ALL
MINUS = f"{ALL_EDGES} minus "
NO_BLOCKS = "fewer than four whole blocks are in the archive (results/nmc/blocks/missing.csv)"


def score(
    rows: Rows,
    pair: Pair,
    features: str = ALL_EDGES,
    metric: Metric = Metric.AUROC,
    model: str = KERNEL,
) -> Estimate:
    """Score of a pair of arms, blocks held out."""
    return estimate(
        rows,
        target=pair.target,
        subset=f"blocks: {pair.name}",
        split=Split.GROUPED,
        features=features,
        metric=metric,
        model=model,
    )


def content(
    rows: Rows, target: str, features: str, metric: Metric = Metric.RMSE, model: str = KERNEL
) -> Estimate:
    """Score of a content, blocks held out."""
    return estimate(
        rows,
        target=target,
        subset=f"blocks: {ALL_ARMS}",
        split=Split.GROUPED,
        features=features,
        metric=metric,
        model=model,
    )


def single_edges(rows: Rows) -> list[str]:
    """Edges that a model saw alone."""
    names = {str(r["features"]).removeprefix(SHAPE) for r in rows
             if str(r["features"]).startswith(SHAPE)}  # fmt: skip
    return sorted(n for n in names if n != ALL and "+" not in n and " minus " not in n)


def smallest(found: Sequence[Estimate]) -> Estimate:
    """Intersection–union: each end is the smallest of all, so that one below fails the whole.

    No maximum is taken inside a resample: every interval is that of one comparison. Where one has
    none, the whole has none.
    """
    if not found or any(math.isnan(e.value) for e in found):
        return NOTHING
    known = not any(math.isnan(e.lo) or math.isnan(e.hi) for e in found)
    return Estimate(
        min(e.value for e in found),
        min(e.lo for e in found) if known else NAN,
        min(e.hi for e in found) if known else NAN,
        min(e.n for e in found),
    )


def largest(found: Sequence[Estimate]) -> Estimate:
    """As :func:`smallest`, for a bound from above."""
    negative = smallest([Estimate(-e.value, -e.hi, -e.lo, e.n) for e in found])
    return Estimate(-negative.value, -negative.hi, -negative.lo, negative.n)


def gain(rows: Rows, pair: Pair) -> Estimate:
    """Smallest gain of all edges over a single one."""
    return smallest([score(rows, pair, MINUS + e) for e in single_edges(rows)])


def best_single(rows: Rows, pair: Pair) -> Estimate:
    """Largest score of a single edge, and the largest of the upper ends."""
    return largest([score(rows, pair, SHAPE + e) for e in single_edges(rows)])


def mcnemar(rows: Rows, pair: Pair) -> Estimate:
    """Largest p of McNemar's tests of all edges against each single one."""
    edges = single_edges(rows)
    found = largest([score(rows, pair, MINUS + e, Metric.MCNEMAR) for e in edges])
    return Estimate.exact(found.value, found.n)


def over(rows: Rows, pair: Pair, control: str, models: Sequence[str]) -> Estimate:
    """Smallest gain of all edges over the models of a control."""
    return smallest([score(rows, pair, f"{MINUS}{control} ({m})") for m in models])


def does_it(rows: Rows, pair: Pair, aim: float, least: float) -> Iterator[str]:
    """Single edges that reach the aim by themselves."""
    for edge in single_edges(rows):
        found = score(rows, pair, SHAPE + edge)
        if found.value >= aim and found.lo >= least:
            yield edge


def level_bound(found: Estimate, aim: float, least: float) -> float:
    """Bound of the lower end: `least` where the value reaches the aim, else the aim itself."""
    if math.isnan(found.value):
        return NAN
    return least if found.value >= aim else aim
