"""Checks of study `stem4d`; the paper prints no number, so that there is no claim."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core.claims import Check, Control, Estimate, Row, Rows, estimate
from defectra.studies.stem4d.names import (
    COMPONENTS,
    DARK,
    DEALT,
    DEFLECTION,
    INTACT,
    LEARNT,
    LIKELIHOOD,
    NEIGHBOURS,
    PLAIN,
    SINGLE,
    TURNING,
    Metric,
)
from defectra.studies.stem4d.settings import Stem4dStudy

_check = partial(Check, study="stem4d")
BUILT_IN = (
    "cannot fail for a right implementation: the encoder does not see rotations, by construction; "
    "guards against one that is broken"
)
PAIRS = {"graphene": "A and B", "gallium_arsenide": "Ga and As"}


def _at(
    metrics: Rows,
    study: Stem4dStudy,
    target: str,
    model: str,
    metric: Metric,
    protocol: str = "",
    subset: str = "",
) -> Estimate:
    wanted = {"target": target, "model": model, "metric": str(metric)}
    if subset:
        wanted["subset"] = subset
    return estimate(metrics, fidelity=protocol or study.methods[0], **wanted)


def checks(metrics: Rows, study: Stem4dStudy) -> list[Row]:
    """Rows of ``checks.csv``; `metrics` may be empty."""
    found = partial(_at, metrics, study)
    own = [c for sample in PAIRS for c in _of_sample(sample, found)]
    every = [c.row() for c in [*own, *_vacancies(metrics, study)]]
    return every + [c.row() for c in _controls(metrics, study)]


def _of_sample(sample: str, found: partial[Estimate]) -> Iterator[Check]:
    yield from _rotations(sample, found)
    yield from _copies_and_sites(sample, found)
    yield from _dealt_and_needed(sample, found)


def _rotations(sample: str, found: partial[Estimate]) -> Iterator[Check]:
    """The angle, and what places that rotations or mirrors make equivalent have in common."""
    yield _check(
        check_id=f"angle_{sample}",
        check=f"{sample}: the angle follows the direction of the deflection (length of the mean "
        f"of exp i(difference))",
        bound=0.95,
        sense="at least",
        ours=found(sample, TURNING, Metric.ANGLE),
        fails_if="the angle is that of something else in the pattern",
    )
    plain = found(sample, PLAIN, Metric.ORBIT)
    for metric, word in ((Metric.ORBIT, "rotations"), (Metric.ORBIT_MIRROR, "mirrors")):
        built_in = metric == Metric.ORBIT
        more = f" (built in; plain autoencoder: {plain.shown})" if built_in else " and mirrors"
        yield _check(
            check_id=f"{metric}_{sample}",
            check=f"{sample}: share of the variance of the latent variables within places that "
            f"are equivalent by rotations{more}",
            bound=0.05,
            sense="at most",
            ours=found(sample, TURNING, metric),
            fails_if=f"the latent variables set places apart that are equivalent by {word}",
            blind=BUILT_IN if built_in else "",
        )


def _copies_and_sites(sample: str, found: partial[Estimate]) -> Iterator[Check]:
    """Turned copies of one pattern, and the two sites of the cell."""
    yield _check(
        check_id=f"copies_{sample}",
        check=f"{sample}: change of the latent variables of copies turned by 7 to 347 degrees, "
        f"over their spread (by construction for steps of the polar grid)",
        bound=0.02,
        sense="at most",
        ours=found(sample, TURNING, Metric.COPIES),
        fails_if="interpolation between the steps of the polar grid shows in them",
    )
    merged = sample == "graphene"
    yield _check(
        check_id=f"sites_{sample}",
        check=f"{sample}: distance of {PAIRS[sample]} in the latent variables, over their spread"
        f"{' (built in)' if merged else ''}",
        bound=0.05 if merged else 0.2,
        sense="at most" if merged else "at least",
        ours=found(sample, TURNING, Metric.SITES),
        fails_if="sites that are turned images differ" if merged else "other sites look the same",
        blind=BUILT_IN if merged else "",
    )


def _dealt_and_needed(sample: str, found: partial[Estimate]) -> Iterator[Check]:
    """The same measures of what is dealt at random, and of components that know no rotation."""
    yield _check(
        check_id=f"orbit_dealt_{sample}",
        check=f"{sample}: control: the same share within places that are dealt to sets at random",
        bound=0.5,
        sense="at least",
        ours=found(sample, TURNING, Metric.ORBIT_DEALT),
        fails_if="the share is small whatever the sets are: it shows no symmetry",
    )
    yield _check(
        check_id=f"angle_dealt_{sample}",
        check=f"{sample}: control: angles dealt to places at random follow the deflection",
        bound=0.2,
        sense="at most",
        ours=found(sample, TURNING, Metric.ANGLE_DEALT),
        fails_if="the measure is large for angles that know nothing",
    )
    base = found(sample, COMPONENTS, Metric.ORBIT)
    yield _check(
        check_id=f"needed_{sample}",
        check=f"{sample}: the same share of principal components, which know no rotation, is "
        f"larger than 0.05",
        bound=0.05,
        sense="above",
        ours=base,
        fails_if="the symmetry is seen without any invariance: the network is not needed",
    )


def _vacancies(metrics: Rows, study: Stem4dStudy) -> Iterator[Check]:
    for sample in ("mono", "di"):
        for protocol in (study.methods[0], *study.doses):
            for subset in (SINGLE, NEIGHBOURS):
                yield _vacancy(metrics, study, sample, protocol, subset)


def _vacancy(metrics: Rows, study: Stem4dStudy, sample: str, protocol: str, subset: str) -> Check:
    """Detection at one dose, beside what needs no network; see :data:`.names.NEIGHBOURS`."""
    shown = {
        model: _at(metrics, study, sample, model, Metric.AUROC, protocol, subset).shown
        for model in (DEFLECTION, DARK, LEARNT, LIKELIHOOD)
    }
    alone = _at(metrics, study, sample, DEFLECTION, Metric.AUROC, protocol, SINGLE).shown
    beside = f"size of the deflection: {shown[DEFLECTION]}"
    if subset == NEIGHBOURS:
        beside += f", of single patterns {alone}"
    return _check(
        check_id=f"vacancy_{sample}_{protocol}{'_neighbours' if subset == NEIGHBOURS else ''}",
        check=f"{sample}-vacancy at {protocol}, {subset}: area under the curve of the latent "
        f"variables ({beside}; electrons outside the aperture: {shown[DARK]}; nearest patterns of "
        f"the training scans: {shown[LEARNT]}; whoever knows every pattern: {shown[LIKELIHOOD]})",
        bound=0.9,
        sense="at least",
        ours=_at(metrics, study, sample, TURNING, Metric.AUROC, protocol, subset),
        fails_if="the latent variables do not show a missing atom at this dose",
    )


def _controls(metrics: Rows, study: Stem4dStudy) -> Iterator[Control]:
    quiet = study.methods[0]
    texts = {
        DEALT: ("labels of the other vacancy dealt at random", "the judged vacancy leaks"),
        INTACT: ("atoms that are there, judged by the same classifier", "it sees any atom"),
    }
    for sample in ("mono", "di"):
        real = _at(metrics, study, sample, TURNING, Metric.AUROC, quiet, SINGLE)
        for model, (text, fails) in texts.items():
            yield Control(
                study="stem4d",
                check_id=f"{model.split()[0]}_{sample}",
                check=f"{sample}-vacancy without noise: {text}: area under the curve",
                no_skill=0.5,
                guarded=real.value - 0.5,
                ours=_at(metrics, study, sample, model, Metric.AUROC, quiet),
                fails_if=fails,
            )
