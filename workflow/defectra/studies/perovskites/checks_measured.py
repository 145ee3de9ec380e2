"""Checks of the step from calculated to measured gaps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core.claims import NAN, Check, Estimate, Rows, estimate
from defectra.core.records import Metric
from defectra.studies.perovskites.measured_models import CHOSEN, CONSTANT
from defectra.studies.perovskites.measured_scores import ALL, OVER_CONSTANT, SITES

_check = partial(Check, study="perovskites")
# Largest error of the step, as a share of that of the cheapest correction, a constant shift.
LARGEST_SHARE = 0.5
COVERAGE, COVERAGE_OFF = 0.9, 0.05
# The compound that showed that HSE gaps had been called gaps, and how far off it may be (eV).
KNOWN, KNOWN_OFF = "MAPbI_3", 0.2


def checks_measured(measured: Rows, ladder: Rows) -> Iterator[Check]:
    """Checks from rows of ``measured_metrics.csv`` and ``ladder.csv``; each may be empty."""
    for split in SITES:
        error = _score(measured, CHOSEN, split, Metric.RMSE)
        cheap = _score(measured, CONSTANT, split, Metric.RMSE)
        yield _check(
            check_id=f"measured_{split}".lower(),
            check=f"measured gaps, {split}: RMSE of the step chosen inside ({error.shown} eV), as "
            f"a share of that of published HSE gaps shifted by a constant ({cheap.shown} eV)",
            bound=LARGEST_SHARE,
            sense="at most",
            ours=_score(measured, OVER_CONSTANT, split, Metric.RMSE_RATIO),
            fails_if="spin-orbit coupling and mixing do not halve the error of a shift",
        )
        inside = _score(measured, CHOSEN, split, Metric.COVERAGE_90)
        yield _check(
            check_id=f"measured_coverage_{split}".lower(),
            check=f"measured gaps, {split}: share of left-out compounds inside the 90 % interval "
            f"({inside.shown}), distance from {COVERAGE:g}",
            bound=COVERAGE_OFF,
            sense="at most",
            ours=inside.distance(COVERAGE),
            fails_if="the intervals are too narrow or too wide",
        )
    yield from _known(ladder)


def _score(rows: Rows, features: str, split: str, metric: Metric) -> Estimate:
    wanted = {"features": features, "split": split, "metric": metric}
    return estimate(rows, subset=ALL, model="measured", **wanted)


def _known(ladder: Rows) -> Iterator[Check]:
    rows = [r for r in ladder if r["formula"] == KNOWN]
    off = [float(r["gap_measured_like_eV"]) - float(r["gap_measured_eV"]) for r in rows]
    label = [float(r["label_less_measured_eV"]) for r in rows]
    model = [float(r["model_less_label_eV"]) for r in rows]
    yield _check(
        check_id="measured_mapbi3",
        check=f"{KNOWN}, measured-like from the other compounds, less measured: size (published "
        f"HSE label: {_first(label)} eV off; the model beside the label: {_first(model)} eV)",
        bound=KNOWN_OFF,
        sense="at most",
        ours=Estimate.exact(abs(off[0]) if off else NAN, len(off)),
        unit="eV",
        fails_if="the measured-like gap is as wrong as the HSE gap was",
    )


def _first(values: list[float]) -> str:
    return f"{values[0]:+.2f}" if values else "none"
