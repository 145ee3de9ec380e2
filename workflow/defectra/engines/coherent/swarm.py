"""Particles that attract each other within a cut-off and repel each other when close.

``dr_i/dt = (2 / L)^2 sum_j h (1 - h) (r_j - r_i)`` with ``h(x) = (r_c / x) e(x)`` and the smooth
cut-off ``e(x) = (1 + tanh(1/(x - r_c) - 1/(x - 2 r_c))) / 2`` below ``r_c`` (arXiv:2311.14196).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.engines.coherent.integrate import integrated

Floats = NDArray[np.float64]


def cut_off(x: Floats, reach: float) -> Floats:
    """Smooth cut-off, from about 1/5 at 0 to 0 at `reach`, all derivatives zero there.

    Parameters
    ----------
    x
        Distances, any shape, length.
    reach
        Where it ends, length.
    """
    inside = x < reach * (1 - 1e-9)
    safe = np.where(inside, x, 0.5 * reach)
    value = 0.5 * (1 + np.tanh(1 / (safe - reach) - 1 / (safe - 2 * reach)))
    result: Floats = np.where(inside, value, 0.0)
    return result


def speed(x: Floats, reach: float, box: float) -> Floats:
    """Contribution of a neighbour to the velocity along the line to it; positive attracts.

    Parameters
    ----------
    x
        Distances above 0, any shape, length.
    reach, box
        Cut-off and side of the box, length.

    Returns
    -------
    Length/time.
    """
    pull = reach / x * cut_off(x, reach)
    result: Floats = (2 / box) ** 2 * pull * (1 - pull) * x
    return result


def velocity(place: Floats, reach: float, box: float) -> Floats:
    """Velocities of all particles.

    Parameters
    ----------
    place
        Shape (n, 2), length.

    Returns
    -------
    Shape (n, 2), length/time. The sum over all is zero.
    """
    away = place[None] - place[:, None]
    distance = np.sqrt((away**2).sum(axis=-1))
    np.fill_diagonal(distance, reach)  # where the law is zero
    factor = speed(distance, reach, box) / distance
    result: Floats = (factor[..., None] * away).sum(axis=1)
    return result


def trajectory(start: Floats, reach: float, box: float, times: Floats, tolerance: float) -> Floats:
    """Places at given times, by an explicit method of order 8.

    Parameters
    ----------
    start
        At ``times[0]``, shape (n, 2), length.
    tolerance
        Relative and absolute.

    Returns
    -------
    Shape (t, n, 2), length.

    Raises
    ------
    RuntimeError
        If the integrator gives up.
    """
    return integrated(lambda r: velocity(r, reach, box), start, times, tolerance)
