"""Two fidelities: the fidelity as a descriptor, the difference learnt, and co-kriging.

Each function predicts the high fidelity at new points from both fidelities. All share one
Gaussian process; they differ in what they assume of the two. Where the low-fidelity value of a new
point is known it may be used (`low_at_new`): a campaign has it after its low-fidelity runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.learn.gaussian_posterior import solved

Floats = NDArray[np.float64]
NOISE, LENGTH = 0.15, 1.0


@dataclass(frozen=True)
class Pair:
    """Two fidelities of one quantity.

    Attributes
    ----------
    low_x, high_x, new_x
        Descriptors, shape (n, p), (m, p), (k, p).
    low, high
        Values, eV, shape (n,), (m,).
    low_at_high, low_at_new
        Low-fidelity values at the high-fidelity and the new points, NaN where unknown, shape
        (m,), (k,).
    """

    low_x: Floats
    low: Floats
    high_x: Floats
    high: Floats
    low_at_high: Floats
    new_x: Floats
    low_at_new: Floats


def single(pair: Pair) -> Floats:
    """The high-fidelity values alone; shape (k,)."""
    return _gaussian(pair.high_x, pair.high, pair.new_x)


def descriptor(pair: Pair) -> Floats:
    """Both fidelities in one model, the fidelity one more descriptor."""
    lift = 1.0
    x = np.vstack([_with(pair.low_x, 0.0), _with(pair.high_x, lift)])
    return _gaussian(x, np.concatenate([pair.low, pair.high]), _with(pair.new_x, lift))


def delta(pair: Pair) -> Floats:
    """The low-fidelity value, known or predicted, plus a learnt difference."""
    at_high, at_new = _low_fidelity(pair)
    return at_new + _gaussian(pair.high_x, pair.high - at_high, pair.new_x)


def co_kriging(pair: Pair) -> Floats:
    """Low fidelity times rho, plus a difference (Kennedy and O'Hagan, Biometrika 87, 1, 2000).

    Rho is the generalised least-squares slope under the covariance of the difference.
    """
    at_high, at_new = _low_fidelity(pair)
    count = len(at_high)
    prior = _kernel(pair.high_x, pair.high_x) + NOISE**2 * np.eye(count)
    design = np.column_stack([at_high, np.ones(count)])
    weighted = solved(prior, design)
    rho = float(np.linalg.lstsq(design.T @ weighted, weighted.T @ pair.high, rcond=None)[0][0])
    return rho * at_new + _gaussian(pair.high_x, pair.high - rho * at_high, pair.new_x)


METHODS: Mapping[str, Callable[[Pair], Floats]] = {
    "single fidelity": single,
    "fidelity as descriptor": descriptor,
    "delta": delta,
    "co-kriging": co_kriging,
}


def _low_fidelity(pair: Pair) -> tuple[Floats, Floats]:
    """Low fidelity at high-fidelity and new points: known values, else predicted ones."""
    out = []
    for x, known in ((pair.high_x, pair.low_at_high), (pair.new_x, pair.low_at_new)):
        values = known.copy()
        blank = np.isnan(values)
        if blank.any():
            values[blank] = _gaussian(pair.low_x, pair.low, x[blank])
        out.append(values)
    return out[0], out[1]


def _with(x: Floats, value: float) -> Floats:
    return np.column_stack([x, np.full(len(x), value * np.sqrt(x.shape[1] + 1))])


def _gaussian(x: Floats, y: Floats, new: Floats) -> Floats:
    """Mean of a Gaussian process with a Matern 3/2 kernel on scaled descriptors."""
    mean, width = float(y.mean()), float(y.std()) or 1.0
    prior = _kernel(x, x) + (NOISE**2 / max(width**2, 1e-6)) * np.eye(len(x))
    weights = solved(prior, (y - mean) / width)
    return np.asarray(mean + width * (_kernel(new, x) @ weights))


def _kernel(left: Floats, right: Floats) -> Floats:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    reach = np.sqrt(3 * np.maximum(squares, 0.0) / left.shape[1]) / LENGTH
    return np.asarray((1 + reach) * np.exp(-reach))
