"""A committee of five learners with weights and intervals found inside the training rows alone.

Two Gaussian processes (one sees few columns, one all), gradient boosting (a few seeds, averaged),
extremely randomised trees (Geurts et al., Mach. Learn. 63, 3, 2006), and a small ensemble of
networks. Inner folds of the same kind as the outer split (whole cations or halides left out where
the outer split leaves one out) give each member's error on rows that it had not seen. From these
come non-negative weights that sum to one, and the factor that turns a spread into a 90 % interval:
that of the Gaussian processes and of the members about their weighted mean, both of which grow
away from the training rows. Where whole groups are left out, the factor is widened for their
small number: a new group is a draw among groups (Student's t). Inside, one member stands for each
ensemble of boosting and networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import t

from defectra.learn.grouped_gp import GroupedGP, Groups, Ints, Standard
from defectra.learn.settings import CommitteeSettings

Floats = NDArray[np.float64]
MEMBERS = ("gp", "gp_wide", "xgboost", "trees", "network")
COMMITTEE = "committee"
LEVEL = 0.9
NORMAL_90 = 1.6448536269514722


class Fitted(Protocol):
    """What answers."""

    def predict(self, x: Floats, /) -> Floats:
        """Answers at `x`, shape (n,)."""
        ...


class Learner(Fitted, Protocol):
    """What boosting, trees and networks have in common."""

    def fit(self, x: Floats, y: Floats, /) -> object:
        """Fit to `x`, shape (n, p), and `y`, shape (n,)."""
        ...


@dataclass(frozen=True)
class Answer:
    """What the members and the committee say about test rows.

    Attributes
    ----------
    means
        By model, shape (n,) each.
    half
        Half width of the 90 % interval about the committee's mean, shape (n,).
    weights
        Of the members, in the order of `MEMBERS`.
    """

    means: dict[str, Floats]
    half: Floats
    weights: Floats


class Committee:
    """Five learners of one label.

    Parameters
    ----------
    groups, wide
        Groups of columns for the two Gaussian processes; the other members see all columns.
    settings
        Sizes of the learners.
    seed
        Of boosting, trees and networks.
    """

    def __init__(
        self, groups: Groups, wide: Groups, settings: CommitteeSettings, seed: int
    ) -> None:
        self.groups, self.wide, self.settings, self.seed = groups, wide, settings, seed

    def fit(self, x: Floats, y: Floats, units: Sequence[object]) -> Committee:
        """Fit to `x`, shape (n, p), and `y`; rows of one unit stay together in the inner folds."""
        self._gps = [GroupedGP(g).fit(x, y) for g in (self.groups, self.wide)]
        inner = _inner(units, self.settings.inner_folds, self.seed)
        answers, spreads = self._out_of_fold(x, y, inner)
        self.weights = _weights(answers, y)
        spread = _spread(answers, spreads, self.weights)
        ratio = np.abs(self.weights @ answers - y) / spread
        self.stretch = _quantile(ratio) * _few(len(set(units)), len(y))
        full = self.settings.boosting_seeds, self.settings.networks
        self._others = _others(x, y, self.settings, self.seed, full)
        return self

    def predict(self, x: Floats) -> Answer:
        """Means of the members and the committee, and its interval, at `x`."""
        processes = [gp.predict(x) for gp in self._gps]
        others = [member.predict(x) for member in self._others]
        each = np.array([*(mean for mean, _ in processes), *others], float)
        spread = _spread(each, np.array([s for _, s in processes]), self.weights)
        means = dict(zip(MEMBERS, each))
        means[COMMITTEE] = self.weights @ each
        return Answer(means, self.stretch * spread, self.weights)

    def _out_of_fold(self, x: Floats, y: Floats, inner: Sequence[Ints]) -> tuple[Floats, Floats]:
        """Answers of the members, shape (5, n), and spreads of the first two, on inner folds."""
        processes = [gp.left_out(inner) for gp in self._gps]
        others = np.empty((len(MEMBERS) - len(processes), len(y)))
        for test in inner:
            train = np.setdiff1d(np.arange(len(y)), test)
            members = _others(x[train], y[train], self.settings, self.seed, (1, 1))
            others[:, test] = [member.predict(x[test]) for member in members]
        answers = np.vstack([*(mean for mean, _ in processes), others])
        return answers, np.array([spread for _, spread in processes])


def _spread(answers: Floats, spreads: Floats, weights: Floats) -> Floats:
    """Spread of the Gaussian processes and of the members about their mean, shape (n,)."""
    apart = weights @ (answers - weights @ answers) ** 2
    return np.asarray(np.sqrt((spreads**2).mean(axis=0) + apart))


def _quantile(ratio: Floats) -> float:
    """90 % quantile with the rank of a finite sample (split-conformal prediction)."""
    level = min(1.0, LEVEL * (len(ratio) + 1) / len(ratio))
    return float(np.quantile(ratio, level, method="higher"))


def _few(units: int, rows: int) -> float:
    """What a spread known from few groups has to be widened by; 1 if each row is its own group.

    Errors of a left-out group share an offset; the spread of offsets is known from so many groups
    only, so that a new one follows Student's t, not the normal distribution.
    """
    if units > rows / 2:
        return 1.0
    return float(t.ppf((1 + LEVEL) / 2, units)) / NORMAL_90


def _inner(units: Sequence[object], count: int, seed: int) -> list[Ints]:
    """Test rows of each inner fold; with few units (cations, halides) each is left out once."""
    index = np.unique(np.asarray(units, dtype=str), return_inverse=True)[1]
    number = int(index.max()) + 1
    count = min(number, count if number > 10 else number)
    where = np.random.default_rng(seed).permutation(number) % count
    return [np.flatnonzero(where[index] == k) for k in range(count)]


def _weights(answers: Floats, truth: Floats) -> Floats:
    """Non-negative weights that sum to one with the least squared error (stacking)."""
    scale = 10 * np.sqrt(len(truth)) * (truth.std() or 1.0)
    centre = truth.mean()
    design = np.vstack([(answers - centre).T, scale * np.ones(len(answers))])
    found = nnls(design, np.append(truth - centre, scale))[0]
    return found / found.sum()


def _others(
    x: Floats, y: Floats, settings: CommitteeSettings, seed: int, count: tuple[int, int]
) -> list[Fitted]:
    """Boosting, trees, networks, fitted; `count`: how many of the first and the last."""
    from sklearn.ensemble import ExtraTreesRegressor

    trees: Learner = ExtraTreesRegressor(
        settings.trees, max_features=settings.tree_features, random_state=seed, n_jobs=1
    )
    trees.fit(x, y)
    boosted = _Boosting(x, y, settings, count[0], seed)
    return [boosted, trees, _Networks(x, y, settings, count[1], seed)]


class _Boosting:
    """Mean of boosted trees that differ in their seed."""

    def __init__(
        self, x: Floats, y: Floats, settings: CommitteeSettings, count: int, seed: int
    ) -> None:
        from xgboost import XGBRegressor

        boosting = settings.boosting
        self._members: list[Learner] = [
            XGBRegressor(
                n_estimators=boosting.trees,
                max_depth=boosting.depth,
                learning_rate=boosting.learning_rate,
                subsample=boosting.subsample,
                colsample_bytree=boosting.column_sample,
                tree_method="exact",
                n_jobs=1,
                random_state=seed + k,
            )
            for k in range(count)
        ]
        for member in self._members:
            member.fit(x, y)

    def predict(self, x: Floats) -> Floats:
        """Mean of the members."""
        return np.asarray(np.mean([m.predict(x) for m in self._members], axis=0))


class _Networks:
    """Mean of small networks that differ in their seed."""

    def __init__(
        self, x: Floats, y: Floats, settings: CommitteeSettings, count: int, seed: int
    ) -> None:
        from sklearn.neural_network import MLPRegressor

        self._columns, self._label = Standard.of(x), Standard.of(y)
        rows, target = self._columns.apply(x), self._label.apply(y)
        self._members = [
            MLPRegressor(
                hidden_layer_sizes=tuple(settings.network_layers),
                activation="tanh",
                solver="lbfgs",
                alpha=settings.network_decay,
                max_iter=settings.network_iterations,
                random_state=seed + k,
            )
            for k in range(count)
        ]
        for member in self._members:
            _quietly_fit(member, rows, target)

    def predict(self, x: Floats) -> Floats:
        """Mean of the members."""
        rows = self._columns.apply(x)
        mean = np.mean([m.predict(rows) for m in self._members], axis=0)
        return np.asarray(mean * self._label.spread + self._label.mean)


def _quietly_fit(member: Learner, x: Floats, y: Floats) -> None:
    """Fit a network that is stopped early on purpose; that is no news."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        member.fit(x, y)
