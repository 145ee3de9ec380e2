"""Ridge over edges: kernel ridge with the linear kernel, solved for weights of bins.

The answers are those of :mod:`defectra.learn.edge_kernels` with a linear kernel for each edge; the
unknowns are the p bins of the edges and not the m training rows, which are many more. Shapes: m
training rows, t test rows, p bins of some edges, k targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from defectra.learn.edge_kernels import PENALTIES, Fitted, Ints, Targets, chosen

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaled:
    """Bins of one edge about their centre, so that the mean square length of a row is 1.

    Attributes
    ----------
    centre
        Mean of the training rows, shape (bins,).
    length
        Root mean square distance of the training rows from it; 1 where all are equal.
    """

    centre: Floats
    length: float

    @classmethod
    def of(cls, rows: Floats) -> Scaled:
        """Centre and scale of training rows."""
        centre = rows.mean(axis=0)
        length = float(np.sqrt(((rows - centre) ** 2).sum(axis=1).mean()))
        return cls(centre, length if length > 0 else 1.0)

    def __call__(self, rows: Floats) -> Floats:
        """Features of some rows."""
        return (rows - self.centre) / self.length


def scaled(rows: Mapping[str, Floats], by: Mapping[str, Scaled], edges: Sequence[str]) -> Floats:
    """Features of some edges, each with the same weight, shape (rows, p)."""
    return np.hstack([by[e](rows[e]) for e in edges]) / np.sqrt(len(edges))


def fit(
    features: Floats, targets: Targets, parts: Ints, families: Sequence[str] | None = None
) -> Fitted:
    """Fit every target, each with the penalty of the smallest inner error.

    Parameters
    ----------
    features
        Of the training rows (:func:`scaled`), shape (m, p).
    targets, parts, families
        As in :func:`defectra.learn.edge_kernels.fit`.

    Returns
    -------
    Fitted
        ``answers`` takes the features of rows in place of their kernel.
    """
    coded, _ = targets.coded()
    held = np.zeros((len(PENALTIES), *coded.shape))
    members = [np.flatnonzero(parts == part) for part in np.unique(parts)]
    squares = np.array([features[own].T @ features[own] for own in members])
    products = np.array([features[own].T @ coded[own] for own in members])
    for k, own in enumerate(members):
        others = [j for j in range(len(members)) if j != k]
        if not others:
            continue
        for at, penalty in enumerate(PENALTIES):
            weights = _solve(squares[others].sum(axis=0), penalty, products[others].sum(axis=0))
            held[at, own] = features[own] @ weights
    whole = squares.sum(axis=0)

    def solve(penalty: float, values: Floats) -> Floats:
        return _solve(whole, penalty, features.T @ values)

    return chosen(held, targets, solve, families)


def _solve(squares: Floats, penalty: float, products: Floats) -> Floats:
    """Weights of the bins, shape (p, k)."""
    damped = squares + penalty * np.eye(len(squares))
    return np.asarray(cho_solve(cho_factor(damped, lower=True), products))
