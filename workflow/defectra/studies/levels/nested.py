"""Leave a group out, choose the kernel and calibrate the intervals on the other groups alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.studies.levels.gaussian_process import Fitted, members

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LeftOut:
    """Answers for every row from the other groups; shapes (n, q), and (n,) for the choice.

    `half` is the half width of the interval, `choice` the candidate that was used.
    """

    value: Floats
    half: Floats
    choice: Ints


def leave_out(
    fits: Sequence[Fitted], groups: Sequence[str], scored: NDArray[np.bool_], level: float
) -> LeftOut:
    """Predictions of each group from the others, everything about them nested.

    For each outer group, every candidate predicts each inner group from what is neither outer
    nor inner; the candidate with the smallest inner squared error is used, and its inner errors
    over their predicted standard deviations give the interval.

    Parameters
    ----------
    fits
        One for each candidate kernel, on all rows.
    groups
        Group of each row.
    scored
        Rows whose errors count; the others only train.
    level
        Of the intervals, e.g. 0.9.
    """
    blocks = members(groups)
    shape = fits[0].labels.shape
    value, half = np.full(shape, np.nan), np.full(shape, np.nan)
    choice = np.zeros(shape[0], int)
    for outer, rows in enumerate(blocks):
        inner = [(k, b) for k, b in enumerate(blocks) if k != outer]
        found = [_inner(f, rows, inner) for f in fits]
        keep = np.concatenate([b for _, b in inner])
        best = int(np.argmin([_squared(f, e[0], keep, scored) for f, e in zip(fits, found)]))
        error = np.abs(found[best][0] - fits[best].labels)[keep]
        scale = _scales(error, found[best][1][keep], scored[keep], _names(groups, keep), level)
        value[rows], variance = fits[best].without(rows)
        half[rows] = np.sqrt(variance)[:, None] * scale
        choice[rows] = best
    return LeftOut(value, half, choice)


def _inner(fitted: Fitted, outer: Ints, inner: Sequence[tuple[int, Ints]]) -> tuple[Floats, Floats]:
    """Answers for the inner groups, each from all rows that are neither it nor outer.

    The covariance of what is left when a pair of groups is taken out is the Schur complement of
    the outer block, so that the outer block is inverted once.
    """
    value = np.full(fitted.labels.shape, np.nan)
    variance = np.full(len(value), np.nan)
    outer_inverse = np.linalg.inv(fitted.inverse[np.ix_(outer, outer)])
    reduced_weights = outer_inverse @ fitted.weights[outer]
    for _, rows in inner:
        cross = fitted.inverse[np.ix_(rows, outer)]
        block = fitted.inverse[np.ix_(rows, rows)] - cross @ outer_inverse @ cross.T
        covariance = np.linalg.inv(block)
        residual = covariance @ (fitted.weights[rows] - cross @ reduced_weights)
        value[rows] = fitted.labels[rows] - residual
        variance[rows] = np.diag(covariance) - fitted.surplus[rows]
    return value, variance


def _squared(fitted: Fitted, value: Floats, keep: Ints, scored: NDArray[np.bool_]) -> float:
    use = keep[scored[keep]]
    return float(((value - fitted.labels)[use] ** 2).mean())


def _names(groups: Sequence[str], keep: Ints) -> NDArray[np.str_]:
    return np.asarray(groups, dtype=str)[keep]


def _scales(
    error: Floats,
    variance: Floats,
    scored: NDArray[np.bool_],
    groups: NDArray[np.str_],
    level: float,
) -> Floats:
    """Quantile of |error| / standard deviation, each group weighing the same; shape (q,)."""
    ratio = (error / np.sqrt(variance)[:, None])[scored]
    index = np.unique(groups[scored], return_inverse=True)[1]
    weight = 1.0 / np.bincount(index)[index]
    out = []
    for column in ratio.T:
        order = np.argsort(column)
        reached = np.cumsum(weight[order]) / weight.sum()
        out.append(column[order][min(int(np.searchsorted(reached, level)), len(column) - 1)])
    return np.array(out)


def final_scales(
    fitted: Fitted, groups: Sequence[str], scored: NDArray[np.bool_], level: float
) -> Floats:
    """Quantiles for new groups: from every group left out once; shape (q,)."""
    value, variance = np.empty(fitted.labels.shape), np.empty(len(fitted.labels))
    for rows in members(groups):
        value[rows], variance[rows] = fitted.without(rows)
    names = np.asarray(groups, dtype=str)
    return _scales(np.abs(value - fitted.labels), variance, scored, names, level)
