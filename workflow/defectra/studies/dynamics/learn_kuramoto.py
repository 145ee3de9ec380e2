"""All of the Kuramoto system: kernels at every count of photons, forecasts, baselines, control."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import Estimate
from defectra.engines.coherent import kuramoto
from defectra.engines.coherent.scattering import grid_intensity
from defectra.learn.scores import over_groups
from defectra.studies.dynamics.kernels import (
    Forecast,
    KernelFit,
    agreement,
    fit_family,
    fit_kernel,
    judged,
    pooled,
    predicted,
    regressed,
    relative_difference,
    start_of,
)
from defectra.studies.dynamics.learn_names import (
    FAMILY,
    KERNEL,
    LAST_STAYS,
    LINEAR,
    OTHER,
    STATES,
)
from defectra.studies.dynamics.linear import linear_forecast
from defectra.studies.dynamics.rows import Metric, Row, fit_row, score
from defectra.studies.dynamics.saved_kernel import SavedKernel
from defectra.studies.dynamics.series import (
    Series,
    detector_of,
    later_of,
    photons_per_pattern,
    times_of,
)
from defectra.studies.dynamics.settings import DynamicsStudy, KuramotoSystem

Floats = NDArray[np.float64]
TARGET = "kuramoto"


def learn(
    found: Sequence[tuple[str, list[Series]]], study: DynamicsStudy, seed: int, keep: Path
) -> tuple[list[Mapping[str, Any]], list[Row]]:
    """Fits and scores of the Kuramoto system.

    Parameters
    ----------
    found
        Series of each protocol.
    keep
        Folder of checkpoints.
    """
    system = study.kuramoto
    truth = kuramoto.log_kernel(system.coupling, system.width)
    fits: list[Mapping[str, Any]] = [
        fit_row(TARGET, "truth", "none", truth, x=np.arange(kuramoto.SIDE) - kuramoto.SIDE // 2)
    ]
    scores: list[Row] = []
    for protocol, every in found:
        series = every if protocol == study.main else every[: system.fewer]
        own = [
            fit_kernel(s, start_of(s, system), system, keep / f"{protocol}-{s.trajectory}")
            for s in series
        ]
        fits += [
            fit_row(
                TARGET, KERNEL, protocol, f.kernel, trajectory=s.trajectory, loss=f.deviance,
                cpu_s=f.cpu_s, ids=[s.calculation_id],
            )
            for s, f in zip(series, own, strict=True)
        ]  # fmt: skip
        scores += _kernel_scores(protocol, series, own, truth, study.bootstrap, seed)
        if protocol == study.main:
            scores += [*_baselines(protocol, series, system, truth)]
            scores += [*_forecasts(protocol, series, own, system)]
            scores.append(_control(protocol, series, system, truth, keep))
    return fits, scores


def mean_kernel(fits: Sequence[Mapping[str, Any]], study: DynamicsStudy) -> SavedKernel:
    """Mean kernel of all trajectories at the fidelity that is judged, to be kept."""
    own = [f for f in fits if (f["model"], f["protocol"]) == (KERNEL, study.main)]
    system = study.kuramoto
    kernels = [np.reshape(f["values"], (kuramoto.SIDE, kuramoto.SIDE)) for f in own]
    return SavedKernel(
        pooled(kernels),
        detector_of(system.view, system.box),
        system.number,
        system.interval,
        {
            "protocol": study.main,
            "trajectories": len(own),
            "calculations": [name for f in own for name in f["calculation_ids"]],
        },
    )


def _kernel_scores(
    protocol: str,
    series: Sequence[Series],
    own: Sequence[KernelFit],
    truth: Any,
    resamples: int,
    seed: int,
) -> list[Row]:
    r, amplitude = mean_agreement([f.kernel for f in own], truth, resamples, seed)
    photons = photons_per_pattern(series)
    measured: dict[Metric, Estimate] = {
        Metric.R: r,
        Metric.AMPLITUDE: amplitude,
        Metric.DEVIANCE: Estimate.mean(f.deviance for f in own),
        Metric.PHOTONS: Estimate.exact(photons, len(series)),
    }
    return [score(TARGET, KERNEL, m, e, protocol) for m, e in measured.items()]


def mean_agreement(
    kernels: Sequence[Floats], truth: Floats, resamples: int, seed: int
) -> tuple[Estimate, Estimate]:
    """Pearson r and amplitude error of the mean kernel, with intervals over trajectories."""
    each, names = np.asarray(kernels), [str(k) for k in range(len(kernels))]

    def of(part: int) -> Callable[[Floats], Floats]:
        def score(weights: Floats) -> Floats:
            means = np.tensordot(weights / weights.sum(axis=1, keepdims=True), each, 1)
            return np.array([agreement(mean, truth)[part] for mean in means])

        return score

    found = (
        over_groups(of(part), names, resamples, seed, bounds)
        for part, bounds in ((0, (-1.0, 1.0)), (1, (-np.inf, np.inf)))
    )
    r, amplitude = (Estimate(*ends, len(each)) for ends in found)
    return r, amplitude


def _baselines(
    protocol: str, series: Sequence[Series], system: KuramotoSystem, truth: Any
) -> Iterator[Row]:
    """Two numbers fitted to the patterns; a regression on states that sees no pattern."""
    pairs = [fit_family(s, start_of(s, system), system) for s in series]
    for name, values in zip(("coupling", "width"), zip(*pairs, strict=True), strict=True):
        yield score(
            TARGET, FAMILY, Metric.PARAMETER, Estimate.mean(values), protocol, subset=name,
            unit="1/time" if name == "coupling" else "points",
        )  # fmt: skip
    side = (system.number, system.number)
    both = [
        agreement(
            regressed(s.state[0].reshape(side), s.state[1].reshape(side), system.interval), truth
        )
        for s in series
    ]
    for metric, values in zip((Metric.R, Metric.AMPLITUDE), zip(*both, strict=True), strict=True):
        yield score(TARGET, STATES, metric, Estimate.mean(values), protocol, features="states")


def _forecasts(
    protocol: str, series: Sequence[Series], own: Sequence[KernelFit], system: KuramotoSystem
) -> Iterator[Row]:
    """Each trajectory predicted with the mean kernel of the others, beside two baselines."""
    later = later_of(system)
    learned, frozen, linear = [], [], []
    for number, s in enumerate(series):
        kernel = pooled([f.kernel for k, f in enumerate(own) if k != number])
        learned.append(judged(predicted(kernel, s, system), s, system))
        seen = s.state[system.patterns - 1].reshape(1, system.number, system.number)
        frozen.append(judged(np.repeat(seen, len(later), axis=0), s, system))
        linear.append(_linear_difference(s, system))
    for model, all_ in ((KERNEL, learned), (LAST_STAYS, frozen)):
        yield from _forecast_scores(protocol, model, all_, later)
    for k in (0, -1):
        value = Estimate.mean(float(d[k]) for d in linear)
        yield score(TARGET, LINEAR, Metric.PATTERN, value, protocol, subset=f"t = {later[k]:g}")


def _forecast_scores(
    protocol: str, model: str, all_: Sequence[Forecast], later: Sequence[float]
) -> Iterator[Row]:
    span = f"t = {later[0]:g} to {later[-1]:g}, largest"
    for metric, name in ((Metric.ORDER, "order"), (Metric.LOCAL, "local")):
        value = Estimate.mean(float(getattr(f, name).max()) for f in all_)
        yield score(TARGET, model, metric, value, protocol, subset=span)
    for metric, name in ((Metric.FIELD, "field"), (Metric.PATTERN, "pattern")):
        for k in (0, -1):
            value = Estimate.mean(float(getattr(f, name)[k]) for f in all_)
            yield score(TARGET, model, metric, value, protocol, subset=f"t = {later[k]:g}")


def _linear_difference(series: Series, system: KuramotoSystem) -> Any:
    later = np.array(later_of(system))
    steps = (later - times_of(system)[-1]) / system.interval
    seen = linear_forecast(series.counts, steps) / series.scale
    true = series.state[-len(later) :].reshape(-1, system.number, system.number)
    wanted = grid_intensity(detector_of(system.view, system.box), np.cos(true))
    return relative_difference(seen, wanted)


def _control(
    protocol: str, series: Sequence[Series], system: KuramotoSystem, truth: Any, keep: Path
) -> Row:
    """Kernels from patterns that belong to another start: they must not resemble the true one."""
    short = system.model_copy(update={"horizons": system.horizons[:2]})
    others = [*series[1:], series[0]]
    found = []
    for s, other in zip(series, others, strict=True):
        path = keep / f"control-{s.trajectory}"
        kernel = fit_kernel(other, start_of(s, system), short, path).kernel
        found.append(agreement(kernel, truth)[0])
    return score(TARGET, OTHER, Metric.R, Estimate.mean(found), protocol)
