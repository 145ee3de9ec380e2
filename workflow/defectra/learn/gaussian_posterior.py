"""Dense Gaussian processes: inverse of a covariance, and answers of rows that are left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lapack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def inverted(matrix: Floats) -> tuple[Floats, float]:
    """Inverse of a covariance, shape (n, n), and the logarithm of its determinant, by Cholesky.

    Raises
    ------
    LinAlgError
        If it is not positive definite.
    """
    lower, bad = lapack.dpotrf(matrix, lower=1)
    if bad:
        raise LinAlgError("not positive")
    determinant = 2 * float(np.log(np.diag(lower)).sum())
    inverse, bad = lapack.dpotri(lower, lower=1)
    if bad:
        raise LinAlgError("not positive")
    return np.tril(inverse) + np.tril(inverse, -1).T, determinant


def solved(matrix: Floats, right: Floats) -> Floats:
    """Inverse of a covariance, shape (n, n), times `right`, shape (n, ...), by Cholesky."""
    return np.asarray(cho_solve(cho_factor(matrix, lower=True), right))


def without(inverse: Floats, labels: Floats, weights: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Mean and variance (noise included) of some rows from all the others.

    In closed form from one inverse (Sundararajan and Keerthi, Neural Comput. 13, 1103 (2001)).

    Parameters
    ----------
    inverse
        Of the covariance of all rows, noise included, shape (n, n).
    labels, weights
        What was learnt, mean taken off, and the inverse times it, shape (n,) or (n, q).
    rows
        k of them.

    Returns
    -------
    Shapes (k,) or (k, q), and (k,).
    """
    own, _ = inverted(inverse[np.ix_(rows, rows)])
    return labels[rows] - own @ weights[rows], np.diag(own)
