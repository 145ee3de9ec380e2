"""Scorecard of study `nmc`: what the papers claim beside what this run found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core import claims
from defectra.core.claims import Row, Rows, estimate
from defectra.core.records import Metric, Split
from defectra.studies.nmc.evaluate import GAIN
from defectra.studies.nmc.lithium import NI_MEAN, TOTAL

Claim = partial(claims.Claim, study="nmc")
DEFECTS = ("vacancy", "antisite")
_XANES, _NMC = "arXiv:2310.07049", "arXiv:2501.08919"


def scorecard(metrics: Rows, lithium: Rows) -> list[Row]:
    """Rows of the scorecard.

    Parameters
    ----------
    metrics, lithium
        Rows of ``metrics.csv`` and ``lithium.csv``; each may be empty.
    """
    return [c.row() for c in (*_lithium(lithium), *_defects(metrics))]


def reason(rows: Rows, quantity: str, part: str) -> str:
    """Why ``lithium.csv`` has no value of a quantity."""
    found = (str(r["reason"]) for r in rows if (r["quantity"], r["part"]) == (quantity, part))
    return next(found, "")


def _lithium(rows: Rows) -> Iterator[claims.Claim]:
    yield Claim(
        claim_id="ni_k_shift",
        claim="Ni K main peak moves up, lithium 1.0 to 0.2",
        published=2.7,
        ours=estimate(rows, "n_orderings", quantity=NI_MEAN, part=TOTAL),
        tolerance=0.7,
        unit="eV",
        source=_XANES,
        test="equal",
        missing=reason(rows, NI_MEAN, TOTAL),
    )


def _defects(rows: Rows) -> Iterator[claims.Claim]:
    for target in DEFECTS:
        yield Claim(
            claim_id=f"{target}_gain",
            claim=f"{target}: all edges tell more than the best single edge (AUROC, gain above 0)",
            than=0.0,
            ours=estimate(
                rows,
                target=target,
                features=f"cdf: {GAIN}",
                split=Split.GROUPED,
                metric=Metric.AUROC,
                model="xgboost",
            ),
            source=f"{_NMC}, in words",
            test="above",
        )
