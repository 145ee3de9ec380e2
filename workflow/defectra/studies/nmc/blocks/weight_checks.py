"""Checks of the stability of the weights over energy (``docs/nmc.md``, Interpretation)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from defectra.core.claims import NAN, NOTHING, Check, Estimate, Rows
from defectra.studies.nmc.blocks.scores import CLAIMED

STABLE = 0.7  # mean cosine
WAYS = {
    "": "as fixed",
    "steady_": "mean of eight models, each with the largest penalty within one standard error of "
    "the smallest inner error; added with 32 blocks",
}
_check = partial(Check, study="nmc", bound=STABLE, sense="above")


def weight_checks(rows: Rows) -> Iterator[Check]:
    """The statistic that was fixed, and the one that does not flatter.

    Parameters
    ----------
    rows
        Rows of ``blocks/weights.csv``.
    """
    for pair in CLAIMED:
        for way, words in WAYS.items():
            yield from _checks(rows, pair.target, way, words)


def _checks(rows: Rows, target: str, way: str, words: str) -> Iterator[Check]:
    own = halves(rows, target, way)
    folds = [r for r in rows if r["target"] == target]
    cosine, count = (float(folds[0][k]) for k in (f"{way}cosine", "n_folds")) if folds else (NAN, 0)
    yield _check(
        check_id=f"{target}_{way}weights_of_folds",
        check=f"{target}: mean cosine between the weights over energy of two folds, all "
        f"edges together, {words} (by its value; folds share most blocks, and jitters)",
        ours=Estimate.exact(cosine, round(count)),
        fails_if="the model looks elsewhere when some blocks are left out",
        missing="fewer than two folds of blocks",
    )
    edge = min(own, key=lambda e: own[e].value, default="no edge")
    yield _check(
        check_id=f"{target}_{way}weights_of_halves",
        check=f"{target}: mean cosine between the weights of two disjoint halves of the "
        f"blocks with other jitters, the least of all edges ({edge}; ends: 90 % of the ways to "
        f"cut them), {words if way else 'added with 25 blocks'}",
        ours=own.get(edge, NOTHING),
        fails_if="what the model looks at depends on the blocks that it has seen",
        missing="fewer than eight families of blocks",
    )


def halves(rows: Rows, target: str, way: str = "") -> dict[str, Estimate]:
    """Cosine between halves by edge, with the ends of 90 % of the ways to cut them.

    Parameters
    ----------
    way
        Prefix of the columns, a key of :data:`WAYS`.
    """
    names = [f"{way}halves{end}" for end in ("", "_lo", "_hi")]
    out = {}
    for row in (r for r in rows if r["target"] == target):
        value, lo, hi = (_number(row[name]) for name in names)
        if math.isfinite(value):
            out[str(row["edge"])] = Estimate(value, lo, hi, int(row["n_blocks"]))
    return out


def _number(value: Any) -> float:
    return float(value) if value != "" else NAN
