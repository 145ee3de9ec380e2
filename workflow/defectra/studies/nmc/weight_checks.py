"""Checks of the stability of the weights over energy (``docs/nmc.md``, Interpretation)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from defectra.core.claims import NAN, NOTHING, Check, Estimate, Rows
from defectra.studies.nmc.block_scores import CLAIMED

STABLE = 0.7  # mean cosine
_check = partial(Check, study="nmc", bound=STABLE, sense="above")


def weight_checks(rows: Rows) -> Iterator[Check]:
    """The statistic that was fixed, and the one that does not flatter.

    Parameters
    ----------
    rows
        Rows of ``blocks/weights.csv``.
    """
    for pair in CLAIMED:
        own = halves(rows, pair.target)
        folds = [r for r in rows if r["target"] == pair.target]
        cosine, count = (float(folds[0][k]) for k in ("cosine", "n_folds")) if folds else (NAN, 0)
        yield _check(
            check_id=f"{pair.target}_weights_of_folds",
            check=f"{pair.target}: mean cosine between the weights over energy of two folds, all "
            "edges together, as fixed (by its value; folds share most blocks, and jitters)",
            ours=Estimate.exact(cosine, round(count)),
            fails_if="the model looks elsewhere when some blocks are left out",
            missing="fewer than two folds of blocks",
        )
        edge = min(own, key=lambda e: own[e].value, default="no edge")
        yield _check(
            check_id=f"{pair.target}_weights_of_halves",
            check=f"{pair.target}: mean cosine between the weights of two disjoint halves of the "
            f"blocks with other jitters, the least of all edges ({edge}; ends: 90 % of the ways to "
            "cut them; added with 25 blocks)",
            ours=own.get(edge, NOTHING),
            fails_if="what the model looks at depends on the blocks that it has seen",
            missing="fewer than eight families of blocks",
        )


def halves(rows: Rows, target: str) -> dict[str, Estimate]:
    """Cosine between halves by edge, with the ends of 90 % of the ways to cut them."""
    known = [r for r in rows if r["target"] == target and r["halves"] != ""]
    own = {str(r["edge"]): r for r in known if math.isfinite(float(r["halves"]))}
    return {
        edge: Estimate(
            float(r["halves"]), float(r["halves_lo"]), float(r["halves_hi"]), int(r["n_blocks"])
        )
        for edge, r in own.items()
    }
