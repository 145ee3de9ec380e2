"""Leave a group out, choose the form of the model and learn the intervals on the others alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.learn.gaussian_posterior import inverted
from defectra.studies.levels.distances import HostRows
from defectra.studies.levels.gaussian_process import Fitted, members
from defectra.studies.levels.intervals import learn_width

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class LeftOut:
    """Answers for every row from the other groups; shapes (n, q), and (n,) for the choice.

    `half` is the half width of the interval, `choice` the candidate that was used, `distance` that
    of the row's host from the nearest host of the other groups. Rows that were not asked for hold
    NaN, and -1 as their choice.
    """

    value: Floats
    half: Floats
    choice: Ints
    distance: Floats

    @classmethod
    def nothing(cls, shape: tuple[int, int]) -> LeftOut:
        """No answer yet."""
        empty = np.full(shape, np.nan)
        return cls(empty, empty.copy(), np.full(shape[0], -1), np.full(shape[0], np.nan))

    def take(self, other: LeftOut) -> None:
        """Put in the answers that `other` has."""
        rows = other.choice >= 0
        for name in ("value", "half", "choice", "distance"):
            getattr(self, name)[rows] = getattr(other, name)[rows]


@dataclass(frozen=True)
class Candidate:
    """A form of the model on all rows.

    Attributes
    ----------
    outer
        Answers the outer group; its kernel was learnt without it.
    inner
        Answers an inner group, by name, if its kernel was also learnt without that; groups that
        are not named are answered by `outer`.
    """

    outer: Fitted
    inner: Mapping[str, Fitted]


@dataclass(frozen=True)
class Rows:
    """What is known of the rows beside their labels.

    Attributes
    ----------
    groups
        Group of each row.
    scored
        Rows whose errors count; the others only train. Shape (n,).
    hosts
        Host of each row, and how far hosts are from each other.
    """

    groups: Sequence[str]
    scored: Bools
    hosts: HostRows


def leave_out(
    candidates: Sequence[Candidate], rows: Rows, level: float, only: Sequence[str] | None = None
) -> LeftOut:
    """Predictions of each group from the others, everything about them nested.

    For each outer group, every candidate predicts each inner group from what is neither outer
    nor inner; the candidate with the smallest inner squared error is used, and its inner errors
    give the interval (:mod:`intervals`).

    Parameters
    ----------
    level
        Of the intervals, e.g. 0.9.
    only
        Outer groups that are asked for; all by default. Kernels of the candidates that were learnt
        must have been learnt without these.
    """
    blocks, names = members(rows.groups), sorted(set(rows.groups))
    labels = candidates[0].outer.labels
    answer = LeftOut.nothing(labels.shape)
    for outer, block in enumerate(blocks):
        if only is not None and names[outer] not in only:
            continue
        inner = {names[k]: b for k, b in enumerate(blocks) if k != outer}
        found = [_inner_answers(c, block, inner) for c in candidates]
        keep = np.concatenate(list(inner.values()))
        keep = keep[rows.scored[keep]]
        best = int(np.argmin([((value - labels)[keep] ** 2).mean() for value, _ in found]))
        error = np.abs(found[best][0] - labels)[keep]
        far = _inner_distances(rows, block, list(inner.values()))[keep]
        groups = [rows.groups[k] for k in keep]
        width = learn_width(error, np.sqrt(found[best][1][keep]), far, groups, level)
        answer.value[block], variance = candidates[best].outer.without(block)
        answer.distance[block] = rows.hosts.nearest(block, block)
        answer.half[block] = width.half(np.sqrt(variance), answer.distance[block])[:, None]
        answer.choice[block] = best
    return answer


def _inner_distances(rows: Rows, outer: Ints, inner: Sequence[Ints]) -> Floats:
    out = np.zeros(len(rows.scored))
    for block in inner:
        out[block] = rows.hosts.nearest(block, np.concatenate([outer, block]))
    return out


def _inner_answers(
    candidate: Candidate, outer: Ints, inner: Mapping[str, Ints]
) -> tuple[Floats, Floats]:
    """Answers for all inner groups, each by the model that is to answer it."""
    value = np.full(candidate.outer.labels.shape, np.nan)
    variance = np.full(len(value), np.nan)
    by_model: dict[int, list[str]] = {}
    models = {name: candidate.inner.get(name, candidate.outer) for name in inner}
    for name, fitted in models.items():
        by_model.setdefault(id(fitted), []).append(name)
    for names in by_model.values():
        blocks = [inner[n] for n in names]
        found = _inner(models[names[0]], outer, blocks)
        rows = np.concatenate(blocks)
        value[rows], variance[rows] = found[0][rows], found[1][rows]
    return value, variance


def _inner(fitted: Fitted, outer: Ints, inner: Sequence[Ints]) -> tuple[Floats, Floats]:
    """Answers for the inner groups, each from all rows that are neither it nor outer.

    The covariance of what is left when a pair of groups is taken out is the Schur complement of
    the outer block, so that the outer block is inverted once.
    """
    value = np.full(fitted.labels.shape, np.nan)
    variance = np.full(len(value), np.nan)
    outer_inverse, _ = inverted(fitted.inverse[np.ix_(outer, outer)])
    reduced_weights = outer_inverse @ fitted.weights[outer]
    for rows in inner:
        cross = fitted.inverse[np.ix_(rows, outer)]
        block = fitted.inverse[np.ix_(rows, rows)] - cross @ outer_inverse @ cross.T
        covariance, _ = inverted(block)
        residual = covariance @ (fitted.weights[rows] - cross @ reduced_weights)
        value[rows] = fitted.labels[rows] - residual
        variance[rows] = np.diag(covariance) - fitted.surplus[rows]
    return value, variance
