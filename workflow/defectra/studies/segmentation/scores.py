"""Scorecard and checks of study `segmentation`; no direction of EA against ER is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from defectra.core import claims
from defectra.core.claims import NOTHING, Check, Estimate, Row
from defectra.studies.segmentation.ensembles import BASE, DOUBTS, EA, ER
from defectra.studies.segmentation.evaluate import HIGHER
from defectra.studies.segmentation.saved_scores import COVERAGE, DOUBTFUL, FOUND, WIDTH
from defectra.studies.segmentation.settings import POOR, USUAL, SegmentationStudy

Claim = partial(claims.Claim, study="segmentation")
_check = partial(Check, study="segmentation")
PAPER = "arXiv:2209.01908"
Rows = Sequence[Mapping[str, Any]]
SAID = {"accuracy": "more accurate", "ece": "better calibrated (expected calibration error)"}
LOW, HIGH = 0.85, 0.95  # coverage of a band of 90 %
AT_COST = "at equal cost of the members kept, the search for the best architecture not counted"
_BY_DOSE = (
    "true by construction: the expected error never falls where electrons are fewer, and poor "
    "frames are those of the lowest dose"
)


def _metric(metrics: Rows, condition: str, model: str, metric: str) -> Estimate:
    for r in metrics:
        if (r["condition"], r["model"], r["metric"]) == (condition, model, metric):
            return Estimate(r["value"], r["lo"], r["hi"], int(r["n_movies"]))
    return NOTHING


def _alone(quality: Rows) -> str:
    return _quality(quality, EA, "few electrons", "auroc of poor frames").shown


def _quality(quality: Rows, model: str, score: str, quantity: str) -> Estimate:
    for r in quality:
        if (r["model"], r["score"], r["quantity"]) == (model, score, quantity):
            return Estimate(r["value"], r["lo"], r["hi"], int(r["n_movies"]))
    return NOTHING


def scorecard(metrics: Rows, quality: Rows, settings: SegmentationStudy) -> list[Row]:
    """Rows of the scorecard."""
    own = [*_ensembles(metrics, settings), *_poor(quality)]
    return [c.row() for c in own]


def _ensembles(metrics: Rows, settings: SegmentationStudy) -> Iterator[claims.Claim]:
    for condition in settings.tested():
        for metric, words in SAID.items():
            for label in ER:
                yield Claim(
                    claim_id=_named("segmentation", metric, condition, label),
                    claim=f"{condition}: an ensemble of architectures is {words} than one of "
                    f"re-initialised copies ({label}), {AT_COST}; difference EA − ER",
                    than=0.0,
                    test="above" if metric in HIGHER else "below",
                    ours=_metric(metrics, condition, f"{EA} - {label}", metric),
                    source=PAPER,
                )


def _poor(quality: Rows) -> Iterator[claims.Claim]:
    yield Claim(
        claim_id="segmentation_poor_frames",
        claim="uncertainty of the ensemble of architectures finds frames of low quality; area "
        "under the curve of receiver operating characteristics above that of chance",
        than=0.5,
        test="above",
        ours=_quality(quality, EA, "entropy", "auroc of poor frames"),
        source=PAPER,
    )


def _named(*parts: str) -> str:
    return "_".join(parts).replace(", ", "_").replace(" ", "_").lower()


def checks(metrics: Rows, quality: Rows, costs: Rows, model: Rows) -> list[Row]:
    """Rows of ``checks.csv``."""
    own = [*_cost(costs), *_baseline(metrics), *_bands(quality), *_saved(model)]
    return [c.row() for c in own]


def _of_model(model: Rows, condition: str, quantity: str) -> Estimate:
    for r in model:
        if (r["condition"], r["quantity"]) == (condition, quantity):
            return Estimate(r["value"], r["lo"], r["hi"], int(r["n_movies"]))
    return NOTHING


def _saved(model: Rows) -> Iterator[Check]:
    """Of the saved ensemble: its band at each condition, frames that it doubts."""
    for condition in dict.fromkeys(r["condition"] for r in model):
        if condition == POOR:
            continue
        found = _of_model(model, condition, COVERAGE)
        width = _of_model(model, condition, WIDTH)
        yield _check(
            check_id=_named("segmentation_saved_band", condition),
            check=f"{condition}: share of the answered frames whose true ice fraction lies in the "
            f"band of the saved ensemble (mean width {width.shown})",
            bound=LOW,
            sense="at least",
            ours=found,
            fails_if="neither power spectrum nor members show that an answer is poor",
        )
        if condition != USUAL:
            yield _check(
                check_id=_named("segmentation_saved_found", condition),
                check=f"{condition}: frames distinguished from {USUAL} ones by how far the truth "
                "may be from the mean probability "
                f"({_of_model(model, condition, DOUBTFUL).shown} of them called doubtful): area "
                "under the curve of receiver operating characteristics",
                bound=0.9,
                sense="at least",
                ours=_of_model(model, condition, FOUND),
                fails_if="such frames look as usual ones do, or are answered as well",
            )
    yield _check(
        check_id="segmentation_saved_false_alarms",
        check=f"{USUAL}: share of the frames that the saved ensemble calls doubtful",
        bound=0.05,
        sense="at most",
        ours=_of_model(model, USUAL, DOUBTFUL),
        fails_if="usual frames other than those of the calibration are doubted more often",
    )


def _cost(costs: Rows) -> Iterator[Check]:
    """What an ensemble costs: of the members that are kept, and with the search before them."""
    for label in ER:
        kept = {k: _trained(costs, k) for k in (EA, label)}
        whole = kept[EA] | kept[label]  # the search trains one of each architecture, as EA does
        used = [_sum(kept[k], "cpu_s") for k in (EA, label)]
        own, copies, searched = (_sum(k, "nominal_s") for k in (kept[EA], kept[label], whole))
        yield _check(
            check_id=_named("segmentation_cost", label),
            check=f"training cost of {EA} over that of {label}, members that are kept alone, "
            f"declared seconds of a step (CPU time of this run: {_over(*used):.2f})"
            ", distance from 1",
            bound=0.1,
            sense="at most",
            ours=Estimate.exact(_over(own, copies), 1).distance(1.0),
            fails_if="members of one ensemble are trained for longer",
            blind="true by construction: the epochs of a member follow from the declared seconds",
        )
        share = _over(own, searched)
        seeds = max(1, len({r["seed"] for r in costs}))
        yield _check(
            check_id=_named("segmentation_cost_search", label),
            check=f"training cost of {EA} over that of {label} with the search for its "
            f"architecture ({len(kept[EA]) // seeds} trainings a seed over {len(whole) // seeds}: "
            f"{own:.0f} over {searched:.0f} declared s, ratio {share:.2f}), distance "
            "from 1",
            bound=0.1,
            sense="at most",
            ours=Estimate.exact(share, 1).distance(1.0),
            fails_if="an ensemble of copies needs trainings that are thrown away to be found",
        )


_Trainings = dict[tuple[Any, Any], Mapping[str, Any]]


def _trained(costs: Rows, ensemble: str) -> _Trainings:
    """Trainings of an ensemble, by seed and member."""
    return {(r["seed"], r["member"]): r for r in costs if r["ensemble"] == ensemble}


def _sum(trainings: _Trainings, column: str) -> float:
    return sum(float(r[column]) for r in trainings.values())


def _over(a: float, b: float) -> float:
    return a / b if b else float("nan")


def _baseline(metrics: Rows) -> Iterator[Check]:
    for label in (EA, *ER):
        base = _metric(metrics, USUAL, BASE, "accuracy")
        yield _check(
            check_id=_named("segmentation_baseline", label),
            check=f"{USUAL}: accuracy of {label} less that of logistic regression on filtered "
            f"frames ({base.shown})",
            bound=0.0,
            sense="above",
            ours=_metric(metrics, USUAL, f"{label} - {BASE}", "accuracy"),
            fails_if="networks learn no more in this time than filters that need no training",
        )


def _bands(quality: Rows) -> Iterator[Check]:
    for label in (EA, *ER):
        found = _quality(quality, label, USUAL, "coverage")
        middle = (LOW + HIGH) / 2
        yield _check(
            check_id=_named("segmentation_band", label),
            check=f"{USUAL}: share of frames whose true ice fraction lies in the band of {label} "
            f"({found.shown}), distance from {middle:g}",
            bound=(HIGH - LOW) / 2,
            sense="at most",
            ours=found.distance(middle),
            fails_if="the spread of the members does not follow their error from frame to frame",
        )
        for name, words in DOUBTS.items():
            if name == "few electrons":
                continue
            yield _check(
                check_id=_named("segmentation_poor", label, name),
                check=f"poor frames found by {label}, {words}: area under the curve of receiver "
                f"operating characteristics ({_alone(quality)} by the electrons alone)",
                bound=0.9,
                sense="at least",
                ours=_quality(quality, label, name, "auroc of poor frames"),
                fails_if="members are as sure of what cannot be seen as of what can",
                blind=_BY_DOSE if name == "expected error" else "",
            )
