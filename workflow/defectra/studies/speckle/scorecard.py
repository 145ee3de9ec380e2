"""Scorecard of study `speckle`: what the authors print beside what this run found."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from defectra.core import claims
from defectra.core.claims import NOTHING, Estimate, Row, Rows, estimate
from defectra.engines.speckle.engine import ANALYTIC
from defectra.learn.scores import NORMAL_90
from defectra.studies.speckle.evaluate import LESS, Right
from defectra.studies.speckle.models import HIDDEN
from defectra.studies.speckle.samples import EQUAL, KINDS, TEST, set_name

Claim = partial(claims.Claim, study="speckle")
_PAPER = "arXiv:2211.08194"
_FILES = "uw-cmg/ML4XraySpecklePattern, Y_avg_firstMoment_raw.csv"
TOLERANCE = 0.45  # pixels; the mean of ten patterns has a standard error of 0.1 to 0.3
_NO_FILES = "no mirror of the published data is known"


def scorecard(moments: Rows, metrics: Rows) -> list[Row]:
    """Rows of the scorecard.

    Parameters
    ----------
    moments, metrics
        Rows of ``moments.csv`` and ``metrics.csv``; each may be empty.
    """
    return [c.row() for c in (*_moments(moments), *_accurate(metrics))]


def held_out(
    metrics: Rows, kind: str, model: str, metric: Right, subset: str = "", centre: str = HIDDEN
) -> Estimate:
    """Score of a model that saw all training patterns; that of no training is taken too."""
    wanted = {"model": model, "metric": str(metric), "features": centre}
    wanted["subset"] = subset or set_name(kind, TEST)
    own = [r for r in metrics if all(r[k] == v for k, v in wanted.items())]
    if not own:
        return NOTHING
    most = max(float(r["n_train"]) for r in own)
    return estimate([r for r in own if float(r["n_train"]) == most])


def _moments(rows: Rows) -> Iterator[claims.Claim]:
    for row in rows:
        if row["form"] != ANALYTIC:
            continue
        value, half = float(row["first_moment"]), NORMAL_90 * float(row["standard_error"])
        published, error = (number_of(row[k]) for k in ("published", "published_standard_error"))
        count = int(float(row["patterns"]))
        yield Claim(
            claim_id=f"first_moment_{int(float(row['number'])):02d}",
            claim=f"{int(float(row['number']))} equal disks: mean first moment of the intensity"
            + (
                ""
                if math.isnan(error)
                else f"; standard error of the authors' ten patterns {error:.2f}"
            ),
            published=published,
            ours=Estimate(value, value - half, value + half, count),
            tolerance=TOLERANCE,
            unit="pixel",
            source=_FILES,
            test="equal",
            missing=_NO_FILES if math.isnan(published) else "",
        )


def number_of(value: object) -> float:
    """Number of a field of a table; NaN of an empty one."""
    return float(str(value)) if value not in ("", None) else math.nan


def over_plain(metrics: Rows, kind: str) -> tuple[Estimate, str]:
    """Share of numbers that the network has right less that of the best method without one.

    Returns
    -------
    The difference, paired on the same patterns, and the name of that method.
    """
    for row in metrics:
        if (row["metric"], row["subset"]) == (str(Right.DIFFERENCE), set_name(kind, TEST)):
            return estimate([row]), str(row["model"]).removeprefix(LESS)
    return NOTHING, "none"


def _accurate(metrics: Rows) -> Iterator[claims.Claim]:
    """The paper calls the classification accurate and prints no number: better than none."""
    for kind in KINDS:
        ours, best = over_plain(metrics, kind)
        yield Claim(
            claim_id=f"accurate_{kind}",
            claim=f"a network gives the number of disks of "
            f"{'one size' if kind == EQUAL else 'several sizes'}, centre hidden, more often than "
            f"the best method without a network ({best}): difference of the shares, same patterns",
            than=0.0,
            ours=ours,
            source=_PAPER,
            test="above",
        )
