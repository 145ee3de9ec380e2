"""Gaussian-process regression: one length scale and one linear weight for each group of columns.

k(x, x') = s^2 exp(-1/2 sum_g d_g^2 / l_g^2) + sum_g c_g^2 x_g . x'_g + noise, columns standardised,
d_g^2 and x_g . x'_g divided by the columns of the group. The linear part carries a trend beyond
the training data, the other returns to it. Weak log-normal priors keep the hyperparameters of small
tables in bounds (Rasmussen and Williams, 2006, chapters 2 and 5). scikit-learn's kernels have
either one scale for each column or one for all, and are twenty times slower here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from defectra.learn.gaussian_posterior import inverted, without

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Groups = Sequence[Sequence[int]]
_BLOCK = 1000  # rows that are predicted at once: bounds the memory
_JITTER = 1e-6
_SCALE, _AMPLITUDE, _LINEAR, _NOISE = (2.0, 1.0), (1.0, 1.5), (0.3, 1.5), (0.05, 1.0)


@dataclass(frozen=True)
class Standard:
    """Shift and scale of columns."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, values: Floats) -> Standard:
        """Mean and standard deviation of rows; a constant column keeps its scale."""
        spread = values.std(axis=0)
        return cls(values.mean(axis=0), np.where(spread > 1e-9, spread, 1.0))

    def apply(self, values: Floats) -> Floats:
        """Standardised values."""
        return (values - self.mean) / self.spread


class GroupedGP:
    """Gaussian process of a table.

    Parameters
    ----------
    groups
        Columns of each group.
    iterations
        Limit of the search for the hyperparameters (maximum of the marginal posterior).
    theta
        Logarithms of the hyperparameters, shape (2 g + 2,); found by :meth:`fit` if not given.
    """

    def __init__(self, groups: Groups, iterations: int = 30, theta: Floats | None = None) -> None:
        self.groups = [np.asarray(g, int) for g in groups]
        self.iterations = iterations
        self.theta = theta

    def fit(self, x: Floats, y: Floats) -> GroupedGP:
        """Fit to `x`, shape (n, p), and `y`, shape (n,)."""
        self._columns, self._label = Standard.of(x), Standard.of(y)
        self._x = self._columns.apply(x)
        target = self._label.apply(y)
        parts = self._parts(self._x, self._x)
        if self.theta is None:
            self.theta = self._search(parts, target)
        kernel = self._kernel(self.theta, *parts)[1]
        kernel[np.diag_indices_from(kernel)] += self._noise(self.theta)
        self._inverse, _ = inverted(kernel)
        self._target, self._weights = target, self._inverse @ target
        return self

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation (noise included) at `x`, in the unit of `y`."""
        blocks = [self._block(x[k : k + _BLOCK]) for k in range(0, len(x), _BLOCK)]
        mean, spread = (np.concatenate(part) for part in zip(*blocks))
        return mean, spread

    def left_out(self, folds: Sequence[Ints]) -> tuple[Floats, Floats]:
        """Mean and standard deviation at the training rows, each fold predicted without itself.

        In closed form (:func:`defectra.learn.gaussian_posterior.without`); the hyperparameters are
        those of all rows.
        """
        mean, variance = np.empty(len(self._target)), np.empty(len(self._target))
        for rows in folds:
            mean[rows], variance[rows] = without(self._inverse, self._target, self._weights, rows)
        return (
            mean * self._label.spread + self._label.mean,
            np.sqrt(variance) * self._label.spread,
        )

    def _block(self, x: Floats) -> tuple[Floats, Floats]:
        assert self.theta is not None, "fit first"
        x = self._columns.apply(x)
        n = len(self.groups)
        near, linear = self._scales(-self.theta[:n]), self._scales(self.theta[n + 1 : -1])
        amplitude = float(np.exp(2 * self.theta[n]))
        a, b = x * near, self._x * near
        squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
        kernel = amplitude * np.exp(-0.5 * np.maximum(squares, 0))
        kernel += (x * linear) @ (self._x * linear).T
        own = amplitude + ((x * linear) ** 2).sum(axis=1)
        variance = np.maximum(own - ((kernel @ self._inverse) * kernel).sum(axis=1), 0)
        spread = np.sqrt(variance + self._noise(self.theta))
        mean = kernel @ self._weights
        return mean * self._label.spread + self._label.mean, spread * self._label.spread

    def _scales(self, logarithms: Floats) -> Floats:
        """Factor of each column, from one logarithm for each group; 0 outside the groups."""
        out = np.zeros(self._x.shape[1])
        for value, group in zip(np.exp(logarithms), self.groups):
            out[group] = value / np.sqrt(len(group))
        return out

    def _parts(self, one: Floats, two: Floats) -> tuple[Floats, Floats]:
        """Squared distances and products of each group, shapes (g, n, m)."""
        products, distances = [], []
        for group in self.groups:
            a, b = one[:, group], two[:, group]
            product = a @ b.T
            square = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * product
            distances.append(np.maximum(square, 0) / len(group))
            products.append(product / len(group))
        return np.array(distances), np.array(products)

    def _kernel(self, theta: Floats, distances: Floats, products: Floats) -> tuple[Floats, Floats]:
        n = len(self.groups)
        smooth = np.exp(
            2 * theta[n] - 0.5 * np.tensordot(np.exp(-2 * theta[:n]), distances, axes=1)
        )
        linear = np.tensordot(np.exp(2 * theta[n + 1 : 2 * n + 1]), products, axes=1)
        return smooth, smooth + linear

    @staticmethod
    def _noise(theta: Floats) -> float:
        return float(np.exp(2 * theta[-1])) + _JITTER

    def _search(self, parts: tuple[Floats, Floats], y: Floats) -> Floats:
        n = len(self.groups)
        prior = np.array([_SCALE] * n + [_AMPLITUDE] + [_LINEAR] * n + [_NOISE])
        mode, width = np.log(prior[:, 0]), prior[:, 1]
        bounds = [(-3.0, 5.0)] * n + [(-4.0, 3.0)] + [(-6.0, 3.0)] * n + [(-5.0, 0.5)]

        def loss(theta: Floats) -> tuple[float, Floats]:
            value, slope = self._evidence(theta, parts, y)
            z = (theta - mode) / width
            return value + 0.5 * float(z @ z), slope + z / width

        found = minimize(
            loss, mode, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": self.iterations},
        )  # fmt: skip
        return np.asarray(found.x, np.float64)

    def _evidence(
        self, theta: Floats, parts: tuple[Floats, Floats], y: Floats
    ) -> tuple[float, Floats]:
        """Minus the logarithm of the evidence, and its gradient (R. and W., equation 5.9)."""
        distances, products = parts
        n = len(self.groups)
        smooth, kernel = self._kernel(theta, distances, products)
        kernel[np.diag_indices_from(kernel)] += self._noise(theta)
        factor = cho_factor(kernel, lower=True)
        weights = cho_solve(factor, y)
        inner = np.outer(weights, weights) - cho_solve(factor, np.eye(len(y)))
        both = inner * smooth
        slope = np.concatenate(
            [
                np.tensordot(distances, both, axes=2) * np.exp(-2 * theta[:n]),
                [2 * both.sum()],
                2 * np.exp(2 * theta[n + 1 : 2 * n + 1]) * np.tensordot(products, inner, axes=2),
                [2 * np.trace(inner) * np.exp(2 * theta[-1])],
            ]
        )
        value = 0.5 * float(y @ weights) + float(np.log(np.diag(factor[0])).sum())
        return value, -0.5 * slope
