"""An interval of 90 % from inputs: quantile regression, widened until held-out groups are covered.

Both ends are linear in the inputs, their squares and products (Koenker and Bassett, Econometrica
46, 33 (1978)); the margin is that of conformalised quantile regression (Romano, Patterson and
Candès, NeurIPS 2019), from residuals of groups that were left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVEL = 0.9
PENALTY = 1e-3  # of the sum of coefficients of standardised terms
FOLDS = 4
LEAST = 1e-9  # of a standard deviation


@dataclass(frozen=True)
class QuantileBand:
    """Lower and upper end as functions of inputs.

    Attributes
    ----------
    mean, scale
        Of the inputs, shape (p,).
    least, most
        Of the standardised inputs seen; beyond them the outermost counts, shape (p,).
    low, high
        Coefficients of 1, inputs, squares and products, shape (1 + p + p (p + 1) / 2,).
    margin
        Added on both sides; below 0 if the regression alone is too wide.
    """

    mean: Floats
    scale: Floats
    least: Floats
    most: Floats
    low: Floats
    high: Floats
    margin: float

    def ends(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Lower and upper end for inputs of shape (n, p), shape (n,) each."""
        x = np.clip((inputs - self.mean) / self.scale, self.least, self.most)
        both = terms(x) @ np.column_stack([self.low, self.high])
        lower, upper = both.min(axis=1) - self.margin, both.max(axis=1) + self.margin
        middle = (lower + upper) / 2
        return np.minimum(lower, middle), np.maximum(upper, middle)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {k: np.asarray(v).tolist() for k, v in asdict(self).items()}


def band_of_json(plain: Mapping[str, Any]) -> QuantileBand:
    """The inverse of :meth:`QuantileBand.as_json`."""
    mean, scale, least, most, low, high = (
        np.array(plain[name], np.float64)
        for name in ("mean", "scale", "least", "most", "low", "high")
    )
    return QuantileBand(mean, scale, least, most, low, high, float(plain["margin"]))


def terms(x: Floats) -> Floats:
    """1, the inputs, their squares and products, shape (n, 1 + p + p (p + 1) / 2)."""
    first, second = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, first] * x[:, second]])


def learn_band(
    inputs: Floats, target: Floats, groups: Sequence[str]
) -> tuple[QuantileBand, Floats]:
    """A band, and the ends that rows had while their group was left out.

    Parameters
    ----------
    inputs
        Shape (n, p).
    target
        What the band is to cover, shape (n,).
    groups
        Of the rows; a group is left out as a whole.

    Returns
    -------
    The band, and ends with its margin, shape (n, 2).
    """
    _, number = np.unique(np.asarray(groups), return_inverse=True)
    held = np.zeros((len(target), 2))
    for fold in range(FOLDS):
        there = number % FOLDS == fold
        if there.any():
            held[there] = np.column_stack(_fit(inputs[~there], target[~there]).ends(inputs[there]))
    margin = _margin(np.maximum(held[:, 0] - target, target - held[:, 1]))
    band = replace(_fit(inputs, target), margin=margin)
    return band, held + np.array([-margin, margin])


def _margin(missed: Floats) -> float:
    place = min(len(missed) - 1, int(np.ceil((len(missed) + 1) * LEVEL)) - 1)
    return float(np.sort(missed)[place])


def _fit(inputs: Floats, target: Floats) -> QuantileBand:
    mean, scale = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), LEAST)
    x = (inputs - mean) / scale
    tail = (1 - LEVEL) / 2
    low, high = (_regression(terms(x), target, level) for level in (tail, 1 - tail))
    return QuantileBand(mean, scale, x.min(axis=0), x.max(axis=0), low, high, 0.0)


def _regression(columns: Floats, target: Floats, level: float) -> Floats:
    """Coefficients of a quantile; the first column is 1 and is not penalised."""
    from sklearn.linear_model import QuantileRegressor

    mean = columns[:, 1:].mean(axis=0)
    scale = np.maximum(columns[:, 1:].std(axis=0), LEAST)
    model = QuantileRegressor(quantile=level, alpha=PENALTY, solver="highs")
    model.fit((columns[:, 1:] - mean) / scale, target)
    slopes = model.coef_ / scale
    return np.array([model.intercept_ - mean @ slopes, *slopes])
