"""Pre- and post-edge normalisation, and edge steps of L2 beside L3."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.spectra.measured_spectrum import Measured, SpectrumError

Floats = NDArray[np.float64]

LEAST_STEP = 1e-6  # of the range of the absorption: less is rounding


@dataclass(frozen=True)
class Normalised:
    """A spectrum with the pre-edge line taken off and the edge step set to one.

    Attributes
    ----------
    energy, mu
        eV; edge step = 1, shape (n,).
    e0
        Edge energy, eV: steepest rise.
    step
        Edge step before, in units of the file.
    ranges
        Pre-edge and post-edge ranges that were fitted, eV relative to `e0`.
    """

    energy: Floats
    mu: Floats
    e0: float
    step: float
    ranges: tuple[float, float, float, float]


def normalise(spectrum: Measured, e0: float | None = None) -> Normalised:
    """Line before the edge, line or parabola after it, as Athena does.

    The pre-edge range goes from the first energy (at most 150 eV before) to 30 eV before the
    edge (to a third of what there is, where the scan is short); the post-edge range from 50 eV
    (or the middle) after it to the last energy, at most 500 eV. A parabola is fitted where that
    is longer than 150 eV, a line above 25 eV, else a constant.

    Raises
    ------
    SpectrumError
        If the scan does not reach 5 eV before and 20 eV after the edge, or there is no step, or
        the two lines cross.
    """
    from defectra.spectra.edges_seen import steepest

    energy, mu = spectrum.energy, spectrum.mu
    edge = steepest(energy, mu) if e0 is None else e0
    before, after = edge - energy[0], energy[-1] - edge
    if before < 5 or after < 20:
        raise SpectrumError(
            f"edge at {edge:.1f} eV, spectrum from {energy[0]:.1f} to {energy[-1]:.1f} eV: to "
            "normalise, 5 eV before and 20 eV after the edge are needed"
        )
    pre = (-min(before, 150.0), -30.0 if before > 60 else -before / 2)
    post = (50.0 if after > 80 else after / 2, min(after, 500.0))
    base = _poly(energy, mu, edge, pre, 1 if pre[1] - pre[0] > 8 else 0)
    length = post[1] - post[0]
    degree = 2 if length > 150 else 1 if length > 25 else 0
    line = _poly(energy, mu, edge, post, degree)
    step = float(line(0.0) - base(0.0))
    if not step > LEAST_STEP * np.ptp(mu):
        raise SpectrumError(f"no step at {edge:.1f} eV: the absorption does not rise there")
    x = energy - edge
    flat = np.where(x > 0, line(x) - base(x), step)
    if not (flat > LEAST_STEP * step).all():
        raise SpectrumError(
            f"the lines before and after the edge at {edge:.1f} eV cross: no step to divide by"
        )
    return Normalised(energy, (mu - base(x)) / flat, edge, step, (*pre, *post))


def _poly(
    energy: Floats, mu: Floats, edge: float, span: tuple[float, float], degree: int
) -> np.polynomial.Polynomial:
    x = energy - edge
    used = (x >= span[0] - 1e-9) & (x <= span[1] + 1e-9)
    if used.sum() < degree + 1:
        raise SpectrumError(
            f"{int(used.sum())} energies from {span[0]:.0f} to {span[1]:.0f} eV about the edge at "
            f"{edge:.1f} eV: too few to normalise with"
        )
    return np.polynomial.Polynomial.fit(x[used], mu[used], degree)


def without_background(spectrum: Measured, edge: float) -> Measured:
    """Counts of energy loss without the power law A E^-r that runs under the edge.

    Fitted from 60 (or the first energy) to 5 eV before the edge, on logarithms. Where hardly
    anything is left there (median below 2 % of the largest value) it was taken off before.

    Raises
    ------
    SpectrumError
        If fewer than ten energies lie there, or counts there are not positive.
    """
    energy, counts = spectrum.energy, spectrum.mu
    before = (energy > edge - 60) & (energy < edge - 5)
    if before.sum() >= 10 and abs(np.median(counts[before])) < 0.02 * counts.max():
        return replace(spectrum, notes=(*spectrum.notes, "the background was off already"))
    if before.sum() < 10 or (counts[before] <= 0).any() or energy[0] <= 0:
        raise SpectrumError(
            f"edge at {edge:.1f} eV: ten positive counts before it are needed to take the "
            "background off"
        )
    slope, level = np.polyfit(np.log(energy[before]), np.log(counts[before]), 1)
    rest = counts - np.exp(level + slope * np.log(energy))
    return replace(spectrum, mu=rest, notes=(*spectrum.notes, f"background E^{slope:.2f} off"))


def l23(
    grid: ArrayLike, l3: tuple[ArrayLike, ArrayLike, float], l2: tuple[ArrayLike, ArrayLike, float]
) -> Floats:
    """L3 and L2 in the proportion of their edge steps, sum scaled to a step of one.

    Each edge's file is normalised for itself; the absolute steps stand in the headers.

    Parameters
    ----------
    grid
        eV, shape (g,).
    l3, l2
        Energies (eV), absorption (edge step = 1) and absolute edge step of each.

    Returns
    -------
    ndarray
        Shape (g,). Before its first energy an edge adds its first value, after its last one.
    """
    points = np.asarray(grid, np.float64)
    parts = [
        step * np.interp(points, np.asarray(energy, float), np.asarray(mu, float))
        for energy, mu, step in (l3, l2)
    ]
    return (parts[0] + parts[1]) / (l3[2] + l2[2])
