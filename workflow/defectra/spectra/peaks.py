"""Where a spectrum has its largest value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def peak_position(energy: Floats, mu: Floats) -> Floats:
    """Energy of the largest value by the parabola through it and its neighbours, eV.

    Parameters
    ----------
    energy
        Even grid, eV, shape (g,).
    mu
        Curves, shape (..., g).

    Returns
    -------
    ndarray
        Shape (...), NaN where the largest value is at an end of the grid.
    """
    top = np.clip(mu.argmax(axis=-1), 1, len(energy) - 2)
    a, b, c = (np.take_along_axis(mu, (top + k)[..., None], -1)[..., 0] for k in (-1, 0, 1))
    inside = (b >= a) & (b >= c) & (a - 2 * b + c < 0)
    bend = np.where(inside, a - 2 * b + c, 1.0)
    step = energy[1] - energy[0]
    return np.where(inside, energy[top] + 0.5 * step * (a - c) / bend, np.nan)
