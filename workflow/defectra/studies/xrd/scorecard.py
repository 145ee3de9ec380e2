"""Scorecard of study `xrd`: what the paper says beside what this run found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from defectra.core import claims
from defectra.core.claims import NOTHING, Estimate, Row, Rows, estimate
from defectra.core.records import Metric
from defectra.studies.xrd.evaluate import DIFFERENCE
from defectra.studies.xrd.interpolation import LINE, MIXTURE, NEAREST
from defectra.studies.xrd.learning import AUTOENCODER, LIKE, MEAN, UNDISTURBED
from defectra.studies.xrd.relevance import STRONG

Claim = partial(claims.Claim, study="xrd", source="doi 10.1002/adts.202200613")


def scorecard(metrics: Rows, windows: Rows, interpolation: Rows) -> list[Row]:
    """Rows of the scorecard; the paper prints no numbers, so that every claim is in words.

    Parameters
    ----------
    metrics, windows, interpolation
        Rows of the tables of these names; each may be empty.
    """
    own = [*_distance(metrics), *_relevance(windows), *_line(interpolation)]
    return [c.row() for c in own]


def error(metrics: Rows, content: str, name: str, model: str) -> Estimate:
    """Root-mean-square error, or difference of two, of a content."""
    kind = Metric.RMSE_DIFFERENCE if model == DIFFERENCE else Metric.RMSE
    wanted = {"target": f"{content} content", "subset": name, "model": model, "metric": str(kind)}
    return estimate(metrics, **wanted)


def _distance(metrics: Rows) -> Iterator[claims.Claim]:
    for content in ("titanium", "zirconium"):
        for name in (UNDISTURBED, LIKE):
            than = error(metrics, content, name, MEAN)
            yield Claim(
                claim_id=f"plane_{content}_{name.replace(' ', '_')}",
                claim=f"points of similar {content} content lie together: content read off the "
                f"plane, left out in training, {name}; error below that of the mean",
                than=than.value,
                ours=error(metrics, content, name, AUTOENCODER),
                unit="atoms per formula unit",
                test="below",
            )


def lowest_strong(windows: Rows) -> tuple[Estimate, float, str]:
    """Least relevance of a strong window, median of the strong ones, and its reflection."""
    strong = [r for r in windows if float(r["intensity"]) >= STRONG]
    if len(strong) < 3:
        return NOTHING, float("nan"), ""
    least = min(strong, key=lambda r: float(r["relevance"]))
    middle = float(np.median([float(r["relevance"]) for r in strong]))
    return Estimate.exact(float(least["relevance"]), len(strong)), middle, str(least["hkl"])


def _relevance(windows: Rows) -> Iterator[claims.Claim]:
    ours, middle, hkl = lowest_strong(windows)
    yield Claim(
        claim_id="strong_irrelevant",
        claim=f"one strong reflection has low relevance ({hkl}): less than half of the median of "
        f"the strong ones",
        than=middle / 2,
        ours=ours,
        test="below",
    )


def _line(interpolation: Rows) -> Iterator[claims.Claim]:
    ours = mean_error(interpolation, LINE)
    for other in (NEAREST, MIXTURE):
        yield Claim(
            claim_id=f"interpolation_{other.split()[0]}",
            claim=f"patterns along the line of the plane replace simulations: mean error below "
            f"that of the {other}",
            than=mean_error(interpolation, other).value,
            ours=ours,
            test="below",
        )


def mean_error(rows: Rows, method: str) -> Estimate:
    """Mean over contents of the error of a method, and its interval."""
    return Estimate.mean(float(r["rmse"]) for r in rows if r["method"] == method)
