"""Dynamic mode decomposition: the best linear step from pattern to pattern; no network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def linear_forecast(series: Floats, steps: Floats, energy: float = 0.999) -> Floats:
    """Foretell a series by exact dynamic mode decomposition (Schmid, J. Fluid Mech. 656, 5, 2010).

    Parameters
    ----------
    series
        Shape (t, ...), at equal intervals.
    steps
        Intervals after the last item, shape (k,), may be fractions.
    energy
        Share of the squared singular values that is kept.

    Returns
    -------
    Shape (k, ...). Growing modes are held at modulus 1, as otherwise they overflow.
    """
    flat = series.reshape(len(series), -1).T
    first, second = flat[:, :-1], flat[:, 1:]
    u, s, vt = np.linalg.svd(first, full_matrices=False)
    share = np.cumsum(s**2) / np.sum(s**2)
    rank = int(np.searchsorted(share, energy)) + 1
    u, s, vt = u[:, :rank], s[:rank], vt[:rank]
    value, vector = np.linalg.eig(u.T @ second @ vt.T / s)
    value = value.astype(complex) / np.maximum(1, np.abs(value))
    start = np.linalg.lstsq(vector, (u.T @ flat[:, -1]).astype(complex), rcond=None)[0]
    modes = vector @ (start[:, None] * value[:, None] ** np.asarray(steps)[None, :])
    return (u @ modes.real).T.reshape(len(steps), *series.shape[1:])
