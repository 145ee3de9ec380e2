"""Gaussian process over defects, one kernel for all six levels; left-out groups in closed form.

With K the covariance of all rows, noise included, and P = K^-1, the prediction of a group j from
all others is y_j - (P_jj)^-1 (P y)_j, its covariance (P_jj)^-1 (Sundararajan and Keerthi, Neural
Comput. 13, 1103 (2001), for groups). One inverse therefore gives every fold of every split, and
pairs of groups give the folds inside the folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.levels.features import Defects
from defectra.settings.levels import Kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Answer = tuple[Floats, Floats]

# Likeness of sites: the same, both interstitial or both substitutional, any two.
_SAME_SITE, _SAME_KIND, _ANY = 1.0, 0.58, 0.3
_VACANCY = 0.1  # likeness of a vacancy and an impurity


def covariance(left: Defects, right: Defects, kernel: Kernel) -> Floats:
    """Prior covariance of the levels of two sets of defects, shape (n, m), eV².

    A sum of parts that each say what may be alike: the same for all, linear in the host, smooth
    in the host, in the impurity, in the contrast of impurity and host, and in all together.
    """
    hosts = _squares(left.host, right.host)
    impurities = _squares(left.impurity, right.impurity)
    contrasts = _squares(left.contrast, right.contrast)
    sites = _site_likeness(left, right)
    alike = np.exp(-impurities / (2 * (2 * kernel.impurity_length) ** 2))
    linear = left.host @ right.host.T / left.host.shape[1]
    return np.asarray(
        kernel.constant
        + kernel.host_linear * linear
        + kernel.host * np.exp(-hosts / (2 * kernel.host_length**2))
        + kernel.impurity * sites * np.exp(-impurities / (2 * kernel.impurity_length**2))
        + kernel.contrast * sites * alike * _matern(contrasts, kernel.contrast_length)
        + kernel.joint
        * sites
        * _matern(impurities, kernel.impurity_length)
        * _matern(hosts, kernel.joint_host_length)
    )


def _squares(left: Floats, right: Floats) -> Floats:
    """Mean squared difference over descriptors."""
    cross = left @ right.T
    sums = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)
    return np.asarray(np.maximum(sums - 2 * cross, 0.0) / left.shape[1])


def _matern(squares: Floats, length: float) -> Floats:
    """Matern 3/2."""
    reach = np.sqrt(3 * squares) / length
    return np.asarray((1 + reach) * np.exp(-reach))


def _site_likeness(left: Defects, right: Defects) -> Floats:
    same = left.site[:, None] == right.site
    kind = (left.site[:, None] < 2) == (right.site < 2)
    likeness = np.where(same, _SAME_SITE, np.where(kind, _SAME_KIND, _ANY))
    return likeness * np.where(left.vacancy[:, None] == right.vacancy, 1.0, _VACANCY)


@dataclass(frozen=True)
class Fitted:
    """Inverse of the covariance of all rows and its product with the labels, shape (n, q)."""

    inverse: Floats
    labels: Floats
    weights: Floats

    def without(self, rows: Ints) -> Answer:
        """Predictions and variances of `rows` from all the others, shapes (k, q) and (k,)."""
        covariance_ = np.linalg.inv(self.inverse[np.ix_(rows, rows)])
        return self.labels[rows] - covariance_ @ self.weights[rows], np.diag(covariance_).copy()


def fit(rows: Defects, labels: Floats, kernel: Kernel) -> Fitted:
    """Invert the covariance of all rows, noise included."""
    prior = covariance(rows, rows, kernel) + kernel.noise**2 * np.eye(len(rows))
    inverse = np.linalg.inv(prior)
    return Fitted(inverse, labels, inverse @ labels)


def predict(fitted: Fitted, train: Defects, new: Defects, kernel: Kernel) -> Answer:
    """Predictions and variances (noise included) of new defects, shapes (m, q) and (m,)."""
    cross = covariance(new, train, kernel)
    prior = np.array(
        [float(covariance(new.take(s), new.take(s), kernel)[0, 0]) for s in _singles(len(new))]
    )
    variance = prior + kernel.noise**2 - np.einsum("ij,jk,ik->i", cross, fitted.inverse, cross)
    return cross @ fitted.weights, np.maximum(variance, kernel.noise**2)


def _singles(count: int) -> list[Ints]:
    return [np.array([k]) for k in range(count)]


def draw(centre: Kernel, count: int, spread: float, seed: int) -> list[Kernel]:
    """The centre and seeded log-normal draws about it: candidates, fixed before any scoring."""
    generator = np.random.default_rng(seed)
    out = [centre]
    while len(out) < count:
        factors = np.exp(generator.normal(0.0, spread, len(Kernel.model_fields)))
        values = [getattr(centre, name) for name in Kernel.model_fields]
        drawn = dict(zip(Kernel.model_fields, (v * f for v, f in zip(values, factors))))
        out.append(Kernel(**drawn))
    return out


def members(groups: Sequence[str]) -> list[Ints]:
    """Rows of each group, groups sorted by name."""
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    return [np.flatnonzero(index == k) for k in range(int(index.max()) + 1)]
