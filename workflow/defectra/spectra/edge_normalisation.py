"""Pre- and post-edge normalisation, and edge steps of L2 beside L3."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.spectra.athena_ranges import Ranges, inside, stored
from defectra.spectra.measured_spectrum import Measured, SpectrumError, as_read
from defectra.spectra.pre_edge import Background

Floats = NDArray[np.float64]

EXACT = 1e-3  # of the step: ranges and degree are those that made the stored step
SAME = 0.01  # of the step: a degree that gives the stored step so nearly is the one meant
DOUBTFUL = 0.05  # an interval of the step that is wider is reported
_FEWEST = 8  # choices of ranges, of 32, that a scan must allow
SHORT = 100.0  # eV after the edge: a line fitted to less follows the fine structure
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
    above
        What lies above the pre-edge line, edge step = 1, not divided by the slope after the edge,
        shape (n,).
    notes
        What was done beside.
    step_off
        Relative half width of the interval of the step over the ranges that people choose; NaN
        where ranges, degree or line are given, or the scan is too short for a second choice.
    """

    energy: Floats
    mu: Floats
    e0: float
    step: float
    ranges: tuple[float, float, float, float]
    above: Floats
    notes: tuple[str, ...] = ()
    step_off: float = math.nan

    @property
    def for_model(self) -> Floats:
        """Absorption to compare with computed spectra, which have no background of a beamline.

        A scan that goes on for less than 100 eV after the edge is not flattened: the line after
        the edge, extrapolated to it, would bend the near-edge structure.
        """
        return self.mu if self.ranges[3] >= SHORT else self.above


def normalise(
    spectrum: Measured,
    e0: float | None = None,
    pre_degree: int | None = None,
    base: Background | None = None,
) -> Normalised:
    """Line before the edge, line or parabola after it, as Athena does.

    The pre-edge range goes from the first energy (at most 200 eV before) to 30 eV before the
    edge (half of what there is, where the scan begins less than 45 eV before). The post-edge range
    begins at 15 % of what was measured after the edge, but at 20 eV at least and 100 eV at most,
    and ends with the scan, or 800 eV after the edge. A parabola is fitted where that is longer than
    500 eV, a line above 15 eV, else a constant. These choices are those that agree most often
    with what users stored in public Athena projects. Edge, ranges and degree that a project stores
    come first, and a step that its user fixed; a note says so, and why not where they cannot be.

    Nothing is extrapolated: what lies beyond the post-edge range is cut off.

    Parameters
    ----------
    e0
        Edge energy, eV; None: as the project stores it, else the steepest rise.
    pre_degree
        Degree of the polynomial before the edge; None: as the range allows.
    base
        Line under the edge that is taken off instead (:mod:`defectra.spectra.pre_edge`).

    Raises
    ------
    SpectrumError
        If the scan does not reach 5 eV before and 20 eV after the edge, or there is no step, or
        the two lines cross.
    """
    from defectra.spectra.edges_seen import steepest

    why: tuple[str, ...] = ()
    own = e0 is None and pre_degree is None and base is None
    project = stored(spectrum) if own else None
    if project:
        try:
            return _as_stored(spectrum, project)
        except SpectrumError as error:
            why = (f"ranges of the project not used: {error}",)
    elif own and spectrum.meta.get("bkg_e0"):
        why = ("edge and ranges of the project not used: missing, or outside of the scan",)
    edge = steepest(spectrum.energy, spectrum.mu) if e0 is None else e0
    try:
        found = _normalised(spectrum, edge, _asked(_ranges(spectrum, edge), edge, pre_degree, base))
    except SpectrumError as error:
        raise SpectrumError(f"{error}{as_read(spectrum)}") from None
    if base is not None or pre_degree is not None:
        return replace(found, notes=(*found.notes, *why))
    off = step_interval(spectrum, edge, found.step)
    doubts = (f"edge step ± {off:.0%}, by the choice of ranges",) if off > DOUBTFUL else ()
    return replace(found, step_off=off, notes=(*found.notes, *why, *doubts))


def _asked(spans: _Spans, edge: float, pre_degree: int | None, base: Background | None) -> _Spans:
    """Ranges with the degree, or the line, that the caller asks for."""
    if pre_degree is not None:
        spans = spans._replace(pre_degree=pre_degree)
    if base is not None:
        level = float(base.under(np.array([edge]))[0])
        spans = spans._replace(base=np.polynomial.Polynomial([level, base.slope]))
    return spans


