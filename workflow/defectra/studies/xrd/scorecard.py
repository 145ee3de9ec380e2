"""Scorecard of study `xrd`: what the paper says beside what this run found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from defectra.core import claims
from defectra.core.claims import NOTHING, Estimate, Row, Rows, estimate
from defectra.core.records import Metric
from defectra.studies.xrd.evaluate import OVER_MEAN, PAIRS
from defectra.studies.xrd.interpolation import LINE, MIXTURE, NEAREST
from defectra.studies.xrd.learning import LIKE, MEAN, UNDISTURBED
from defectra.studies.xrd.relevance import STRONG

Claim = partial(claims.Claim, study="xrd", source="doi 10.1002/adts.202200613")


def scorecard(metrics: Rows, reflections: Rows, interpolation: Rows) -> list[Row]:
    """Rows of the scorecard; the paper prints no numbers, so that every claim is in words.

    Parameters
    ----------
    metrics, reflections, interpolation
        Rows of ``metrics.csv``, ``relevance.csv`` and ``interpolation.csv``; each may be empty.
    """
    own = [*_distance(metrics), *_relevance(reflections), *_line(interpolation)]
    return [c.row() for c in own]


def error(metrics: Rows, content: str, name: str, model: str) -> Estimate:
    """Root-mean-square error, or difference of two, of a content."""
    kind = Metric.RMSE_DIFFERENCE if model in PAIRS else Metric.RMSE
    wanted = {"target": f"{content} content", "subset": name, "model": model, "metric": str(kind)}
    return estimate(metrics, **wanted)


def _distance(metrics: Rows) -> Iterator[claims.Claim]:
    for content in ("titanium", "zirconium"):
        for name in (UNDISTURBED, LIKE):
            than = error(metrics, content, name, MEAN)
            yield Claim(
                claim_id=f"plane_{content}_{name.replace(' ', '_')}",
                claim=f"points of similar {content} content lie together: content read off the "
                f"plane, left out in training, {name}; error less that of the mean "
                f"({than.shown}), below 0",
                than=0.0,
                ours=error(metrics, content, name, OVER_MEAN),
                unit="atoms per formula unit",
                test="below",
            )


def lowest_strong(reflections: Rows) -> tuple[Row | None, Row | None]:
    """Strong reflection of least relevance, and the most relevant one of all."""
    rows = [dict(r) for r in reflections]
    strong = [r for r in rows if float(r["intensity"]) >= STRONG]
    if len(strong) < 2:
        return None, None
    return min(strong, key=_relevance_of), max(rows, key=_relevance_of)


def _relevance_of(row: Row) -> float:
    return float(row["relevance"])


def _relevance(reflections: Rows) -> Iterator[claims.Claim]:
    least, most = lowest_strong(reflections)
    ours, than, detail = NOTHING, float("nan"), ""
    if least is not None and most is not None:
        ours = Estimate.exact(float(least["relevance"]), len(reflections))
        than = float(most["relevance"]) / 2
        detail = (
            f" ({least['hkl']}, {100 * float(least['intensity']):.0f} % of the strongest; the most "
            f"relevant is {most['hkl']}, {100 * float(most['intensity']):.0f} %)"
        )
    yield Claim(
        claim_id="strong_irrelevant",
        claim=f"one strong reflection has low relevance{detail}: less than half of the largest, "
        "a threshold that was set after a look at the relevances",
        than=than,
        ours=ours,
        unit="spreads of the plane",
        test="below",
    )


def _line(interpolation: Rows) -> Iterator[claims.Claim]:
    for other in (NEAREST, MIXTURE):
        ours, than = (mean_error(interpolation, m) for m in (LINE, other))
        yield Claim(
            claim_id=f"interpolation_{other.split()[0]}",
            claim=f"patterns along the line of the plane replace simulations: mean error "
            f"({ours.shown}) less that of the {other} ({than.shown}), below 0; one training, over "
            "gaps between known titanium contents",
            than=0.0,
            ours=error_difference(interpolation, LINE, other),
            test="below",
        )


def error_difference(rows: Rows, method: str, other: str) -> Estimate:
    """Mean error of a method less that of another, with Student's interval over the gaps.

    Patterns of one gap lie between the same two known contents, of neighbouring contents of
    zirconium: they are no independent tries. That another training would give another plane is not
    contained.
    """
    errors: dict[str, dict[tuple[float, float, float], float]] = {method: {}, other: {}}
    for row in rows:
        if row["method"] in errors:
            at = float(row["gap"]), float(row["x"]), float(row["y"])
            errors[row["method"]][at] = float(row["rmse"])
    return _over_gaps((at[0], e - errors[other][at]) for at, e in errors[method].items())


def mean_error(rows: Rows, method: str) -> Estimate:
    """Mean error of a method, with Student's interval over the gaps."""
    return _over_gaps((float(r["gap"]), float(r["rmse"])) for r in rows if r["method"] == method)


def _over_gaps(values: Iterable[tuple[float, float]]) -> Estimate:
    gaps: dict[float, list[float]] = {}
    for gap, value in values:
        gaps.setdefault(gap, []).append(value)
    return Estimate.mean(sum(own) / len(own) for own in gaps.values())
