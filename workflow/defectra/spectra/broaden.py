"""Broadening of piecewise-linear spectra, exact on any grid.

A spectrum given at knots is taken as the straight lines between them, continued as constants
beyond both ends. Such a function is its first value plus one ramp for each change of slope, so
its convolution with a kernel is the same sum over the convolved ramp, which is known in closed
form: no grid is involved, constants stay constant and a compact peak keeps its area.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.core.units import FWHM_PER_SIGMA

Floats = NDArray[np.float64]
_BLOCK = 1_000_000  # numbers held at once
_REACH = 8.5  # standard deviations beyond which the Gaussian is below double precision


def gaussian(energy: ArrayLike, mu: ArrayLike, grid: ArrayLike, fwhm: float) -> Floats:
    """Convolve spectra with a Gaussian and evaluate them on a grid.

    Parameters
    ----------
    energy
        Knots, eV, non-decreasing, any spacing; shape (k,) or (n, k). Repeating the last knot
        pads a shorter spectrum.
    mu
        Values at the knots, shape (k,) or (n, k).
    grid
        Energies of the answer, eV, any spacing, shape (g,).
    fwhm
        Full width at half maximum, eV; 0 interpolates.

    Returns
    -------
    ndarray
        Shape (g,) or (n, g), unit of `mu`.
    """
    from scipy.special import ndtr

    sigma = fwhm / FWHM_PER_SIGMA

    def ramp(u: Floats) -> Floats:
        out = np.maximum(u, 0.0)
        near = np.abs(u) < _REACH * sigma
        t = np.abs(u[near]) / sigma if sigma else u[near]
        out[near] += sigma * (np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi) - t * ndtr(-t))
        return out

    return _convolve(energy, mu, grid, ramp)


def lorentzian(energy: ArrayLike, mu: ArrayLike, grid: ArrayLike, fwhm: float | Floats) -> Floats:
    """Convolve spectra with a Lorentzian; else as :func:`gaussian`.

    Parameters
    ----------
    fwhm
        Full width, eV; or one for each energy of the grid, shape (g,), for a lifetime that
        falls with the energy of the photoelectron. The width is that of the energy where the
        answer stands, so that a constant stays constant.
    """
    if np.ndim(fwhm) == 0 and fwhm == 0:
        return gaussian(energy, mu, grid, 0.0)
    width = np.asarray(fwhm, np.float64) / 2
    if (width <= 0).any():
        raise ValueError("each width of a Lorentzian must be positive")
    width = width[None, :, None] if np.ndim(fwhm) else width

    def ramp(u: Floats) -> Floats:
        tail = np.log(u * u + width * width) * width / 2
        return u / 2 + (u * np.arctan(u / width) - tail) / np.pi

    return _convolve(energy, mu, grid, ramp)


def voigt(
    energy: ArrayLike,
    mu: ArrayLike,
    grid: ArrayLike,
    fwhm: float,
    lorentz_fwhm: float | Callable[[Floats], Floats],
) -> Floats:
    """Convolve with a Lorentzian, then with a Gaussian; else as :func:`gaussian`.

    The first is evaluated on knots a fortieth of the Gaussian apart, which leaves an error of
    order 1e-4 of the curvature.

    Parameters
    ----------
    fwhm
        Of the Gaussian, eV, positive.
    lorentz_fwhm
        Of the Lorentzian, eV; or a function of the energies (eV) that gives it.
    """
    points = np.asarray(grid, np.float64)
    margin = _REACH * fwhm / FWHM_PER_SIGMA
    count = int(np.ceil((np.ptp(points) + 2 * margin) / (fwhm / 40))) + 1
    knots = np.linspace(points.min() - margin, points.max() + margin, count)
    width = lorentz_fwhm(knots) if callable(lorentz_fwhm) else lorentz_fwhm
    middle = lorentzian(energy, mu, knots, width)
    return gaussian(np.broadcast_to(knots, middle.shape), middle, points, fwhm)


def lifetime(core_fwhm: float, fermi: float, divisor: float) -> Callable[[Floats], Floats]:
    """Lorentzian width (eV) that grows with energy above the Fermi level, as Lightshow has it.

    Parameters
    ----------
    core_fwhm
        Of the core hole, eV.
    fermi
        eV, on the axis of the spectrum.
    divisor
        The width grows by one eV each `divisor` eV above the Fermi level.
    """
    return lambda energy: core_fwhm + np.maximum(energy - fermi, 0.0) / divisor


def _convolve(
    energy: ArrayLike, mu: ArrayLike, grid: ArrayLike, ramp: Callable[[Floats], Floats]
) -> Floats:
    x, y = np.atleast_2d(np.asarray(energy, np.float64)), np.atleast_2d(np.asarray(mu, np.float64))
    points = np.asarray(grid, np.float64)
    if x.shape != y.shape:
        raise ValueError(f"energies have shape {x.shape}, absorption {y.shape}")
    step = np.diff(x, axis=1)
    if (step < 0).any():
        raise ValueError("energies must not decrease")
    change = _slope_changes(step, np.diff(y, axis=1))
    out = np.empty((len(x), len(points)))
    rows = max(1, _BLOCK // (x.shape[1] * len(points)))
    for a in range(0, len(x), rows):
        part = slice(a, a + rows)
        kernel = ramp(points[None, :, None] - x[part, None, :])
        out[part] = y[part, :1] + np.einsum("ngk,nk->ng", kernel, change[part])
    return out[0] if np.ndim(mu) == 1 else out


def _slope_changes(step: Floats, rise: Floats) -> Floats:
    """Change of slope at each knot, shape (n, k); the slope is zero outside."""
    if ((step == 0) & (rise != 0)).any():
        raise ValueError("two values at one energy")
    slope = np.divide(rise, step, out=np.zeros_like(rise), where=step > 0)
    return np.diff(np.pad(slope, ((0, 0), (1, 1))), axis=1)
