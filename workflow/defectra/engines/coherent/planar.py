"""Motions in a plane: a beam that wanders by a Lotka-Volterra law, a probe on a spiral.

Both move a fixed sample against a fixed probe as a whole. That the sample moves by ``d`` and that
the probe moves by ``-d`` gives the same pattern: only the relative place counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from defectra.engines.coherent.integrate import integrated

Floats = NDArray[np.float64]
Law = Callable[[Floats], Floats]


def lotka_volterra(place: Floats, alpha: float, beta: float, gamma: float, delta: float) -> Floats:
    """Rate ``(alpha x - beta x y, delta x y - gamma y)``, parameters in 1/time.

    Parameters
    ----------
    place
        (x, y), shape (..., 2), without unit.
    """
    x, y = place[..., 0], place[..., 1]
    result: Floats = np.stack([alpha * x - beta * x * y, delta * x * y - gamma * y], axis=-1)
    return result


def spiral(place: Floats, growth: float, turn: float, radius: float) -> Floats:
    """Rate of a spiral that winds onto a circle: ``growth (1 - |p|^2 / radius^2) p + turn J p``.

    Parameters
    ----------
    place
        Shape (..., 2), length.
    growth, turn
        1/time; `turn` is the angular frequency, counterclockwise.
    radius
        Of the circle, length.
    """
    square = (place**2).sum(axis=-1, keepdims=True)
    turned = np.stack([-place[..., 1], place[..., 0]], axis=-1)
    result: Floats = growth * (1 - square / radius**2) * place + turn * turned
    return result


LAWS: Mapping[str, Callable[..., Floats]] = {"source": lotka_volterra, "scan": spiral}


def trajectory(start: Floats, law: Law, times: Floats, tolerance: float) -> Floats:
    """Places at given times, by an explicit method of order 8.

    Parameters
    ----------
    start
        At ``times[0]``, shape (2,).
    tolerance
        Relative and absolute.

    Returns
    -------
    Shape (t, 2).

    Raises
    ------
    RuntimeError
        If the integrator gives up.
    """
    return integrated(law, start, times, tolerance)
