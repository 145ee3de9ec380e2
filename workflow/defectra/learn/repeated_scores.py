"""Means over repeats of the metrics of :mod:`defectra.learn.scores`, all repeats at once.

The rows have the same labels in every repeat, so that what differs between repeats is summed before
it meets the resamples: a thousand resamples of hundreds of repeats are a few matrix products.
Shapes: b resamples, d repeats, n rows; the answer is (b,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.learn.scores import DIGITS, auroc_of_order, order

Floats = NDArray[np.float64]


def rmse_and_r2(truth: Floats, predictions: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Root mean square error and coefficient of determination."""
    total = weights.sum(axis=1)
    squares = weights @ ((predictions - truth) ** 2).T / total[:, None]
    variance = weights @ truth**2 / total - (weights @ truth / total) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = 1 - squares.mean(axis=1) / np.where(variance > 0, variance, np.nan)
    return np.sqrt(squares).mean(axis=1), r2


def balanced_accuracy(truth: Floats, predictions: Floats, weights: Floats) -> Floats:
    """Mean of the two recalls at probability 1/2."""
    right = ((predictions > 0.5) == (truth > 0.5)).mean(axis=0)
    shares = []
    for kind in (truth > 0.5, truth <= 0.5):
        total = weights[:, kind].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares.append(weights[:, kind] @ right[kind] / total)
    return np.asarray(np.mean(shares, axis=0))


def auroc(truth: Floats, predictions: Floats, weights: Floats) -> Floats:
    """Chance that a positive scores above a negative, ties half; labels 0 or 1.

    Positives times negatives are compared in each repeat: for rows by the hundred.
    """
    rounded, positive = np.round(predictions, DIGITS), truth > 0.5
    above = np.zeros((int(positive.sum()), int((~positive).sum())))
    for own in rounded:
        above += order(own[positive], own[~positive])
    return auroc_of_order(above / len(rounded), weights[:, positive], weights[:, ~positive])
