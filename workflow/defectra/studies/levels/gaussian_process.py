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

from defectra.learn.gaussian_posterior import inverted, without
from defectra.studies.levels.features import Defects
from defectra.studies.levels.settings import Kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Answer = tuple[Floats, Floats]

# Likeness of sites: the same, both interstitial or both substitutional, any two.
_SAME_SITE, _SAME_KIND, _ANY = 1.0, 0.58, 0.3
_VACANCY = 0.1  # likeness of a vacancy and an impurity
_GAP_EV, _LEAST_GAP_EV = 1.5, 0.3  # the noise is given at this gap; none is taken as less


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
    """Inverse of the covariance of all rows and its product with the labels, shape (n, q).

    `surplus`, shape (n,), is the variance of suspect rows beyond that of sound ones. It belongs to
    the label, not to what may be known of a new row: it is taken off a predicted variance.
    """

    inverse: Floats
    labels: Floats
    weights: Floats
    surplus: Floats

    def without(self, rows: Ints) -> Answer:
        """Predictions and variances of `rows` from all the others, shapes (k, q) and (k,)."""
        value, variance = without(self.inverse, self.labels, self.weights, rows)
        return value, variance - self.surplus[rows]


def fit(
    rows: Defects, labels: Floats, kernel: Kernel, suspect: NDArray[np.bool_] | None = None
) -> Fitted:
    """Invert the covariance of all rows, noise included; suspect rows have more of it."""
    sound = noise(rows, kernel)
    marked = np.zeros(len(rows)) if suspect is None else suspect.astype(np.float64)
    doubt = np.asarray(marked * kernel.suspect_noise**2, dtype=np.float64)
    prior = covariance(rows, rows, kernel) + np.diag(sound + doubt)
    inverse, _ = inverted(prior)
    return Fitted(inverse, labels, inverse @ labels, doubt)


def noise(rows: Defects, kernel: Kernel) -> Floats:
    """Variance of a level about the smooth function, growing with the gap; shape (n,), eV²."""
    return np.asarray(kernel.noise**2 * np.maximum(rows.gap, _LEAST_GAP_EV) / _GAP_EV)


def predict(fitted: Fitted, train: Defects, new: Defects, kernel: Kernel) -> Answer:
    """Predictions and variances (noise included) of new defects, shapes (m, q) and (m,)."""
    cross = covariance(new, train, kernel)
    prior = _own(new, kernel)
    spread = noise(new, kernel)
    variance = prior + spread - ((cross @ fitted.inverse) * cross).sum(axis=1)
    return cross @ fitted.weights, np.maximum(variance, spread)


def _own(rows: Defects, kernel: Kernel) -> Floats:
    """Diagonal of the prior covariance: sites and vacancies are like themselves; shape (n,)."""
    fixed = kernel.constant + kernel.host + kernel.impurity + kernel.contrast + kernel.joint
    return fixed + kernel.host_linear * (rows.host**2).mean(axis=1)


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
