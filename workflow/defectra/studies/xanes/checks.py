"""Checks of study `xanes`: bounds of our own on features, delta models and measured spectra."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

from defectra.core.claims import NAN, NOTHING, Check, Estimate, Row, Rows, Sense, estimate
from defectra.core.records import Metric
from defectra.studies.xanes import transfer
from defectra.studies.xanes.compare import DIFFERENCES, FOREST, OVER_MEAN
from defectra.studies.xanes.delta import CORRECTED, DELTA, RAW
from defectra.studies.xanes.measured_nickel import ALIGNED, CENTROID, PEAK, TARGET, UNALIGNED
from defectra.studies.xanes.multiplicity import Together
from defectra.studies.xanes.published import AUTHORS, SHIFT
from defectra.studies.xanes.scorecard import COPPER, better, feature_claims, named, unit

_check = partial(Check, study="xanes")
# The shift of the authors. At others the CDF may beat the intensity and still not the mean.
SHIFTED = f"{SHIFT:g} eV"
# Median Pearson r of FEFF and VASP on the published pairs, from an earlier reading of the files.
RAW_R, RAW_R_OFF = {"Ti": 0.931, "Cu": 0.956}, 0.0005
# Mean state of nickel by charge balance: Mn 4+, Co 3+, O 2-, one lithium per metal.
PRISTINE, PRISTINE_OFF = {"NMC622": 16 / 6, "NMC721": 19 / 7}, 0.2  # e


def checks(published: Rows, metrics: Rows, series: Rows) -> list[Row]:
    """Rows of ``checks.csv``.

    Parameters
    ----------
    published, metrics, series
        Rows of ``published.csv``, ``metrics.csv`` and ``series.csv``; each may be empty.
    """
    own = [*_read_again(published), *_moved(metrics), *_delta(metrics), *_raw(metrics)]
    transferred = [*_other_element(metrics), *_few_sites(metrics)]
    own += [*_together(metrics, transferred), *transferred]
    return [c.row() for c in [*own, *_measured(metrics), *_pristine(series)]]


def _read_again(rows: Rows) -> Iterator[Check]:
    for number, row in enumerate(rows):
        if row["whose"] != AUTHORS:
            before = float(row["published"])
            yield _check(
                check_id=f"published_{number:02d}",
                check=f"{row['check']}: distance from {before:g}, found before in the same files",
                bound=float(row["tolerance"]),
                sense="at most",
                ours=Estimate.exact(float(row["ours"]), 1).distance(before),
                fails_if="the files of the authors are read or evaluated in another way",
            )


def _moved(metrics: Rows) -> Iterator[Check]:
    for target, metric in COPPER.items():
        side, word = better(metric)
        wanted = {"target": target, "metric": DIFFERENCES[metric]}
        yield _check(
            check_id=named("cdf_useful", target),
            check=f"{target}: moved by {SHIFTED} the CDF still beats the mean of the training rows "
            f"({word}, less that of the mean)",
            bound=0.0,
            sense=side,
            ours=estimate(
                metrics, features=OVER_MEAN, model=FOREST, subset=f"shift {SHIFTED}", **wanted
            ),
            unit=unit(metrics, target),
            fails_if=f"an error of {SHIFTED} in the energy axis takes all that the CDF carries",
        )


def _error(metrics: Rows, element: str, model: str, metric: Metric) -> Estimate:
    wanted = {"target": f"{element} VASP spectrum", "model": model, "metric": metric}
    return estimate(metrics, features="FEFF", subset="all", **wanted)


def _delta(metrics: Rows) -> Iterator[Check]:
    for element in RAW_R:
        own = _error(metrics, element, DELTA, Metric.RELATIVE_RMS)
        for other, name in ((RAW, "raw"), (CORRECTED, "corrected")):
            than = _error(metrics, element, other, Metric.RELATIVE_RMS)
            yield _check(
                check_id=named("delta", element, name),
                check=f"{element}: relative RMS of the delta model ({own.shown}) less that of: "
                f"{other} ({than.shown})",
                bound=0.0,
                sense="below",
                ours=_error(metrics, element, f"{DELTA} - {other}", Metric.RMS_DIFFERENCE),
                fails_if=f"the delta model is no nearer to VASP than {other}",
            )


def _raw(metrics: Rows) -> Iterator[Check]:
    """The pairs are all there are: their median is exact."""
    for element, before in RAW_R.items():
        found = _error(metrics, element, RAW, Metric.PEARSON)
        yield _check(
            check_id=named("raw_r", element),
            check=f"{element}: median r of FEFF and VASP before any model ({found.shown}), "
            f"distance from {before:g}, found before in the same files",
            bound=RAW_R_OFF,
            sense="at most",
            ours=Estimate.exact(found.value, found.n).distance(before),
            fails_if="pairs are formed, or spectra read, in another way",
        )


DIRECTIONS = (("Ti", "Cu"), ("Cu", "Ti"))
KNOWN_SITES = (10, 50)  # known sites of the asked element at which it is judged
RECOGNISED = 0.9  # share of another element's spectra that a training domain has to refuse
# Model, what it has to beat, and what it means if it does not.
_WITHOUT = (
    (transfer.OTHER_DELTA, transfer.RAW, "its correction makes the other element worse"),
    (transfer.OTHER_DELTA, transfer.OTHER_CORRECTION, "nothing but shift, width and mean is given"),
    (transfer.AT_WIDTH, transfer.RAW, "an axis from the edge and equal core holes do not suffice"),
)
_WITH = (
    (transfer.AFTER, transfer.CORRECTION, "without the other element those sites do as well"),
    (transfer.AFTER, transfer.OWN, "a model of those sites alone does as well"),
    (transfer.BOTH, transfer.CORRECTION, "a shift, a width and a mean from those sites do as well"),
    (transfer.BOTH, transfer.OWN, "those sites alone do as well, without the other element"),
    (transfer.BOTH, transfer.CONTROL, "shuffled pairs of the other element do as well"),
)


def _difference(
    metrics: Rows, direction: tuple[str, str], number: int, one: str, other: str
) -> Estimate:
    return estimate(
        metrics,
        model=f"{one} - {other}",
        subset=transfer.subset_of(*direction, number),
        metric=Metric.RMS_DIFFERENCE,
    )


def _other_element(metrics: Rows) -> Iterator[Check]:
    for source, target in DIRECTIONS:
        for one, other, means in _WITHOUT:
            yield _check(
                check_id=named("transfer", source, target, one, other).replace(",", ""),
                check=f"learnt from {source}, asked about {target}: relative RMS, {one} minus "
                f"{other}",
                bound=0.0,
                sense="below",
                ours=_difference(metrics, (source, target), 0, one, other),
                fails_if=means,
            )
        yield _check(
            check_id=named("transfer", source, target, "recognised"),
            check=f"share of {target} spectra that lie outside the training domain of {source}",
            bound=RECOGNISED,
            sense="at least",
            ours=estimate(
                metrics,
                model=transfer.DOMAIN,
                subset=transfer.subset_of(source, target, 0),
                metric=Metric.SHARE_OUTSIDE,
            ),
            fails_if="shapes of another element pass for those of the training element: only the "
            "name of the absorber keeps the model from answering",
        )


def _few_sites(metrics: Rows) -> Iterator[Check]:
    for source, target in DIRECTIONS:
        for number in KNOWN_SITES:
            for one, other, means in _WITH:
                yield _check(
                    check_id=named("transfer", source, target, str(number), one, other).replace(
                        ",", ""
                    ),
                    check=f"{number} known sites of {target}: relative RMS, {one} ({source} with "
                    f"them) minus {other}",
                    bound=0.0,
                    sense="below",
                    ours=_difference(metrics, (source, target), number, one, other),
                    fails_if=means,
                )


def _together(metrics: Rows, transferred: Sequence[Check]) -> Iterator[Check]:
    """Whether what is better by its own interval stays so where it counts that many were tried."""
    features = [(c.ours, c.than, cast(Sense, c.test)) for c in feature_claims(metrics)]
    for name, what, rows in (
        ("cdf_together", "CDF against intensity", features),
        ("transfer_together", "transfer", [(c.ours, c.bound, c.sense) for c in transferred]),
    ):
        found = Together.of(rows)
        yield _check(
            check_id=name,
            check=f"{what}: {found.words}; those that are better after the correction",
            bound=float(found.better) if found.compared else NAN,
            sense="at least",
            ours=Estimate.exact(float(found.better_kept), found.compared)
            if found.compared
            else NOTHING,
            fails_if="some that are better by their own interval may be so by chance, since many "
            "were compared",
            blind="" if found.better or not found.compared else "none is better",
        )


def _measured(metrics: Rows) -> Iterator[Check]:
    """A statement on these 16 spectra, no sample of others: exact."""
    for name in (PEAK, CENTROID):
        wanted = {"target": TARGET, "metric": Metric.SEPARATION}
        base = estimate(metrics, features="none", model=name, subset="measured", **wanted)
        for alignment in (ALIGNED, UNALIGNED):
            subset = f"measured, {alignment}"
            for features in ("intensity", "cdf", "cwt"):
                ours = estimate(
                    metrics, "n_test", features=features, model=FOREST, subset=subset, **wanted
                )
                yield _check(
                    check_id=named("separation", name, features, alignment),
                    check=f"these measured Ni K spectra, forest on {features}, {alignment}: "
                    f"charged and discharged are further apart than by {name}",
                    bound=base.value,
                    sense="above",
                    ours=Estimate.exact(ours.value, ours.n),
                    unit="sd",
                    fails_if=f"the {name}, which needs no model, separates them as well",
                )


def _pristine(series: Rows) -> Iterator[Check]:
    for composition, expected in PRISTINE.items():
        for alignment in (ALIGNED, UNALIGNED):
            value = _first_state(series, composition, alignment)
            yield _check(
                check_id=named("pristine", composition, alignment),
                check=f"pristine {composition}, forest on cdf, {alignment}: state of nickel "
                f"({value.shown}), distance from {expected:.3g} by charge balance",
                bound=PRISTINE_OFF,
                sense="at most",
                ours=value.distance(expected),
                unit="e",
                fails_if="the model reads another state than the formula of the electrode allows",
            )


def _first_state(series: Rows, composition: str, alignment: str) -> Estimate:
    wanted = {"composition": composition, "alignment": alignment}
    wanted |= {"method": FOREST, "features": "cdf"}
    own = (
        float(r["value"])
        for r in series
        if all(r[k] == v for k, v in wanted.items()) and not float(r["voltage_V"] or 0) > 0
    )
    return Estimate.exact(next(own, NAN), 1)
