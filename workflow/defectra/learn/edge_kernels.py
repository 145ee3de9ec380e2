"""Kernel ridge over edges: every edge has a kernel of its own and the same weight.

The penalty of each target is found by inner folds over groups of the training rows alone. Several
targets share the kernels. The linear kernel has a faster form, :mod:`defectra.learn.edge_ridge`.
Shapes: m training rows, t test rows, k targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.spatial.distance import cdist, pdist, squareform

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KernelName = Literal["kernel", "ridge"]  # Gaussian; linear, by :mod:`defectra.learn.edge_ridge`
PENALTIES = tuple(10.0**k for k in range(-4, 1))
INNER = 3


@dataclass(frozen=True)
class Kernel:
    """A Gaussian kernel whose width is the median distance of the training rows.

    Attributes
    ----------
    rows
        Training rows, shape (m, b).
    width
        Of the Gaussian; 1 where the median distance is 0.
    squares
        Square distances of the training rows, each pair once, shape (m (m - 1) / 2,).
    """

    rows: Floats
    width: float
    squares: Floats

    @classmethod
    def of(cls, rows: Floats) -> Kernel:
        """Kernel of training rows."""
        squares = pdist(rows, "sqeuclidean")
        width = float(np.median(np.sqrt(squares)))
        return cls(rows, width if width > 0 else 1.0, squares)

    @cached_property
    def own(self) -> Floats:
        """Kernel between the training rows, shape (m, m)."""
        whole = squareform(np.exp(-self.squares / (2 * self.width**2)), checks=False)
        np.fill_diagonal(whole, 1.0)
        return np.asarray(whole)

    def with_rows(self, other: Floats) -> Floats:
        """Kernel between other rows and the training rows, shape (t, m)."""
        return np.exp(-cdist(other, self.rows, "sqeuclidean") / (2 * self.width**2))


@dataclass(frozen=True)
class Targets:
    """What is learnt from the training rows.

    Attributes
    ----------
    values
        Labels, shape (m, k).
    is_class
        Which of them are 0 or 1, shape (k,).
    """

    values: Floats
    is_class: NDArray[np.bool_]

    def coded(self) -> tuple[Floats, Floats]:
        """Values that are fitted, and what is added to the answers; shapes (m, k), (k,).

        Both classes weigh the same: a member of a class of n of m rows is m / n, negative for 0.
        """
        count = len(self.values)
        share = self.values.mean(axis=0)
        middle = np.where(self.is_class, 0.0, share)
        positive, negative = (np.maximum(s, 1 / (2 * count)) for s in (share, 1 - share))
        classes = np.where(self.values > 0.5, 1 / positive, -1 / negative)
        return np.where(self.is_class, classes, self.values - share), middle


@dataclass(frozen=True)
class Fitted:
    """Weights of the training rows.

    Attributes
    ----------
    dual
        Of the training rows, shape (m, k); of features in the linear form, shape (p, k).
    added
        Added to the answers, shape (k,). The answer of a class is above 1/2 on its side of the
        threshold, half way between the mean inner held-out answers of both classes.
    penalty
        Shape (k,).
    error
        Mean square error of the inner held-out answers, shape (k,).
    """

    dual: Floats
    added: Floats
    penalty: Floats
    error: Floats

    def answers(self, kernel: Floats) -> Floats:
        """Answers for rows with this kernel to the training rows, shape (t, k)."""
        return np.asarray(kernel @ self.dual + self.added)


def inner_folds(groups: Sequence[str], seed: int) -> Ints:
    """Inner fold of each training row; copies and families stay together."""
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(int(index.max()) + 1)
    return np.asarray((order % INNER)[index], dtype=np.int64)


def fit(
    kernel: Floats, targets: Targets, parts: Ints, families: Sequence[str] | None = None
) -> Fitted:
    """Fit every target, each with the penalty of the smallest inner error.

    Parameters
    ----------
    kernel
        Between training rows, shape (m, m), mean diagonal about 1.
    targets
        Their labels.
    parts
        Inner fold of each row (:func:`inner_folds`).
    families
        Groups of the rows, length m. If given, the penalty is the largest whose inner error is
        within one standard error (over families) of the smallest: the rule of Breiman et al.,
        Classification and Regression Trees (1984), which steadies a choice among penalties of
        almost equal errors.
    """
    coded, _ = targets.coded()
    held = np.zeros((len(PENALTIES), *coded.shape))
    work = np.empty(kernel.size)
    order = in_parts(parts)
    together, labels = kernel, coded[order]
    if (np.diff(order) < 0).any():
        together = kernel[np.ix_(order, order)]
    ends = np.searchsorted(parts[order], np.unique(parts), side="right")
    for first, last in zip([0, *ends], ends):
        if last - first < len(order):
            held[:, order[first:last]] = _left_out(together, labels, (first, last), work)

    def solve(penalty: float, values: Floats) -> Floats:
        return _solve(kernel, penalty, values, work)

    return chosen(held, targets, solve, families)


def in_parts(parts: Ints) -> Ints:
    """Order of the rows in which each inner fold is a slice, shape (m,)."""
    return np.asarray(np.argsort(parts, kind="stable"), dtype=np.int64)


def chosen(
    held: Floats,
    targets: Targets,
    solve: Callable[[float, Floats], Floats],
    families: Sequence[str] | None = None,
) -> Fitted:
    """The fit with the best penalty of each target.

    Parameters
    ----------
    held
        Inner held-out answers by penalty, shape (penalties, m, k).
    targets
        Labels of the rows.
    solve
        Weights of all rows with a penalty for coded values of some targets.
    families
        As in :func:`fit`.
    """
    coded, middle = targets.coded()
    squares = (held - coded) ** 2
    errors = squares.mean(axis=1)
    best = errors.argmin(axis=0) if families is None else _steady(squares, families)
    found = {k: solve(PENALTIES[k], coded[:, best == k]) for k in np.unique(best)}
    dual = np.empty((len(next(iter(found.values()))), len(best)))
    for k, own in found.items():
        dual[:, best == k] = own
    answered = held[best, :, np.arange(len(best))].T
    added = np.where(targets.is_class, 0.5 - _threshold(answered, targets), middle)
    error = errors[best, np.arange(len(best))]
    return Fitted(dual, added, np.array(PENALTIES)[best], error)


def _steady(squares: Floats, families: Sequence[str]) -> Ints:
    """Largest penalty within one standard error of the smallest error, shape (k,).

    Parameters
    ----------
    squares
        Square errors by penalty (ascending), row and target.
    families
        Groups of the rows; the standard error is that of the mean over families.
    """
    names = np.asarray(families, dtype=str)
    means = np.stack([squares[:, names == name].mean(axis=1) for name in np.unique(names)])
    errors, count = means.mean(axis=0), len(means)
    columns = np.arange(squares.shape[2])
    least = errors.argmin(axis=0)
    if count < 2:
        return np.asarray(least, dtype=np.int64)
    spread = means.std(axis=0, ddof=1)[least, columns] / np.sqrt(count)
    within = errors <= errors[least, columns] + spread
    return np.asarray(len(within) - 1 - within[::-1].argmax(axis=0), dtype=np.int64)


def _threshold(held: Floats, targets: Targets) -> Floats:
    """Half way between the mean held-out answers of both classes, shape (k,)."""
    positive = targets.values > 0.5
    means = []
    for side in (positive, ~positive):
        count = np.maximum(side.sum(axis=0), 1)
        means.append((held * side).sum(axis=0) / count)
    return np.asarray((means[0] + means[1]) / 2)


def _left_out(kernel: Floats, labels: Floats, part: tuple[int, int], work: Floats) -> Floats:
    """Answers about the rows of a part by all others, shape (penalties, part, k)."""
    first, last = part
    own, cross = _without(kernel, first, last)
    rest = np.asfortranarray(np.delete(labels, slice(first, last), axis=0))
    duals = np.stack([_solve(own, penalty, rest, work) for penalty in PENALTIES], axis=1)
    found = cross @ duals.reshape(len(own), -1)
    return found.reshape(last - first, len(PENALTIES), -1).transpose(1, 0, 2)


def _without(kernel: Floats, first: int, last: int) -> tuple[Floats, Floats]:
    """Kernel among the rows outside a part, and between the part and them; views where it ends."""
    if first == 0:
        return kernel[last:, last:], kernel[:last, last:]
    if last == len(kernel):
        return kernel[:first, :first], kernel[first:, :first]
    others = len(kernel) - (last - first)
    own, cross = np.empty((others, others)), np.empty((last - first, others))
    mine, before, after = slice(first, last), slice(None, first), slice(last, None)
    for there, from_ in ((before, before), (slice(first, None), after)):
        own[before, there], own[first:, there] = kernel[before, from_], kernel[after, from_]
        cross[:, there] = kernel[mine, from_]
    return own, cross


def _solve(kernel: Floats, penalty: float, values: Floats, work: Floats) -> Floats:
    """Weights.

    Parameters
    ----------
    kernel
        Symmetric; its transpose is in the order of Fortran without a copy.
    work
        At least as many numbers as the kernel, overwritten.
    """
    damped = work[: kernel.size].reshape(kernel.shape)
    np.copyto(damped, kernel)
    damped.ravel()[:: len(damped) + 1] += penalty
    factor, info = dpotrf(damped.T, lower=1, clean=0, overwrite_a=1)
    if info:
        raise np.linalg.LinAlgError(f"kernel with penalty {penalty}: not positive definite")
    return np.asarray(dpotrs(factor, values, lower=1)[0])
