"""Metrics of out-of-fold predictions with bootstrap intervals over groups.

Every metric takes weights, one set for each resample, so that a thousand resamples are a few
matrix products. Shapes: b resamples, n rows. Repeats are scored one by one and averaged.

A bootstrap over very few groups gives intervals that are too narrow. For these there are weights
that leave each group out in turn (jackknife), and Student's interval from what they give;
:class:`Drawn` and :func:`over_groups` take the one or the other by the number of groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric

FEW_GROUPS = 10  # groups from which on a percentile bootstrap is believed
DIGITS = 9  # probabilities that are equal to so many are ties
NORMAL_90 = 1.645  # standard deviations of a normal distribution on either side that hold 90 %
Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats, Floats], Floats]


def group_weights(groups: Sequence[str], resamples: int, seed: int) -> Floats:
    """Weights of the rows, shape (1 + resamples, n); the first set is the sample itself."""
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    count = int(index.max()) + 1
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.vstack([np.ones(count), drawn])[:, index].astype(np.float64)


def interval(values: Floats, level: float = 0.9) -> tuple[float, float, float]:
    """Value of the sample and percentile interval of the resamples; NaN where undefined."""
    rest = values[1:][np.isfinite(values[1:])]
    if not len(rest):
        return float(values[0]), float("nan"), float("nan")
    lo, hi = np.quantile(rest, [(1 - level) / 2, (1 + level) / 2])
    return float(values[0]), float(lo), float(hi)


def left_out_weights(groups: Sequence[str]) -> Floats:
    """Weights of the rows with all groups and then without each one, shape (1 + groups, n)."""
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    count = int(index.max()) + 1
    return np.vstack([np.ones(count), 1 - np.eye(count)])[:, index]


def student(
    values: Floats,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    count: int | None = None,
    level: float = 0.9,
) -> tuple[float, float, float]:
    """Value and interval of Student's t of a statistic of few groups; NaN ends where none is known.

    Of a mean over groups this is the interval of Student's t of their values. No interval is known
    below two groups, or where no group changes the statistic: ten pairs won of ten do not
    show that all are.

    Parameters
    ----------
    values
        Statistic with the weights of :func:`left_out_weights`.
    bounds
        Smallest and largest possible value of the statistic; the interval is clipped there.
    count
        Groups that count for the degrees of freedom, if fewer than those left out.
    """
    from scipy.special import stdtrit

    value, rest = float(values[0]), values[1:]
    count = len(rest) if count is None else count
    nothing = value, float("nan"), float("nan")
    if min(count, len(rest)) < 2 or not np.isfinite(values).all():
        return nothing
    error = float(np.sqrt((len(rest) - 1) / len(rest) * ((rest - rest.mean()) ** 2).sum()))
    if error <= 1e-12 * max(1.0, abs(value)):
        return nothing
    half = float(stdtrit(count - 1, (1 + level) / 2)) * error
    return value, max(value - half, bounds[0]), min(value + half, bounds[1])


def unseen(
    value: float, groups: int, bounds: tuple[float, float], level: float = 0.9
) -> tuple[float, float, float]:
    """Value and interval of a mean over groups that all agree; NaN ends without both bounds.

    That all of n groups agree does not show that all others would. Of groups that behave
    otherwise the share is below 1 - ((1 - level) / 2)**(1/n) with a confidence of (1 + level) / 2
    (Clopper and Pearson, Biometrika 26, 404 (1934)), and each of them moves the mean by no more
    than the distance to the bound.
    """
    low, high = bounds
    if not np.isfinite(low) or not np.isfinite(high):
        return value, float("nan"), float("nan")
    others = 1 - ((1 - level) / 2) ** (1 / groups)
    return value, value - others * (value - low), value + others * (high - value)


@dataclass(frozen=True)
class Drawn:
    """Weights of the rows by which the interval of a statistic is found.

    A percentile bootstrap over few groups is too narrow: instead of 0.9, an interval of the mean
    of normal values holds 0.75 with four, 0.85 with ten (Hesterberg, Am. Stat. 69, 371 (2015)).

    Attributes
    ----------
    weights
        Shape (1 + sets, n), the first set is the sample: bootstrap samples of groups, or of fewer
        than :data:`FEW_GROUPS` groups each one left out in turn.
    few
        Whether groups are left out.
    groups
        How many there are; of a difference between two parts, in the smaller one.
    """

    weights: Floats
    few: bool
    groups: int

    @classmethod
    def of(cls, groups: Sequence[str], resamples: int, seed: int) -> Drawn:
        """By the number of groups; of one group the sample alone."""
        count = len(set(map(str, groups)))
        if count >= FEW_GROUPS:
            return cls(group_weights(groups, resamples, seed), False, count)
        return cls(
            left_out_weights(groups) if count > 1 else np.ones((1, len(groups))), True, count
        )

    def ends(
        self,
        values: Floats,
        bounds: tuple[float, float] = (-np.inf, np.inf),
        level: float = 0.9,
        *,
        by_design: bool = False,
    ) -> tuple[float, float, float]:
        """Value and interval of a statistic, shape (1 + sets,); NaN ends where none is known.

        Where no bootstrap sample changes the statistic, the interval is that of :func:`unseen`.

        Parameters
        ----------
        by_design
            Whether the statistic is the same for any groups (:func:`one_class` of a model that
            learns nothing): then it is exact, and other groups can show nothing else.
        """
        if by_design:
            return (float(values[0]),) * 3
        if self.few:
            return student(values, bounds, self.groups, level)
        known = values[np.isfinite(values)]
        if len(known) and np.ptp(known) <= 1e-12 * max(1.0, abs(float(known[0]))):
            return unseen(float(values[0]), self.groups, bounds, level)
        return interval(values, level)


def over_groups(
    score_of_weights: Callable[[Floats], Floats],
    groups: Sequence[str],
    resamples: int,
    seed: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[float, float, float]:
    """Value and 90 % interval of a statistic over groups: a bootstrap of many, Student's t of few.

    Parameters
    ----------
    score_of_weights
        Statistic for weights of the rows, shape (b, n), as an array of shape (b,): a metric, or a
        difference or quotient of two on the same rows.
    groups
        What each row was left out with.
    resamples, seed
        Of the percentile bootstrap, with :data:`FEW_GROUPS` groups or more.
    bounds
        Smallest and largest possible value, where Student's interval is clipped.

    Returns
    -------
    NaN ends with one group, or where no group changes the statistic (:func:`student`).
    """
    drawn = Drawn.of(groups, resamples, seed)
    return drawn.ends(score_of_weights(drawn.weights), bounds)


def deviation(
    score_of_weights: Callable[[Floats], Floats], groups: Sequence[str], resamples: int, seed: int
) -> float:
    """Standard deviation of a statistic of a mean over groups, by bootstrap; NaN of one group.

    A bootstrap of n groups has (n - 1)/n of the variance of their mean (Efron and Tibshirani, An
    Introduction to the Bootstrap (1993)), half of it with two; that is made up for.
    """
    count = len(set(map(str, groups)))
    if count < 2:
        return float("nan")
    drawn = score_of_weights(group_weights(groups, resamples, seed)[1:])
    return float(np.std(drawn) * np.sqrt(count / (count - 1)))


BOUNDS: dict[Metric, tuple[float, float]] = {
    Metric.RMSE: (0.0, np.inf),
    Metric.RMSE_GROUPS: (0.0, np.inf),
    Metric.RMSE_RATIO: (0.0, np.inf),
    Metric.MAE: (0.0, np.inf),
    Metric.R2: (-np.inf, 1.0),
    Metric.SKILL: (-np.inf, 1.0),
    Metric.COVERAGE_90: (0.0, 1.0),
    Metric.WIDTH_90: (0.0, np.inf),
    Metric.BALANCED_ACCURACY: (0.0, 1.0),
    Metric.AUROC: (0.0, 1.0),
    Metric.AVERAGE_PRECISION: (0.0, 1.0),
    Metric.WIN_RATE: (0.0, 1.0),
    Metric.SHARE_OUTSIDE: (0.0, 1.0),
    Metric.RELATIVE_RMS: (0.0, np.inf),
    Metric.PEARSON: (-1.0, 1.0),
    Metric.SPEARMAN: (-1.0, 1.0),
    Metric.ACCURACY_DIFFERENCE: (-1.0, 1.0),
    Metric.RMSE_DIFFERENCE: (-np.inf, np.inf),
    Metric.RMS_DIFFERENCE: (-np.inf, np.inf),
}  # smallest and largest possible value; metrics that are not named have neither


def repeated(score: Score, truth: Floats, predictions: Floats, weights: Floats) -> Floats:
    """Mean of a metric over repeats.

    `truth` has shape (n,) or (repeats, n), `predictions` (repeats, n), the answer (b,); NaN if
    a prediction is missing.
    """
    if not np.isfinite(predictions).all():
        return np.full(len(weights), np.nan)
    labels = np.broadcast_to(truth, predictions.shape)
    return np.mean([score(y, p, weights) for y, p in zip(labels, predictions)], axis=0)


def rmse(truth: Floats, prediction: Floats, weights: Floats) -> Floats:
    """Root mean square error, pooled over rows."""
    return np.sqrt(weights @ (prediction - truth) ** 2 / weights.sum(axis=1))


def mae(truth: Floats, prediction: Floats, weights: Floats) -> Floats:
    """Mean absolute error."""
    return weights @ np.abs(prediction - truth) / weights.sum(axis=1)


def r2(truth: Floats, prediction: Floats, weights: Floats) -> Floats:
    """Coefficient of determination."""
    total = weights.sum(axis=1)
    variance = weights @ truth**2 / total - (weights @ truth / total) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - rmse(truth, prediction, weights) ** 2 / np.where(variance > 0, variance, np.nan)


def rmse_groups(groups: Sequence[str]) -> Score:
    """Metric: mean over groups of the error of each group."""
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    first = np.unique(index, return_index=True)[1]

    def score(truth: Floats, prediction: Floats, weights: Floats) -> Floats:
        squares = np.bincount(index, (prediction - truth) ** 2) / np.bincount(index)
        drawn = weights[:, first]
        return drawn @ np.sqrt(squares) / drawn.sum(axis=1)

    return score


def balanced_accuracy(truth: Floats, prediction: Floats, weights: Floats) -> Floats:
    """Mean of the two recalls at probability 1/2."""
    right = ((prediction > 0.5) == (truth > 0.5)).astype(np.float64)
    shares = []
    for kind in (truth > 0.5, truth <= 0.5):
        total = weights[:, kind].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares.append(weights[:, kind] @ right[kind] / total)
    return np.mean(shares, axis=0)


def one_class(predictions: Floats) -> bool:
    """Whether all answers, of any shape, are of one class: on one side of probability 1/2.

    Their balanced accuracy is 1/2 for any truth that holds both classes. A model that learns
    nothing would answer other groups alike, so that this is exact (`by_design` of
    :meth:`Drawn.ends`); one that learns might not.
    """
    known = np.asarray(predictions)[np.isfinite(predictions)] > 0.5
    return len(known) > 0 and bool(known.all() or not known.any())


def auroc(
    truth: Floats, prediction: Floats, weights: Floats, digits: int | None = DIGITS
) -> Floats:
    """Chance that a positive scores above a negative, ties half.

    `digits` are those to which equal scores are ties; None: only equal numbers.
    """
    positive, negative = _by_score(truth, prediction, weights, digits)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, (positive * below).sum(axis=1) / pairs, np.nan)


def average_precision(truth: Floats, prediction: Floats, weights: Floats) -> Floats:
    """Precision averaged over the recalls, no interpolation."""
    positive, negative = (v[:, ::-1] for v in _by_score(truth, prediction, weights))
    hits = np.cumsum(positive, axis=1)
    all_hits = hits[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.nan_to_num(hits / (hits + np.cumsum(negative, axis=1)))
        return np.where(all_hits > 0, (positive * precision).sum(axis=1) / all_hits, np.nan)


def order(positive: Floats, negative: Floats) -> Floats:
    """1 where a positive scores above a negative, 1/2 at ties, shape (positives, negatives)."""
    first, second = positive[:, None], negative[None, :]
    return (first > second) + 0.5 * (first == second)


def auroc_of_order(above: Floats, positive: Floats, negative: Floats) -> Floats:
    """Chance that a positive scores above a negative from :func:`order`, or a mean of many.

    For rows by the hundred. NaN where one side is missing.

    Parameters
    ----------
    positive, negative
        Weights of both, shapes (b, positives) and (b, negatives).
    """
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, ((positive @ above) * negative).sum(axis=1) / pairs, np.nan)


def _by_score(
    truth: Floats, prediction: Floats, weights: Floats, digits: int | None = DIGITS
) -> tuple[Floats, Floats]:
    """Weight of positives and negatives at each distinct score, rising, shape (b, scores)."""
    rising = np.argsort(prediction, kind="stable")
    values = prediction[rising] if digits is None else np.round(prediction[rising], digits)
    starts = np.unique(values, return_index=True)[1]
    sorted_weights, positive = weights[:, rising], truth[rising]
    if len(starts) == len(rising):  # no ties: every row is a score of its own
        return sorted_weights * positive, sorted_weights * (1 - positive)
    return (
        np.add.reduceat(sorted_weights * positive, starts, axis=1),
        np.add.reduceat(sorted_weights * (1 - positive), starts, axis=1),
    )


def regression(groups: Sequence[str]) -> dict[Metric, Score]:
    """Metrics of contents."""
    return {
        Metric.RMSE: rmse,
        Metric.RMSE_GROUPS: rmse_groups(groups),
        Metric.MAE: mae,
        Metric.R2: r2,
    }


CLASSIFICATION: dict[Metric, Score] = {
    Metric.BALANCED_ACCURACY: balanced_accuracy,
    Metric.AUROC: auroc,
    Metric.AVERAGE_PRECISION: average_precision,
}
