"""Pre- and post-edge normalisation, and edge steps of L2 beside L3."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.spectra.measured_spectrum import Measured, SpectrumError

Floats = NDArray[np.float64]

DOUBTFUL = 0.05  # an interval of the step that is wider is reported
_FEWEST = 8  # choices of ranges, of 32, that a scan must allow
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
    notes
        What was done beside.
    step_off
        Relative half width of the interval of the step over the ranges that people choose; NaN
        where the ranges are given, or the scan is too short for a second choice.
    """

    energy: Floats
    mu: Floats
    e0: float
    step: float
    ranges: tuple[float, float, float, float]
    notes: tuple[str, ...] = ()
    step_off: float = math.nan


def normalise(spectrum: Measured, e0: float | None = None) -> Normalised:
    """Line before the edge, line or parabola after it, as Athena does.

    The pre-edge range goes from the first energy (at most 200 eV before) to 30 eV before the
    edge (half of what there is, where the scan begins less than 45 eV before). The post-edge range
    begins at 15 % of what was measured after the edge, but at 20 eV at least and 100 eV at most,
    and ends with the scan, or 800 eV after the edge. A parabola is fitted where that is longer than
    500 eV, a line above 15 eV, else a constant. These choices are those that agree most often
    with what users stored in public Athena projects. The ranges that a project stores come first.

    Nothing is extrapolated: what lies beyond the post-edge range is cut off.

    Raises
    ------
    SpectrumError
        If the scan does not reach 5 eV before and 20 eV after the edge, or there is no step, or
        the two lines cross.
    """
    from defectra.spectra.edges_seen import steepest

    stored = _stored(spectrum)
    if stored and e0 is None:
        try:
            found = _normalised(spectrum, *stored)
        except SpectrumError:
            pass
        else:
            return replace(
                found, notes=(*found.notes, "edge and ranges as the project stores them")
            )
    edge = steepest(spectrum.energy, spectrum.mu) if e0 is None else e0
    found = _normalised(spectrum, edge, *_ranges(spectrum, edge))
    off = step_interval(spectrum, edge, found.step)
    doubts = (f"edge step ± {off:.0%}, by the choice of ranges",) if off > DOUBTFUL else ()
    return replace(found, step_off=off, notes=(*found.notes, *doubts))


def step_interval(spectrum: Measured, edge: float, step: float) -> float:
    """Relative half width of an interval that holds the step by the ranges that people choose.

    Twice the half distance of the tenth and ninetieth percentile over two pre-edge ranges, four
    beginnings and two ends of the post-edge range, lines and parabolas. Of the steps that public
    Athena projects store with ranges of their own it holds 95 % (93 % of those that nobody had
    looked at before).
    """
    before, after = edge - spectrum.energy[0], spectrum.energy[-1] - edge
    usual = _ranges(spectrum, edge)[0]
    steps = []
    for pre in (usual, (-min(before, 150.0), -45.0 if before > 70 else usual[1])):
        for part, most in ((0.1, 100.0), (0.2, 150.0), (0.3, 150.0), (0.4, 150.0)):
            first = min(most, max(part * after, min(20.0, after / 2)))
            for last, degree in product((after, 0.6 * after), (1, 2)):
                try:
                    base = _poly(spectrum.energy, spectrum.mu, edge, pre, _pre_degree(pre))
                    line = _poly(spectrum.energy, spectrum.mu, edge, (first, last), degree)
                except SpectrumError:
                    continue
                steps.append(float(line(0.0) - base(0.0)))
    if len(steps) < _FEWEST:
        return math.nan
    low, high = np.percentile(steps, [10, 90])
    return float((high - low) / abs(step))


def _pre_degree(pre: tuple[float, float]) -> int:
    return 1 if pre[1] - pre[0] > 8 else 0


def _ranges(
    spectrum: Measured, edge: float
) -> tuple[tuple[float, float], tuple[float, float], int]:
    """Pre-edge and post-edge range (eV from the edge) and degree of the latter's polynomial."""
    before, after = edge - spectrum.energy[0], spectrum.energy[-1] - edge
    if before < 5 or after < 20:
        raise SpectrumError(
            f"edge at {edge:.1f} eV, spectrum from {spectrum.energy[0]:.1f} to "
            f"{spectrum.energy[-1]:.1f} eV: to normalise, 5 eV before and 20 eV after the edge are "
            "needed"
        )
    pre = (-min(before, 200.0), -30.0 if before > 45 else -before / 2)
    post = (min(100.0, max(0.15 * after, min(20.0, after / 2))), min(after, 800.0))
    length = post[1] - post[0]
    return pre, post, 2 if length > 500 else 1 if length > 15 else 0


def _stored(
    spectrum: Measured,
) -> tuple[float, tuple[float, float], tuple[float, float], int] | None:
    """Edge, ranges and degree that an Athena project stores for a spectrum; None if it does not."""
    words = spectrum.meta
    try:
        edge, shift = float(words["bkg_e0"]), float(words.get("bkg_eshift") or 0.0)
        low, high, first, last = (
            float(words[f"bkg_{k}"]) for k in ("pre1", "pre2", "nor1", "nor2")
        )
        degree = int(float(words["bkg_nnorm"])) - 1
    except (KeyError, ValueError, OverflowError):
        return None
    edge += shift
    inside = spectrum.energy[0] < edge < spectrum.energy[-1]
    if not (inside and low < high < 0 < first < last and 0 <= degree <= 2):
        return None
    return edge, (low, high), (first, last), degree


def _normalised(
    spectrum: Measured,
    edge: float,
    pre: tuple[float, float],
    post: tuple[float, float],
    degree: int,
) -> Normalised:
    energy, mu = spectrum.energy, spectrum.mu
    base = _poly(energy, mu, edge, pre, _pre_degree(pre))
    line = _poly(energy, mu, edge, post, degree)
    step = float(line(0.0) - base(0.0))
    if not step > LEAST_STEP * np.ptp(mu):
        raise SpectrumError(f"no step at {edge:.1f} eV: the absorption does not rise there")
    x = energy - edge
    kept = x <= post[1] + 1e-9
    notes = () if kept.all() else (f"cut at {edge + post[1]:.0f} eV, where the fitted range ends",)
    x, mu = x[kept], mu[kept]
    flat = np.where(x > 0, line(x) - base(x), step)
    if not (flat > LEAST_STEP * step).all():
        raise SpectrumError(
            f"the lines before and after the edge at {edge:.1f} eV cross: no step to divide by"
        )
    return Normalised(energy[kept], (mu - base(x)) / flat, edge, step, (*pre, *post), notes)


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
