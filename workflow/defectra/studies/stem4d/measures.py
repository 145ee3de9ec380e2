"""What is asked of latent variables: symmetry, angle, sites, vacancies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from sklearn.linear_model import LogisticRegression

from defectra.core.claims import Estimate
from defectra.learn.scores import FEW_GROUPS, Drawn, auroc, left_out_weights, student

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def within_orbits(values: Floats, orbit: Ints) -> float:
    """Share of the variance of values that lies within sets of equivalent places.

    Parameters
    ----------
    values
        Shape (n, l); variances of all columns are added.
    orbit
        Set of each place, shape (n,).
    """
    names, index = np.unique(orbit, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, index, values)
    means = sums / np.bincount(index)[:, None]
    total = ((values - values.mean(0)) ** 2).sum()
    return float(((values - means[index]) ** 2).sum() / total) if total > 0 else float("nan")


def follows(angle: Floats, deflection: Floats, least: float) -> tuple[float, int]:
    """How an angle follows the direction of the deflection, and at how many places.

    Length of the mean of ``exp(i (angle - atan2(y, x)))``: 1 if they differ by a constant.

    Parameters
    ----------
    deflection
        (x, y), shape (n, 2).
    least
        Places of a smaller deflection are left out.
    """
    strong = np.hypot(*deflection.T) > least
    if not strong.any():
        return float("nan"), 0
    difference = angle - np.arctan2(deflection[:, 1], deflection[:, 0])
    return float(np.abs(np.exp(1j * difference[strong]).mean())), int(strong.sum())


def noise_of_deflection(patterns: Floats, step: Floats) -> Floats:
    """Standard deviation of the deflection by counting, mrad along one axis, shape (n,)."""
    total = patterns.sum((1, 2))
    parts = []
    for axis, (size, width) in enumerate(zip(patterns.shape[1:], step, strict=True)):
        place = (np.arange(size) - size // 2) * width
        along = patterns.sum(2 - axis)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (along * place).sum(1) / total
            parts.append((along * (place - mean[:, None]) ** 2).sum(1) / total**2)
    result: Floats = np.sqrt(np.mean(parts, axis=0))
    return result


def apart(values: Floats, one: int, other: int) -> float:
    """Distance of two places over the spread of all: root of the mean square of the columns."""
    spread = np.sqrt(((values - values.mean(0)) ** 2).sum(1).mean())
    return float(np.linalg.norm(values[one] - values[other]) / spread)


@dataclass(frozen=True)
class Odds:
    """A quadratic logistic classifier.

    Attributes
    ----------
    mean, scale
        Of the values that it learned from, shape (l,).
    weights
        Of the terms of :func:`_terms`, the constant first.
    """

    mean: Floats
    scale: Floats
    weights: Floats

    @classmethod
    def of(cls, values: Floats, true: NDArray[np.bool_]) -> Odds:
        """Learn from values, shape (n, l)."""
        mean, scale = values.mean(0), np.maximum(values.std(0), 1e-12)
        terms = _terms((values - mean) / scale)
        found = LogisticRegression(max_iter=1000).fit(terms[:, 1:], true)
        return cls(mean, scale, np.concatenate([found.intercept_, found.coef_[0]]))

    def __call__(self, values: Floats) -> Floats:
        """Log odds of values, shape (n,)."""
        return np.asarray(_terms((values - self.mean) / self.scale) @ self.weights, np.float64)


def _terms(values: Floats) -> Floats:
    """Constant, values and their products, shape (n, terms)."""
    first, second = np.triu_indices(values.shape[1])
    products = values[:, first] * values[:, second]
    return np.column_stack([np.ones(len(values)), values, products])


def area(true: NDArray[np.bool_], scores: Floats) -> float:
    """Area under the receiver operating curve of scores (n,); ties count half."""
    return float(_areas(true, scores, np.ones((1, len(true))))[0])


def _areas(true: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """The same for weights of the places, shape (b, n); log odds are ties only if equal."""
    return auroc(true.astype(np.float64), scores, weights, digits=None)


def detection(scores: Floats, true: NDArray[np.bool_], resamples: int, seed: int) -> Estimate:
    """Area under the receiver operating curve, 90 % interval from resampled places.

    For scores whose errors are independent from place to place; else see :func:`redrawn`. Places
    with and without what is looked for are drawn apart; of few of either each is left out.
    """
    yes, no = np.flatnonzero(true), np.flatnonzero(~true)
    fewest, few = min(len(yes), len(no)), min(len(yes), len(no)) < FEW_GROUPS
    if few:
        weights = left_out_weights([str(k) for k in range(len(true))])
    else:
        draw, weights = np.random.default_rng(seed), np.ones((1 + resamples, len(true)))
        for own in weights[1:]:
            rows = np.concatenate([draw.choice(yes, len(yes)), draw.choice(no, len(no))])
            own[:] = np.bincount(rows, minlength=len(true))
    ends = Drawn(weights, few, fewest).ends(_areas(true, scores, weights), (0.0, 1.0))
    return Estimate(*ends, len(yes))


def redrawn(scores: Floats, again: Floats, true: NDArray[np.bool_]) -> Estimate:
    """Area under the curve, 90 % interval of Student's t from scores of counts drawn again.

    A mean over neighbouring places has errors that they share: resampled places would give an
    interval of a third of the width. Scores that are made anew from other counts share them alike.

    Parameters
    ----------
    scores
        Shape (n,).
    again
        The same from each of some draws of the counts, shape (draws, n), draws at least 2.
    """
    value = area(true, scores)
    areas = [area(true, s) for s in again]
    half = float(stdtrit(len(areas) - 1, 0.95) * np.std(areas, ddof=1))
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0), int(true.sum()))


def over_trainings(ratios: Floats, true: NDArray[np.bool_]) -> Estimate:
    """Area under the curve of a mean of networks, 90 % interval over their trainings.

    Jackknife with Student's t; that of a single network is not known.

    Parameters
    ----------
    ratios
        Log odds of each network, shape (networks, n).
    """
    count, total = len(ratios), ratios.sum(0)
    areas = [area(true, total)]
    areas += [area(true, total - r) for r in ratios] if count > 1 else []
    return Estimate(*student(np.array(areas, dtype=float), (0.0, 1.0)), count)
