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

from defectra.units import FWHM_PER_SIGMA

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


def lorentzian(energy: ArrayLike, mu: ArrayLike, grid: ArrayLike, fwhm: float) -> Floats:
    """Convolve spectra with a Lorentzian of full width `fwhm` (eV); else as :func:`gaussian`."""
    if fwhm == 0:
        return gaussian(energy, mu, grid, 0.0)
    width = fwhm / 2

    def ramp(u: Floats) -> Floats:
        tail = np.log(u * u + width * width) * width / 2
        return u / 2 + (u * np.arctan(u / width) - tail) / np.pi

    return _convolve(energy, mu, grid, ramp)


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
