"""Trajectories of the simulated systems: Runge-Kutta of order 8 (Dormand and Prince)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

Floats = NDArray[np.float64]


def integrated(
    rate: Callable[[Floats], Floats], start: Floats, times: Floats, tolerance: float
) -> Floats:
    """States at some times.

    Parameters
    ----------
    rate
        Change of a state with time, of its shape.
    start
        State at ``times[0]``, any shape.
    tolerance
        Relative and absolute.

    Returns
    -------
    Shape (t, *start.shape).

    Raises
    ------
    RuntimeError
        If the integrator gives up, or the law gives no finite rate at the start: the integrator of
        SciPy would look for its first step for ever.
    """
    if not np.isfinite(rate(start)).all():
        raise RuntimeError("the law gives no finite rate of change at the start")
    found = solve_ivp(
        lambda _, y: rate(y.reshape(start.shape)).ravel(),
        (times[0], times[-1]),
        start.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=tolerance,
        atol=tolerance,
    )
    if not found.success:
        raise RuntimeError(found.message)
    result: Floats = found.y.T.reshape(-1, *start.shape)
    return result
