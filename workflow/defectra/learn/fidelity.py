"""Two fidelities: the fidelity as a descriptor, the difference learnt, and co-kriging.

Each function answers for the dear fidelity at new points from both fidelities. All share one
Gaussian process; they differ in what they assume of the two. Where the cheap value of a new point
is known it may be used (`cheap_new`): that is what a campaign has after its cheap runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NOISE, LENGTH = 0.15, 1.0


@dataclass(frozen=True)
class Pair:
    """Two fidelities of one quantity.

    Attributes
    ----------
    cheap_x, dear_x, new_x
        Descriptors, shape (n, p), (m, p), (k, p).
    cheap, dear
        Values, eV, shape (n,), (m,).
    cheap_dear, cheap_new
        Cheap values at the dear and at the new points, NaN where unknown, shape (m,), (k,).
    """

    cheap_x: Floats
    cheap: Floats
    dear_x: Floats
    dear: Floats
    cheap_dear: Floats
    new_x: Floats
    cheap_new: Floats


def single(pair: Pair) -> Floats:
    """The dear values alone; shape (k,)."""
    return _gaussian(pair.dear_x, pair.dear, pair.new_x)


def descriptor(pair: Pair) -> Floats:
    """Both fidelities in one model, the fidelity one more descriptor."""
    lift = 1.0
    x = np.vstack([_with(pair.cheap_x, 0.0), _with(pair.dear_x, lift)])
    return _gaussian(x, np.concatenate([pair.cheap, pair.dear]), _with(pair.new_x, lift))


def delta(pair: Pair) -> Floats:
    """The cheap value, known or predicted, plus a learnt difference."""
    at_dear, at_new = _cheap(pair)
    return at_new + _gaussian(pair.dear_x, pair.dear - at_dear, pair.new_x)


def co_kriging(pair: Pair) -> Floats:
    """The cheap value times rho, plus a difference (Kennedy and O'Hagan, Biometrika 87, 1, 2000).

    Rho is the generalised least-squares slope under the covariance of the difference.
    """
    at_dear, at_new = _cheap(pair)
    count = len(at_dear)
    prior = _kernel(pair.dear_x, pair.dear_x) + NOISE**2 * np.eye(count)
    design = np.column_stack([at_dear, np.ones(count)])
    weighted = np.linalg.solve(prior, design)
    rho = float(np.linalg.lstsq(design.T @ weighted, weighted.T @ pair.dear, rcond=None)[0][0])
    return rho * at_new + _gaussian(pair.dear_x, pair.dear - rho * at_dear, pair.new_x)


METHODS: Mapping[str, Callable[[Pair], Floats]] = {
    "single fidelity": single,
    "fidelity as descriptor": descriptor,
    "delta": delta,
    "co-kriging": co_kriging,
}


def _cheap(pair: Pair) -> tuple[Floats, Floats]:
    """Cheap values at the dear and new points: known ones, else predicted from cheap rows."""
    out = []
    for x, known in ((pair.dear_x, pair.cheap_dear), (pair.new_x, pair.cheap_new)):
        values = known.copy()
        blank = np.isnan(values)
        if blank.any():
            values[blank] = _gaussian(pair.cheap_x, pair.cheap, x[blank])
        out.append(values)
    return out[0], out[1]


def _with(x: Floats, value: float) -> Floats:
    return np.column_stack([x, np.full(len(x), value * np.sqrt(x.shape[1] + 1))])


def _gaussian(x: Floats, y: Floats, new: Floats) -> Floats:
    """Mean of a Gaussian process with a Matern 3/2 kernel on scaled descriptors."""
    mean, width = float(y.mean()), float(y.std()) or 1.0
    prior = _kernel(x, x) + (NOISE**2 / max(width**2, 1e-6)) * np.eye(len(x))
    weights = np.linalg.solve(prior, (y - mean) / width)
    return np.asarray(mean + width * (_kernel(new, x) @ weights))


def _kernel(left: Floats, right: Floats) -> Floats:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    reach = np.sqrt(3 * np.maximum(squares, 0.0) / left.shape[1]) / LENGTH
    return np.asarray((1 + reach) * np.exp(-reach))
