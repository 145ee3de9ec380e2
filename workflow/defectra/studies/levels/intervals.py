"""How wide an interval is: by what the model expects, and by the distance from what was learnt.

The half width is a quantile of the absolute error. Its logarithm is linear in the logarithm of the
predicted standard deviation and in the distance of the host from the nearest learnt host:

    log h = a + b log(sigma) + d distance,    0 <= b <= 1,    d >= 0

a, b and d minimise the quantile loss (Koenker and Bassett, Econometrica 46, 33 (1978)) over errors
of groups that were left out, each group weighing the same; then all widths are multiplied by one
number, so that the wanted share of these errors lies inside (split conformal prediction: Lei et
al., J. Am. Stat. Assoc. 113, 1094 (2018)). Where the host of the left-out rows was learnt, all
distances are zero, and so is d.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

Floats = NDArray[np.float64]

DRAWS = 2000  # of :func:`groups_within`
LEAST_EV = 1e-3  # smaller errors count as this: their logarithm would rule
_SMOOTH = 0.02  # width of the rounded corner of the quantile loss, in logarithms
_PULL = 1e-3  # towards b = 1, d = 0: decides only what the errors leave open


@dataclass(frozen=True)
class Width:
    """Half width of an interval as a function of standard deviation and distance.

    Attributes
    ----------
    offset, power, growth
        a, b and d of the module's formula; eV and distance 1 are the units.
    """

    offset: float
    power: float
    growth: float

    def half(self, deviation: Floats, distance: Floats) -> Floats:
        """Half widths in eV; both arguments of one shape."""
        logarithm = self.offset + self.power * np.log(deviation) + self.growth * distance
        return np.asarray(np.exp(logarithm))


def learn_width(
    error: Floats, deviation: Floats, distance: Floats, groups: Sequence[str], level: float
) -> Width:
    """Width from the errors of left-out groups.

    Parameters
    ----------
    error
        Absolute errors in eV, shape (n, q).
    deviation, distance
        Predicted standard deviation (eV) and distance of each row, shape (n,).
    groups
        What each row was left out with.
    level
        Share of errors that the interval is to hold.
    """
    columns = error.shape[1]
    weight = np.repeat(_even(groups), columns) / columns
    logarithm = np.log(np.maximum(error, LEAST_EV)).ravel()
    known = np.repeat(np.column_stack([np.ones(len(error)), np.log(deviation), distance]),
                      columns, axis=0)  # fmt: skip
    found = _quantile_line(logarithm, known, weight, level)
    excess = logarithm - known @ found
    order = np.argsort(excess, kind="stable")
    reached = np.cumsum(weight[order])
    place = min(int(np.searchsorted(reached, level)), len(order) - 1)
    return Width(float(found[0] + excess[order][place]), float(found[1]), float(found[2]))


def _even(groups: Sequence[str]) -> Floats:
    """Weight of each row: groups weigh the same, the sum is 1."""
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    weight = 1.0 / np.bincount(index)[index]
    return np.asarray(weight / weight.sum())


def _quantile_line(values: Floats, known: Floats, weight: Floats, level: float) -> Floats:
    """Coefficients of a quantile that is linear in the columns of `known`, by a smooth loss."""
    start = np.array([float(np.quantile(values - known[:, 1], level)), 1.0, 0.0])

    def loss(found: Floats) -> tuple[float, Floats]:
        excess = values - known @ found
        above = 1 / (1 + np.exp(-np.clip(excess / _SMOOTH, -500, 500)))
        each = _SMOOTH * np.logaddexp(0, excess / _SMOOTH) - (1 - level) * excess
        slope = -known.T @ (weight * (above - (1 - level)))
        away = np.array([0.0, found[1] - 1.0, found[2]])
        return float(weight @ each + _PULL / 2 * away @ away), slope + _PULL * away

    bounds = [(None, None), (0.0, 1.0), (0.0, None)]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def groups_within(
    missed: Floats, groups: Sequence[str], level: float, bounds: tuple[float, float], seed: int
) -> Floats:
    """Groups whose coverage would lie within `bounds` if the intervals held as they should.

    The levels of a defect are missed together or not, so that a host of ten defects has far fewer
    than sixty chances. Defects are drawn from all of them, groups weighing the same, with weights
    that make the mean share of missed levels exactly 1 - `level`.

    Parameters
    ----------
    missed
        Share of the levels of each defect that its interval missed, shape (n,).

    Returns
    -------
    Number of groups within the bounds in each of :data:`DRAWS` draws.
    """
    weight = _tilted(missed, _even(groups), 1 - level)
    generator = np.random.default_rng(seed)
    sizes = np.unique(np.asarray(groups, dtype=str), return_counts=True)[1]
    inside = np.zeros(DRAWS)
    for size in sizes:
        drawn = generator.choice(missed, (DRAWS, size), p=weight)
        covered = 1 - drawn.mean(axis=1)
        inside += (bounds[0] <= covered) & (covered <= bounds[1])
    return inside


def _tilted(values: Floats, weight: Floats, mean: float) -> Floats:
    """Weights nearest to `weight` (relative entropy) under which `values` have a mean."""

    def tilt(power: float) -> Floats:
        out = weight * np.exp(power * (values - values.mean()))
        return np.asarray(out / out.sum())

    found = brentq(lambda power: float(tilt(power) @ values) - mean, -200.0, 200.0)
    return tilt(found)
