"""Energy alignment, never silent: declared, from total energies (ΔSCF), or fitted.

Whatever moves a spectrum gives an :class:`Alignment`: which of the three it was, by how much, and
how well that is known. Tables carry it (``alignment``, ``shift``, ``shift_sd``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.core.errors import TableError
from defectra.spectra.broaden import gaussian
from defectra.spectra.grid import Grid

Floats = NDArray[np.float64]
Curve = tuple[Floats, Floats]  # energies (eV), absorption

WIDTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)  # eV, FWHM that are tried
_BLOCK = 3.0  # eV: energies left out together, for the uncertainty of the shift
_BLOCKS = 3  # fewer tell nothing of the uncertainty
_OVERLAP = 0.9  # of the window that a moved curve must cover
_FLAT = 1e-6  # of the largest value; less is no feature
_FINE = 0.05  # eV, last step of the search


class Method(StrEnum):
    """Where a shift comes from."""

    NONE = "none"
    DECLARED = "declared"
    DELTA_SCF = "delta SCF"
    FITTED = "fitted"


@dataclass(frozen=True)
class Alignment:
    """What was done to the energies of a spectrum.

    Attributes
    ----------
    method
        Which of the three.
    shift, sd
        Added to the energies, and its standard deviation, eV; NaN where none can be determined: a
        declared shift is as good as who declared it, a ΔSCF energy as its functional and cell.
    fwhm
        Of the Gaussian that was fitted along with the shift, eV.
    """

    method: Method
    shift: float
    sd: float = float("nan")
    fwhm: float = 0.0


AS_IS = Alignment(Method.NONE, 0.0, 0.0)


def grid_of(grids: Mapping[str, Grid], element: str, edge: str) -> Grid:
    """Declared grid of an element and edge.

    Raises
    ------
    TableError
        If the config declares none.
    """
    name = f"{element} {edge}"
    if name not in grids:
        raise TableError(f"edges: no grid for {name!r}; declared: {', '.join(grids)}")
    return grids[name]


def points(grid: Grid) -> Floats:
    """Energies of a declared grid, eV, both ends included where the step allows."""
    count = int(np.floor((grid.stop - grid.start) / grid.step + 1e-6)) + 1
    return grid.start + grid.step * np.arange(count, dtype=np.float64)


def declared(grid: Grid) -> Alignment:
    """The shift that the config declares for an edge."""
    return Alignment(Method.DECLARED, grid.shift)


def aligned(energy: ArrayLike, grid: Grid) -> Floats:
    """Energies of the engine (eV) on the declared axis of `grid`."""
    return np.add(np.asarray(energy, np.float64), declared(grid).shift)


def covered(energy: ArrayLike, grid: Grid) -> float:
    """Fraction of a grid between the first and last of aligned energies, 0 to 1."""
    axis = np.asarray(energy, np.float64)
    overlap = min(axis[-1], grid.stop) - max(axis[0], grid.start)
    return float(max(0.0, overlap) / (grid.stop - grid.start))


def fitted(
    curve: Curve, reference: Curve, largest: float, widths: Sequence[float] = WIDTHS
) -> Alignment:
    """Shift and Gaussian that bring a curve nearest to a reference of the same mean.

    The standard deviation is the jackknife one over blocks of 3 eV: it says how much the answer
    hangs on single features, not how wrong either curve is. It is NaN in windows below 9 eV.

    Parameters
    ----------
    curve, reference
        Energies (eV) and absorption; the energies of the reference are those that are compared.
    largest
        Largest shift that is tried, eV.
    widths
        FWHM of the Gaussian that are tried, eV.

    Raises
    ------
    TableError
        Where the curves tell no shift: not a number, no features, too little overlap, or the best
        shift is at the end of those that are tried.
    """
    for name, (energy, mu) in (("curve", curve), ("reference", reference)):
        if not (np.isfinite(energy).all() and np.isfinite(mu).all()):
            raise TableError(f"no shift can be fitted: not a number in the {name}")
        if np.ptp(mu) <= _FLAT * np.abs(mu).max():
            raise TableError(f"no shift can be fitted: the {name} is flat")
    shift, fwhm = _best(curve, reference, np.arange(-largest, largest + 0.25, 0.5), widths)
    near = shift + np.arange(-0.6, 0.65, _FINE)
    shift, fwhm = _best(curve, reference, near, (fwhm,))
    if abs(shift) >= largest - _FINE / 2:
        raise TableError(f"no shift within {largest:g} eV fits; look at the curves or try more")
    grid = reference[0]
    both = min(curve[0][-1] + shift, grid[-1]) - max(curve[0][0] + shift, grid[0])
    if both < _OVERLAP * (grid[-1] - grid[0]):
        part = max(0.0, both / (grid[-1] - grid[0]))
        raise TableError(f"no shift can be fitted: the curve covers {part:.0%} of the window")
    return Alignment(Method.FITTED, shift, _jackknife(curve, reference, shift, fwhm), fwhm)


def applied(curve: Curve, alignment: Alignment, grid: ArrayLike) -> Floats:
    """A curve moved and broadened as an alignment says, on a grid, mean one."""
    return unit_mean(gaussian(curve[0] + alignment.shift, curve[1], grid, alignment.fwhm))


def unit_mean(values: Floats) -> Floats:
    """Mean over the window set to one."""
    return np.asarray(values / values.mean())


def _best(
    curve: Curve,
    reference: Curve,
    shifts: Floats,
    widths: Sequence[float],
    used: NDArray[np.bool_] | None = None,
) -> tuple[float, float]:
    """Shift and width of the smallest RMS difference, mean of the window set equal."""
    grid, target = reference[0], unit_mean(reference[1])
    keep = np.ones(len(grid), bool) if used is None else used
    reach = abs(shifts).max()
    best, least = (0.0, 0.0), np.inf
    for fwhm in widths:
        wide = np.arange(grid[0] - reach, grid[-1] + reach + _FINE, 0.1)
        smooth = gaussian(curve[0], curve[1], wide, fwhm)
        for shift in shifts:
            values = unit_mean(np.interp(grid, wide + shift, smooth))
            error = float(((values - target)[keep] ** 2).mean())
            if error < least:
                best, least = (float(shift), float(fwhm)), error
    return best


def _jackknife(curve: Curve, reference: Curve, shift: float, fwhm: float) -> float:
    """Standard deviation of the shift, blocks of energies left out, eV; NaN for too few blocks."""
    grid = reference[0]
    block = ((grid - grid[0]) / _BLOCK).astype(int)
    if len(np.unique(block)) < _BLOCKS:
        return float("nan")
    near = shift + np.arange(-1.0, 1.0 + _FINE, _FINE)
    found = np.array(
        [_best(curve, reference, near, (fwhm,), block != b)[0] for b in np.unique(block)]
    )
    count = len(found)
    return float(np.sqrt((count - 1) / count * ((found - found.mean()) ** 2).sum()))