def step_interval(spectrum: Measured, edge: float, step: float) -> float:
    """Relative half width of an interval that holds the step by the ranges that people choose.

    Twice the half distance of the tenth and ninetieth percentile over two pre-edge ranges, four
    beginnings and two ends of the post-edge range, lines and parabolas. Of the steps that public
    Athena projects store with ranges of their own it holds 95 % (93 % of those that nobody had
    looked at before).
    """
    before, after = edge - spectrum.energy[0], spectrum.energy[-1] - edge
    usual = _ranges(spectrum, edge).pre
    steps = []
    for pre in (usual, (-min(before, 150.0), -45.0 if before > 70 else usual[1])):
        for part, most in ((0.1, 100.0), (0.2, 150.0), (0.3, 150.0), (0.4, 150.0)):
            first = min(most, max(part * after, min(20.0, after / 2)))
            for last, degree in product((after, 0.6 * after), (1, 2)):
                try:
                    spans = _Spans(pre, (first, last), degree, _pre_degree(pre))
                    rest = _lines(spectrum, edge, spans)[1]
                except SpectrumError:
                    continue
                steps.append(float(rest(0.0)))
    if len(steps) < _FEWEST:
        return math.nan
    low, high = np.percentile(steps, [10, 90])
    return float((high - low) / abs(step))


class _Spans(NamedTuple):
    """Pre-edge and post-edge range, eV from the edge, and degrees of their polynomials.

    `larch`: whose points at the ends are taken, Larch's or Ifeffit's; None: those in the range.
    `base`: polynomial before the edge, where it is known.
    """

    pre: tuple[float, float]
    post: tuple[float, float]
    degree: int
    pre_degree: int
    larch: bool | None = None
    base: np.polynomial.Polynomial | None = None


def _pre_degree(pre: tuple[float, float]) -> int:
    return 1 if pre[1] - pre[0] > 8 else 0


def _ranges(spectrum: Measured, edge: float) -> _Spans:
    """The rule of :func:`normalise`."""
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
    degree = 2 if length > 500 else 1 if length > 15 else 0
    return _Spans(pre, post, degree, _pre_degree(pre))


def _as_stored(spectrum: Measured, project: Ranges) -> Normalised:
    """Normalised with edge, ranges, degree (and step, if the user fixed it) of a project."""
    best: Normalised | None = None
    for larch, degree in product((project.larch, not project.larch), project.degrees):
        spans = _Spans(project.pre, project.post, degree, 1, larch)
        try:
            found = _normalised(spectrum, project.edge, spans)
        except SpectrumError:
            if best is None:
                raise
            continue
        near = abs(found.step / project.step - 1)
        if best is None or near < min(SAME, abs(best.step / project.step - 1)):
            best = found
        if near < EXACT:
            break
    assert best is not None
    notes = (*best.notes, "edge and ranges as the project stores them")
    if project.fixed:
        notes = (*notes, f"edge step of {project.step:.4g} fixed by the user of the project")
        part = best.step / project.step
        mu, above = best.mu * part, best.above * part
        return replace(best, mu=mu, above=above, step=project.step, notes=notes)
    if abs(best.step / project.step - 1) > DOUBTFUL:
        notes = (*notes, f"the project stores a step of {project.step:.4g}: other data or ranges")
    return replace(best, notes=notes)


def _normalised(
    spectrum: Measured,
    edge: float,
    spans: _Spans,
) -> Normalised:
    energy, mu, post = spectrum.energy, spectrum.mu, spans.post
    base, rest = _lines(spectrum, edge, spans)
    step = float(rest(0.0))
    if not step > LEAST_STEP * np.ptp(mu):
        raise SpectrumError(f"no step at {edge:.1f} eV: the absorption does not rise there")
    x = energy - edge
    kept = x <= post[1] + 1e-9
    notes = () if kept.all() else (f"cut at {edge + post[1]:.0f} eV, where the fitted range ends",)
    x, mu = x[kept], mu[kept]
    flat = np.where(x > 0, rest(x), step)
    if not (flat > LEAST_STEP * step).all():
        raise SpectrumError(
            f"the lines before and after the edge at {edge:.1f} eV cross: no step to divide by"
        )
    above = mu - base(x)
    ranges = (*spans.pre, *post)
    return Normalised(energy[kept], above / flat, edge, step, ranges, above / step, notes)


def _lines(
    spectrum: Measured,
    edge: float,
    spans: _Spans,
) -> tuple[np.polynomial.Polynomial, np.polynomial.Polynomial]:
    """Polynomials of eV from the edge: before it, and of what lies above the first one after it.

    The first is taken off before the second is fitted: a constant after the edge is a constant
    height above a background that slopes.
    """
    energy, mu = spectrum.energy, spectrum.mu
    base = spans.base or _poly(energy, mu, edge, spans.pre, spans.pre_degree, spans.larch)
    rest = mu - base(energy - edge)
    return base, _poly(energy, rest, edge, spans.post, spans.degree, spans.larch)


def _poly(
    energy: Floats,
    mu: Floats,
    edge: float,
    span: tuple[float, float],
    degree: int,
    larch: bool | None,
) -> np.polynomial.Polynomial:
    x = energy - edge
    used = (x >= span[0] - 1e-9) & (x <= span[1] + 1e-9)
    if larch is not None:
        some = bool(used.any())
        used[:] = False
        used[inside(x, *span, larch)] = some
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
