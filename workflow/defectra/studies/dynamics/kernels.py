"""Kuramoto oscillators: the kernel from patterns, and what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from defectra.engines.coherent import kuramoto
from defectra.engines.coherent.scattering import grid_intensity
from defectra.studies.dynamics.fitting import Stage, fit
from defectra.studies.dynamics.flow import flow
from defectra.studies.dynamics.laws import KernelLaw, neighbour_sines
from defectra.studies.dynamics.likelihood import deviance
from defectra.studies.dynamics.patterns import GridPatterns
from defectra.studies.dynamics.series import Series, detector_of, later_of, times_of
from defectra.studies.dynamics.settings import KuramotoSystem

Floats = NDArray[np.float64]
OFF_CENTRE = np.ones(kuramoto.SIDE**2, bool)
OFF_CENTRE[kuramoto.SIDE**2 // 2] = False


@dataclass(frozen=True)
class KernelFit:
    """Kernel of one trajectory, shape (11, 11), its mean deviance of a pixel, CPU seconds."""

    kernel: Floats
    deviance: float
    cpu_s: float


def start_of(series: Series, system: KuramotoSystem) -> Floats:
    """Angles at the first pattern, which every fit takes as known; shape (n, n)."""
    return series.state[0].reshape(system.number, system.number)


def fit_kernel(
    seen: Series, start: Floats, system: KuramotoSystem, keep: Path | None = None
) -> KernelFit:
    """Kernel from the patterns of one trajectory.

    Parameters
    ----------
    seen
        Its counts and their scale are used, not its states.
    start
        Angles at the first pattern.
    """
    begin = torch.from_numpy(start)
    law = KernelLaw(begin[None])
    loss = _loss(seen, begin, system, law)
    pixels = int(detector_of(system.view, system.box).open.sum())
    stages = [
        Stage(f"{n} patterns", partial(loss, n), system.iterations, 1 / (pixels * (n - 1)))
        for n in system.horizons
    ]
    found = fit(law, stages, keep)
    return KernelFit(law.kernel.detach().numpy().copy(), found.losses[-1], found.cpu_s)


def _loss(
    seen: Series, begin: torch.Tensor, system: KuramotoSystem, law: KernelLaw
) -> Callable[[int], torch.Tensor]:
    """Mean deviance of a pixel of the first patterns after the start, as a function of them."""
    patterns = GridPatterns(detector_of(system.view, system.box), system.number)
    lit = patterns.open
    counts = torch.from_numpy(seen.counts)[:, lit]

    def loss(number: int) -> torch.Tensor:
        factor = law.factor()
        states = flow(
            lambda theta: law.rate(theta, factor), begin, number, system.interval, system.substeps
        )[1:]
        expected = patterns(torch.cos(states))[:, lit] * seen.scale
        return deviance(expected, counts[1:number], seen.ideal).mean()

    return loss


def fit_family(seen: Series, start: Floats, system: KuramotoSystem) -> tuple[float, float]:
    """Coupling and width of the true family from the patterns: two numbers, no network."""
    patterns = GridPatterns(detector_of(system.view, system.box), system.number)
    counts = torch.from_numpy(seen.counts)[:, patterns.open]
    begin, number = torch.from_numpy(start), system.horizons[-2]
    law = KernelLaw(begin[None])

    def loss(numbers: Floats) -> float:
        kernel = torch.from_numpy(kuramoto.log_kernel(numbers[0], abs(numbers[1])))
        factor = law.factor(kernel)
        with torch.no_grad():
            states = flow(lambda x: law.rate(x, factor), begin, number, system.interval, 2)[1:]
            expected = patterns(torch.cos(states))[:, patterns.open] * seen.scale
            return float(deviance(expected, counts[1:number], seen.ideal).mean())

    first = np.array([0.5 * system.coupling, 1.2 * system.width])
    found = minimize(loss, first, method="Nelder-Mead", options={"maxfev": 60, "xatol": 1e-3})
    return float(found.x[0]), float(abs(found.x[1]))


def regressed(first: Floats, second: Floats, interval: float) -> Floats:
    """Kernel from two successive known states by least squares; sees no pattern.

    ``(theta_2 - theta_1) / interval`` is taken as the rate in the middle.
    """
    middle = torch.from_numpy((first + second) / 2)
    features = neighbour_sines(middle).flatten(1).numpy().T
    rates = ((second - first) / interval).ravel()
    weights, *_ = np.linalg.lstsq(features, rates, rcond=None)
    kernel = np.zeros(kuramoto.SIDE**2)
    kernel[OFF_CENTRE] = weights
    return kernel.reshape(kuramoto.SIDE, kuramoto.SIDE)


def agreement(kernel: Floats, truth: Floats) -> tuple[float, float]:
    """Pearson r of two kernels without their centre, and ``amplitude of the first - 1``.

    The amplitude is the slope of a line through 0 of the first on the second.
    """
    a, b = kernel.ravel()[OFF_CENTRE], truth.ravel()[OFF_CENTRE]
    spread = float(a.std())
    r = float(np.corrcoef(a, b)[0, 1]) if spread > 0 else 0.0
    return r, float(a @ b / (b @ b)) - 1


@dataclass(frozen=True)
class Forecast:
    """How a forecast departs from the truth at the later times, shape (t,) each.

    Attributes
    ----------
    order, local
        Absolute difference of the order parameters, global and between neighbours.
    field
        1 minus the mean cosine of the angle between predicted and true oscillators.
    pattern
        Sum of absolute differences of the intensities over the sum of the true ones.
    """

    order: Floats
    local: Floats
    field: Floats
    pattern: Floats


def predicted(kernel: Floats, series: Series, system: KuramotoSystem) -> Floats:
    """States at the later times from the known start with a learned kernel, (t, n, n)."""
    start = start_of(series, system)
    times = np.array([times_of(system)[0], *later_of(system)])
    return kuramoto.trajectory(start, kernel, times, 1e-5)[1:]


def judged(states: Floats, series: Series, system: KuramotoSystem) -> Forecast:
    """Compare states with the true ones at the later times."""
    number = len(later_of(system))
    true = series.state[-number:].reshape(states.shape)
    detector = detector_of(system.view, system.box)
    seen, wanted = (grid_intensity(detector, np.cos(s)) for s in (states, true))
    return Forecast(
        np.abs(kuramoto.order(states) - kuramoto.order(true)),
        np.abs(kuramoto.local_order(states) - kuramoto.local_order(true)),
        1 - np.cos(states - true).mean(axis=(1, 2)),
        relative_difference(seen, wanted),
    )


def relative_difference(seen: Floats, wanted: Floats) -> Floats:
    """Sum of absolute differences of patterns over the sum of the true ones, shape (t,)."""
    axes = (-2, -1)
    result: Floats = np.abs(seen - wanted).sum(axes) / wanted.sum(axes)
    return result


def pooled(kernels: Sequence[Floats]) -> Floats:
    """Mean kernel of several trajectories."""
    result: Floats = np.mean(np.asarray(kernels), axis=0)
    return result
