"""Ensembles from members: accuracy, overlap, calibration, uncertainty, ice fraction with a band.

EA is the ensemble of five architectures, ER that of five copies of one; both are means of the
members' probabilities. Every score is a mean over frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.scores import auroc_of_order, order
from defectra.studies.segmentation.data import Frames

Row = dict[str, Any]
Floats = NDArray[np.float64]
BINS = 15
SCORES = ("accuracy", "iou", "ece", "brier", "nll")
HIGHER = ("accuracy", "iou")
LEAST = 1e-6


@dataclass(frozen=True)
class Scored:
    """Sums of one frame, from which the scores of any set of frames follow.

    Attributes
    ----------
    correct, common, either, brier, nll
        Means over its pixels; of the overlap the counts of pixels.
    confidence, hits, counts
        Sums by bin of confidence, shape (BINS,).
    """

    correct: Floats
    common: Floats
    either: Floats
    brier: Floats
    nll: Floats
    confidence: Floats
    hits: Floats
    counts: Floats


def scored(probability: NDArray[Any], truth: NDArray[Any]) -> Scored:
    """Sums of each frame; both of shape (n, h, w)."""
    p = np.clip(np.asarray(probability, float), LEAST, 1 - LEAST).reshape(len(truth), -1)
    y = np.asarray(truth, float).reshape(len(truth), -1) > 0.5
    said = p > 0.5
    sure = np.where(said, p, 1 - p)
    number = np.clip(((sure - 0.5) * 2 * BINS).astype(int), 0, BINS - 1)
    flat = number + BINS * np.arange(len(y))[:, None]

    def by_bin(values: Floats) -> Floats:
        sums = np.bincount(flat.ravel(), values.ravel(), len(y) * BINS)
        return np.asarray(sums, np.float64).reshape(len(y), BINS)

    right = (said == y).astype(float)
    return Scored(
        right.mean(axis=1),
        (said & y).sum(axis=1).astype(float),
        (said | y).sum(axis=1).astype(float),
        ((p - y) ** 2).mean(axis=1),
        -np.log(np.where(y, p, 1 - p)).mean(axis=1),
        by_bin(sure),
        by_bin(right),
        by_bin(np.ones_like(p)),
    )


def score(found: Scored, weights: Floats) -> dict[str, Floats]:
    """Scores of weighted frames.

    Parameters
    ----------
    weights
        How often each frame counts, shape (b, n).

    Returns
    -------
    ``accuracy``, ``iou`` (of ice, pixels of all frames together), ``ece`` (expected calibration
    error, 15 bins of confidence), ``brier``, ``nll``; each of shape (b,).
    """
    total = weights.sum(axis=1)
    counts = weights @ found.counts
    gap = np.abs(weights @ found.hits - weights @ found.confidence)
    return {
        "accuracy": weights @ found.correct / total,
        "iou": (weights @ found.common) / np.maximum(weights @ found.either, 1),
        "ece": gap.sum(axis=1) / counts.sum(axis=1),
        "brier": weights @ found.brier / total,
        "nll": weights @ found.nll / total,
    }


def uncertainty(members: NDArray[Any]) -> dict[str, Floats]:
    """Uncertainty of each frame from its members, shape (m, n, h, w).

    ``entropy`` of the mean answer, and its part by which the members differ (``disagreement``:
    mutual information of answer and member), nats, mean over pixels, shape (n,).
    """
    p = np.clip(np.asarray(members, float), LEAST, 1 - LEAST)
    mean = p.mean(axis=0)
    total = entropy(mean).mean(axis=(1, 2))
    within = entropy(p).mean(axis=(0, 2, 3))
    return {"entropy": total, "disagreement": np.maximum(total - within, 0)}


def entropy(p: Floats) -> Floats:
    """Of a probability of two outcomes, nats, any shape."""
    return np.asarray(-p * np.log(p) - (1 - p) * np.log(1 - p))


def weighted_auroc(good: Floats, poor: Floats, good_often: Floats, poor_often: Floats) -> Floats:
    """Probability that a poor frame has the higher score, shape (b,); NaN where one side has none.

    Ties count half.

    Parameters
    ----------
    good_often, poor_often
        How often each frame counts, shape (b, n) and (b, m).
    """
    return auroc_of_order(order(poor, good), poor_often, good_often)


def fractions(members: NDArray[Any]) -> tuple[Floats, Floats]:
    """Ice fraction of each frame and its standard deviation over members, shape (n,) each."""
    each = np.asarray(members, float).mean(axis=(2, 3))
    return each.mean(axis=0), each.std(axis=0, ddof=1)


def band_factor(fraction: Floats, spread: Floats, truth: Floats, level: float = 0.9) -> float:
    """What the spread has to be multiplied by to cover `level` of the frames it is set on.

    Split-conformal quantile of the misses in units of the spread (Lei et al., J. Am. Stat. Assoc.
    113, 1094 (2018)).
    """
    miss = np.sort(np.abs(fraction - truth) / floor(spread))
    place = min(len(miss) - 1, int(np.ceil((len(miss) + 1) * level)) - 1)
    return float(miss[place])


def floor(spread: Floats) -> Floats:
    """Spread of a fraction with a least value, so that equal members are not taken for sure."""
    return np.asarray(spread + 0.01)


def truth_fraction(frames: Frames) -> Floats:
    """True ice fraction of each frame, shape (n,)."""
    return np.asarray(frames.truth[:, 0].mean(axis=(1, 2)), float)


def ranked(validation: Mapping[str, NDArray[Any]], truth: NDArray[Any]) -> list[str]:
    """Architectures by their loss on the validation frames, best first."""
    weights = np.ones((1, len(truth)))
    losses = {n: float(score(scored(p, truth), weights)["nll"][0]) for n, p in validation.items()}
    return sorted(losses, key=losses.__getitem__)
