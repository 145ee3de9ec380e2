"""Scorecard and checks of study `dynamics`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from defectra.core import claims
from defectra.core.claims import Check, Control, Estimate, Row, Rows, estimate
from defectra.studies.dynamics import learn_names as names
from defectra.studies.dynamics.rows import Metric
from defectra.studies.dynamics.settings import DynamicsStudy

Claim = partial(claims.Claim, study="dynamics")
_check = partial(Check, study="dynamics")
_PAPER = "arXiv:2311.14196"
_STORED = "github.com/ninarina12/dynamiCXS f7811d7, swarm.ipynb: stored parameter"
ORDER = 0.05  # largest difference of the order parameter, of 1
AUTHORS_REACH = 0.832  # length; the true one is 0.75


class Look(Protocol):
    """Gives a score at the fidelity that is judged."""

    def __call__(self, target: str, model: str, metric: Metric, **more: str) -> Estimate:
        """Score of a model; `more` names further columns."""


def scorecard(metrics: Rows, study: DynamicsStudy) -> list[Row]:
    """Rows of the scorecard: what the paper says or its authors stored.

    Parameters
    ----------
    metrics
        Rows of ``metrics.csv``; may be empty.
    """
    found = _at(metrics, study)
    reach = found("swarm", names.CUT, Metric.INSIDE)
    stored = Claim(
        claim_id="swarm_cut_off_inside",
        claim="swarm: cut-off that is learned inside the network, beside the authors' stored one "
        f"(the true one is {study.swarm.reach:g}; {_scaled(study)})",
        published=AUTHORS_REACH,
        ours=reach,
        tolerance=0.05,
        unit="length",
        source=_STORED,
        test="equal",
    )
    return [c.row() for c in (stored, *_predicted(metrics, study))]


def _scaled(study: DynamicsStudy) -> str:
    k, s = study.kuramoto, study.swarm
    return (
        f"trajectories: {k.trajectories} on {k.number} × {k.number} of 100 on 80 × 80, "
        f"{s.trajectories} of {s.number} particles of 50 of 500 at the same density"
    )


def _at(metrics: Rows, study: DynamicsStudy) -> Look:
    """Look-up of scores at the fidelity that is judged."""

    def found(target: str, model: str, metric: Metric, **more: str) -> Estimate:
        wanted = {"target": target, "model": model, "metric": str(metric)}
        return estimate(metrics, fidelity=study.main, **wanted, **more)

    return found


def _predicted(metrics: Rows, study: DynamicsStudy) -> Iterator[claims.Claim]:
    """The paper says that learned laws predict patterns; the baseline is that nothing moves."""
    found, last = _at(metrics, study), f"t = {study.kuramoto.later[-1]:g}"
    baselines = {
        "kuramoto": (names.KERNEL, names.LAST_STAYS, last),
        "swarm": (names.PULL, names.FIRST_STAYS, "last pattern"),
    }
    for target, (model, still, subset) in baselines.items():
        base = found(target, still, Metric.PATTERN, subset=subset)
        yield Claim(
            claim_id=f"{target}_predicted",
            claim=f"{target}: difference of the pattern that the learned law predicts for a "
            f"trajectory that it was not learned from ({subset}), below that without motion "
            f"({base.shown})",
            than=base.value,
            ours=found(target, model, Metric.PATTERN, subset=subset),
            source=f"{_PAPER}, in words",
            test="below",
        )


def checks(metrics: Rows, study: DynamicsStudy) -> list[Row]:
    """Rows of ``checks.csv``; `metrics` may be empty."""
    found = _at(metrics, study)
    own = [*_kuramoto(found, study), *_cut_off(found, study), *_planes(found, study)]
    rows = [c.row() for c in [*own, *_ambiguities(found)]]
    return [*rows, _control(found).row()]


def _kuramoto(found: Look, study: DynamicsStudy) -> Iterator[Check]:
    make = partial(_check, fails_if="the kernel is not that of the law behind the patterns")
    target, kernel = "kuramoto", names.KERNEL
    yield make(
        check_id="kernel_r",
        check="Kuramoto: Pearson r of the learned kernel with the true one",
        bound=0.995,
        sense="at least",
        ours=found(target, kernel, Metric.R),
    )
    yield make(
        check_id="kernel_amplitude",
        check="Kuramoto: relative error of the amplitude of the learned kernel",
        bound=0.1,
        sense="at most",
        ours=found(target, kernel, Metric.AMPLITUDE).distance(0.0),
    )
    yield from _extrapolated(found, study, make)


def _extrapolated(found: Look, study: DynamicsStudy, make: partial[Check]) -> Iterator[Check]:
    """What the learned kernel says of times that it has not seen, beside a state that stays."""
    target, kernel = "kuramoto", names.KERNEL
    later = study.kuramoto.later
    span, last = f"t = {later[0]:g} to {later[-1]:g}, largest", f"t = {later[-1]:g}"
    still = found(target, names.LAST_STAYS, Metric.ORDER, subset=span)
    yield make(
        check_id="order_extrapolated",
        check=f"Kuramoto: difference of the order parameter, {span} (of a state that stays as it "
        f"was: {still.shown})",
        bound=ORDER,
        sense="at most",
        ours=found(target, kernel, Metric.ORDER, subset=span),
        blind="cannot fail here: a state that stays as it was is within the bound as well"
        if still.value <= ORDER
        else "",
    )
    for metric, word in ((Metric.LOCAL, "local order"), (Metric.FIELD, "field of angles")):
        subset = span if metric == Metric.LOCAL else last
        base = found(target, names.LAST_STAYS, metric, subset=subset)
        yield make(
            check_id=f"extrapolated_{metric}",
            check=f"Kuramoto: difference of the {word}, {subset}, below that of a state that stays",
            bound=base.value,
            sense="below",
            ours=found(target, kernel, metric, subset=subset),
        )


def _cut_off(found: Look, study: DynamicsStudy) -> Iterator[Check]:
    models = {names.PULL: "network", names.CUT: "read", names.ONE: "one_parameter"}
    for model, name in models.items():
        value = found("swarm", model, Metric.CUT_OFF)
        yield _check(
            check_id=f"cut_off_{name}",
            check=f"swarm, {model}: cut-off{'' if model == names.ONE else ' read from the force'} "
            f"({value.shown}), distance from the true {study.swarm.reach:g}",
            bound=0.03,
            sense="at most",
            ours=value.distance(study.swarm.reach),
            unit="length",
            fails_if="the learned law is not that of the pairs, or its cut-off is read wrongly",
        )


def _planes(found: Look, study: DynamicsStudy) -> Iterator[Check]:
    words = {"source": "fluctuating source (Lotka-Volterra)", "scan": "path of the probe (a scan)"}
    for name, word in words.items():
        subset = f"{getattr(study, name).periods} periods"
        for metric, what in ((Metric.PERIOD, "period"), (Metric.EXTENT, "amplitude")):
            yield _check(
                check_id=f"{name}_{what}",
                check=f"{word}: relative error of the {what} over {subset}, from the start of a "
                f"simulated trajectory that was not learned from",
                bound=0.1,
                sense="at most",
                ours=found(name, names.SHOOTING, metric, subset=subset).distance(0.0),
                fails_if="the learned law winds in or out, or turns too slowly or fast",
            )


def _ambiguities(found: Look) -> Iterator[Check]:
    slope = found("source", names.TWIN, Metric.SLOPE)
    yield _check(
        check_id="twin_image",
        check=f"source: from the twin image of the sample the displacements come out with slope "
        f"{slope.shown}; distance from -1",
        bound=0.02,
        sense="at most",
        ours=slope.distance(-1.0),
        fails_if="patterns tell a sample from its twin image, which they cannot: I(q) = I(-q)",
    )
    spread = found("source", names.PLANE, Metric.SPREAD)
    yield _check(
        check_id="plane_wave",
        check="source: change of a pattern over displacements under a plane wave, relative",
        bound=1e-6,
        sense="at most",
        ours=Estimate.exact(spread.value, spread.n),
        fails_if="a plane wave says where the sample is, which it cannot: only the probe does",
    )


def _control(found: Look) -> Control:
    real = found("kuramoto", names.KERNEL, Metric.R).value
    return Control(
        study="dynamics",
        check_id="other_patterns",
        check="Kuramoto: r of kernels learned from patterns that belong to another start",
        ours=found("kuramoto", names.OTHER, Metric.R),
        no_skill=0.0,
        guarded=real,
        fails_if="the kernel comes from the known start, not from the patterns",
    )
