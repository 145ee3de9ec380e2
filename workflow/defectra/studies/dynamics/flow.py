"""Trajectories of a law that can be differentiated: Runge-Kutta of fourth order in torch.

The gradient is that of the discrete steps (backpropagation through them); a test compares it with
finite differences and with the continuous adjoint of torchdiffeq.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Law = Callable[[Tensor], Tensor]


def rk4_step(law: Law, state: Tensor, step: float) -> Tensor:
    """State one step later.

    Parameters
    ----------
    law
        Rate of change of a state, same shape.
    step
        Time.
    """
    a = law(state)
    b = law(state + 0.5 * step * a)
    c = law(state + 0.5 * step * b)
    d = law(state + step * c)
    return state + step / 6 * (a + 2 * b + 2 * c + d)


def flow(law: Law, start: Tensor, number: int, interval: float, substeps: int) -> Tensor:
    """States at equal intervals.

    Parameters
    ----------
    law
        Rate of change of a state; it does not depend on time.
    start
        State at the first time, any shape.
    number
        States, the first included.
    interval
        Time between states.
    substeps
        Steps of the integrator in an interval.

    Returns
    -------
    Shape (number, *shape of the state).
    """
    states = [start]
    for _ in range(number - 1):
        state = states[-1]
        for _ in range(substeps):
            state = rk4_step(law, state, interval / substeps)
        states.append(state)
    return torch.stack(states)
