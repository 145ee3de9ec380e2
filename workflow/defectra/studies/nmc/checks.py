"""Checks of study `nmc`: bounds of our own and negative controls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.campaign.drift_check import largest_difference
from defectra.core.claims import Check, Control, Estimate, Row, Rows, estimate
from defectra.core.records import Metric, Split
from defectra.studies.nmc.evaluate import ALL, OVER_CONTENTS
from defectra.studies.nmc.lithium import FIXED, NI_MEAN, O_PRE_EDGE, RELAXATION, TOTAL
from defectra.studies.nmc.negative_controls import METADATA, SHUFFLED
from defectra.studies.nmc.scorecard import DEFECTS, reason

_check = partial(Check, study="nmc")
_control = partial(Control, study="nmc")
CONTENTS = ("x_Li", "x_Ni", "x_Mn", "x_Co")
LARGEST_DRIFT = 1e-3
CHANCE = 0.5  # AUROC of a guess


def checks(metrics: Rows, lithium: Rows, drift: Rows, blind: str = "") -> list[Row]:
    """Rows of ``checks.csv``.

    Parameters
    ----------
    metrics, lithium, drift
        Rows of ``metrics.csv``, ``lithium.csv`` and the drift table; each may be empty.
    blind
        Why the metadata cannot tell anything
        (:func:`defectra.studies.nmc.negative_controls.why_blind`); empty if they can.
    """
    own: list[Check | Control] = [*_lithium(lithium), *_contents(metrics), *_defects(metrics)]
    own += [*_controls(metrics, blind), _drift(drift)]
    return [c.row() for c in own]


def _lithium(rows: Rows) -> Iterator[Check]:
    for part in (FIXED, RELAXATION):
        yield _check(
            check_id=f"ni_k_shift_{part.split()[0]}",
            check=f"Ni K main peak, lithium 1.0 to 0.2: part of {part} moves it up",
            bound=0.0,
            sense="above",
            ours=estimate(rows, "n_orderings", quantity=NI_MEAN, part=part),
            unit="eV",
            fails_if=f"the part of {part} does not move the peak, or moves it down",
            missing=reason(rows, NI_MEAN, part),
        )
    yield _check(
        check_id="o_k_pre_edge",
        check="O K pre-edge grows as lithium leaves (ratio of areas)",
        bound=1.0,
        sense="above",
        ours=estimate(rows, "n_orderings", quantity=O_PRE_EDGE, part=TOTAL),
        fails_if="the pre-edge keeps its area or loses some",
        missing=reason(rows, O_PRE_EDGE, TOTAL),
    )


def _model(rows: Rows, target: str, metric: Metric, features: str = ALL) -> Estimate:
    wanted = {"target": target, "metric": metric, "features": f"cdf: {features}"}
    return estimate(rows, split=Split.GROUPED, model="xgboost", **wanted)


def _contents(rows: Rows) -> Iterator[Check]:
    for target in CONTENTS:
        yield _check(
            check_id=f"{target}_skill",
            check=f"{target} from all edges beats the mean of the training rows (skill)",
            bound=0.0,
            sense="above",
            ours=_model(rows, target, Metric.SKILL),
            fails_if="the spectra tell no more of it than the mean of the training rows",
        )


def _defects(rows: Rows) -> Iterator[Check]:
    for target in DEFECTS:
        yield _check(
            check_id=f"{target}_auroc",
            check=f"{target} from all edges is better than chance (AUROC)",
            bound=CHANCE,
            sense="above",
            ours=_model(rows, target, Metric.AUROC),
            fails_if="spectra with the defect rank no higher than those without",
        )
        yield _check(
            check_id=f"{target}_over_contents",
            check=f"{target}: all edges tell more than the true lithium and metal contents (AUROC)",
            bound=0.0,
            sense="above",
            ours=_model(rows, target, Metric.AUROC, OVER_CONTENTS),
            fails_if="the contents alone, which spectra tell, rank the defect as well",
        )


def _controls(rows: Rows, blind: str) -> Iterator[Control]:
    for target in DEFECTS:
        for features, what, why in (
            (METADATA, "counts of computed, unconverged and failed sites alone", blind),
            (SHUFFLED, "spectra with the labels of other groups", ""),
        ):
            yield _control(
                check_id=f"negative_control_{features}_{target}",
                check=f"negative control: {target} from {what} is not found (AUROC)",
                no_skill=CHANCE,
                ours=estimate(rows, target=target, features=features, metric=Metric.AUROC),
                guarded=_model(rows, target, Metric.AUROC).value - CHANCE,
                fails_if="the defect ranks above chance: something other than spectra tells it",
                blind=why,
            )
    yield _control(
        check_id="negative_control_shuffled_x_Li",
        check="negative control: lithium from spectra with the labels of other groups (skill)",
        no_skill=0.0,
        ours=estimate(rows, target="x_Li", features=SHUFFLED, metric=Metric.SKILL),
        guarded=_model(rows, "x_Li", Metric.SKILL).value,
        fails_if="labels of other groups are predicted better than by the mean: groups leak",
    )


def _drift(rows: Rows) -> Check:
    ours, reasons = largest_difference(rows, "relative_rms")
    return _check(
        check_id="drift",
        check="archived spectra computed again on this machine, largest relative RMS difference",
        bound=LARGEST_DRIFT,
        sense="at most",
        ours=ours,
        fails_if="engine or machine gives another spectrum than the archive for the same input",
        missing=reasons or "not every chosen calculation could be compared",
    )
