"""Normalisation of spectra on a grid, and the cumulative distribution feature."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def unit_area(energy: ArrayLike, mu: ArrayLike) -> Floats:
    """Scale spectra to unit area on the grid (trapezium rule).

    Parameters
    ----------
    energy
        Grid, eV, shape (g,).
    mu
        Absorption, shape (..., g).

    Returns
    -------
    ndarray
        Shape of `mu`, 1/eV.

    Raises
    ------
    ValueError
        If an area is not positive.
    """
    values = np.asarray(mu, np.float64)
    area = np.asarray(np.trapezoid(values, np.asarray(energy, np.float64), axis=-1))
    if not (area > 0).all():
        raise ValueError("a spectrum without area on its grid cannot be normalised")
    return values / area[..., None]


def cdf(mu: ArrayLike) -> Floats:
    """Cumulative sum over the last axis divided by its last value, as in arXiv:2310.07049.

    Absorption below zero counts as zero, so that the curve never falls. For spectra on an even
    grid; the shape is that of `mu`, values from 0 to 1, the last is 1.

    Raises
    ------
    ValueError
        If a spectrum has no positive value.
    """
    total = np.cumsum(np.clip(np.asarray(mu, np.float64), 0.0, None), axis=-1)
    last = total[..., -1:]
    if not (last > 0).all():
        raise ValueError("a spectrum without a positive value has no cumulative distribution")
    return total / last


def relative_rms(mu: ArrayLike, reference: ArrayLike) -> Floats:
    """RMS of `mu` minus `reference` over RMS of `reference`, along the last axis."""
    a, b = np.asarray(mu, np.float64), np.asarray(reference, np.float64)
    return np.sqrt(((a - b) ** 2).mean(axis=-1) / (b**2).mean(axis=-1))
