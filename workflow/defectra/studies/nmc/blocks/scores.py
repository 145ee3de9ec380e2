"""Scores of held-out answers about the blocks: contents, pairs of arms, gains, McNemar.

Every number is the mean over single measurements (d of them), its interval a bootstrap over
blocks, of few Student's t (:class:`defectra.learn.scores.Drawn`). RMSE: root mean square error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric
from defectra.learn import repeated_scores, scores
from defectra.learn.crossval import TARGETS
from defectra.studies.nmc.blocks.arms import Arms, Labels
from defectra.studies.nmc.blocks.models import Held

Row = dict[str, Any]
Floats = NDArray[np.float64]
Value = tuple[float, float, float]
ALL_ARMS = "all arms"
SHAPE, ALL = "shape: ", "all"
ENDLESS = (-np.inf, np.inf)


@dataclass(frozen=True)
class Pair:
    """A defect arm and the arm of the same block that it is compared with."""

    target: str
    arm: str
    other: str

    @property
    def name(self) -> str:
        """As in column ``subset`` of ``metrics.csv``."""
        return f"{self.arm} against {self.other}"

    @property
    def column(self) -> int:
        """Place of the target."""
        return [t.name for t in TARGETS].index(self.target)


VACANCY, ANTISITE = (Pair(t, t, "pristine") for t in ("vacancy", "antisite"))
ELECTRONS = Pair("vacancy", "vacancy", "lithium")
PAIRS = (
    VACANCY,
    ANTISITE,
    ELECTRONS,
    Pair("vacancy", "vacancy", "antisite"),
    Pair("antisite", "antisite", "vacancy"),
)
CLAIMED = (VACANCY, ANTISITE)


@dataclass(frozen=True)
class Bootstrap:
    """Weights of blocks: the sample itself, then its resamples, or the sample without each one.

    Attributes
    ----------
    blocks
        Names of the groups, in order.
    drawn
        Its weights have shape (1 + resamples or blocks, blocks).
    """

    blocks: list[str]
    drawn: scores.Drawn

    @property
    def weights(self) -> Floats:
        """Of the blocks, shape (1 + resamples or blocks, blocks)."""
        return self.drawn.weights

    @classmethod
    def of(cls, arms: Arms, resamples: int, seed: int) -> Bootstrap:
        """Groups of some arms."""
        names = sorted(set(arms.groups))
        return cls(names, scores.Drawn.of(names, resamples, seed))

    @classmethod
    def without_each(cls, arms: Arms) -> Bootstrap:
        """Groups of some arms, each left out once: of few blocks (:func:`scores.student`)."""
        names = sorted(set(arms.groups))
        return cls(names, scores.Drawn(scores.left_out_weights(names), True, len(names)))

    def of_rows(self, groups: Sequence[str]) -> Floats:
        """Weight of each row, shape (1 + resamples, rows)."""
        place = {name: k for k, name in enumerate(self.blocks)}
        return self.weights[:, [place[g] for g in groups]]

    def ends(self, curve: Floats, bounds: tuple[float, float] = ENDLESS) -> Value:
        """Value and interval of a statistic, shape (1 + resamples or blocks,)."""
        return self.drawn.ends(curve, bounds)


def content_curves(
    arms: Arms, labels: Sequence[Labels], values: Floats, k: int, bootstrap: Bootstrap
) -> dict[Metric, Floats]:
    """RMSE and R² of a content, shape (1 + resamples,); `values` has shape (d, n)."""
    if not np.isfinite(values).all():
        nothing = np.full(len(bootstrap.weights), np.nan)
        return dict.fromkeys((Metric.RMSE, Metric.R2), nothing)
    weights, total = bootstrap.of_rows(arms.groups), np.zeros((2, len(bootstrap.weights)))
    for own, here in _alike([own.values[:, k] for own in labels]):
        total += len(here) * np.array(repeated_scores.rmse_and_r2(own, values[here], weights))
    rmse, r2 = total / len(labels)
    return {Metric.RMSE: rmse, Metric.R2: r2}


def pair_curves(
    arms: Arms, labels: Sequence[Labels], values: Floats, pair: Pair, bootstrap: Bootstrap
) -> dict[Metric, Floats]:
    """AUROC, balanced accuracy and win rate of a pair, shape (1 + resamples,).

    Parameters
    ----------
    labels, values
        Labels of each measurement, and its answers about the target of the pair, shape (d, n).
    """
    found = {
        metric: np.zeros(len(bootstrap.weights))
        for metric in (Metric.AUROC, Metric.BALANCED_ACCURACY, Metric.WIN_RATE)
    }
    if not np.isfinite(values).all():
        return {metric: curve + np.nan for metric, curve in found.items()}
    groups = np.array(arms.groups)
    for passed, here in _alike([own.arms for own in labels]):
        rows = np.flatnonzero(np.isin(passed, (pair.arm, pair.other)))
        truth = (passed[rows] == pair.arm).astype(float)
        of_pair = truth, values[here][:, rows], bootstrap.of_rows(list(groups[rows]))
        found[Metric.AUROC] += len(here) * repeated_scores.auroc(*of_pair)
        found[Metric.BALANCED_ACCURACY] += len(here) * repeated_scores.balanced_accuracy(*of_pair)
        own = labels[here[0]]
        first, second = paired(arms, own, values[here], pair)
        won = np.where(first == second, 0.5, first > second).mean(axis=0)
        by_block = bootstrap.of_rows(pair_groups(arms, own, pair))
        found[Metric.WIN_RATE] += len(here) * (by_block @ won / by_block.sum(axis=1))
    return {metric: curve / len(labels) for metric, curve in found.items()}


def _alike(labels: Sequence[NDArray[Any]]) -> Iterator[tuple[NDArray[Any], list[int]]]:
    """Labels that some measurements share, and the places of these measurements."""
    places: dict[bytes, list[int]] = {}
    for place, own in enumerate(labels):
        places.setdefault(own.tobytes(), []).append(place)
    yield from ((labels[here[0]], here) for here in places.values())


def _members(arms: Arms, labels: Labels, pair: Pair) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of both arms, block by block."""
    rows = []
    for name in (pair.arm, pair.other):
        own = np.flatnonzero(labels.arms == name)
        rows.append(own[np.argsort(arms.blocks[own], kind="stable")])
    return rows[0], rows[1]


def paired(arms: Arms, labels: Labels, answer: Floats, pair: Pair) -> tuple[Floats, Floats]:
    """Answers (..., n) about the two arms of each block, shape (..., blocks) each."""
    first, second = _members(arms, labels, pair)
    return answer[..., first], answer[..., second]


def pair_groups(arms: Arms, labels: Labels, pair: Pair) -> list[str]:
    """Group of each pair, in the order of :func:`paired`."""
    return [arms.groups[i] for i in _members(arms, labels, pair)[0]]


def pairs_won(arms: Arms, held: Held, values: Floats, pair: Pair) -> NDArray[np.bool_]:
    """Which pairs are won in more than half of the measurements, shape (blocks,)."""
    won = 0
    for _, here in _alike([own.arms for own in held.labels]):
        first, second = paired(arms, held.labels[here[0]], values[here], pair)
        won = won + (first > second).sum(axis=0)
    return np.asarray(won > 0.5 * len(held.labels))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Exact one-sided p of "the first wins more pairs"; 1 where they win the same ones."""
    from scipy.stats import binomtest

    more, fewer = int((first & ~second).sum()), int((~first & second).sum())
    if more + fewer == 0:
        return 1.0
    return float(binomtest(more, more + fewer, 0.5, alternative="greater").pvalue)


@dataclass(frozen=True)
class Sheet:
    """Makes rows of ``metrics.csv`` that have much in common.

    Attributes
    ----------
    name
        Before the arms in column ``subset``: which blocks are tested.
    """

    arms: Arms
    held: Held
    bootstrap: Bootstrap
    seed: int
    name: str = "blocks"
    _constant: dict[int, Floats] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _known: dict[tuple[int, Pair], tuple[Floats, dict[Metric, Floats]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def row(
        self, target: str, features: str, model: str, subset: str, metric: Metric, value: Value
    ) -> Row:
        """One row."""
        unit = next(t.unit for t in self.arms.targets if t.name == target)
        unitless = (Metric.R2, Metric.SKILL)
        rows = self.arms.rows
        tested = [r for r in rows if subset == ALL_ARMS or r["arm"] in subset.split(" against ")]
        return {
            "target": target,
            "unit": "" if metric in unitless else unit,
            "features": features,
            "model": model,
            "split": str(self.held.split),
            "subset": f"{self.name}: {subset}",
            "fidelity": str(rows[0]["protocol"]),
            "seed": self.seed,
            "n_train": self.held.n_train,
            "n_test": len(tested),
            "n_groups": len(self.bootstrap.blocks),
            "metric": str(metric),
            "value": value[0],
            "lo": value[1],
            "hi": value[2],
        }

    def contents(self, values: Floats, features: str, model: str) -> Iterator[Row]:
        """Scores of every content; `values` has shape (d, n, k)."""
        for k, target in enumerate(self.arms.targets):
            if target.is_class:
                continue
            found = content_curves(self.arms, self.held.labels, values[..., k], k, self.bootstrap)
            if k not in self._constant:
                constant = self.held.constant[..., k]
                known = content_curves(self.arms, self.held.labels, constant, k, self.bootstrap)
                self._constant[k] = known[Metric.RMSE]
            with np.errstate(divide="ignore", invalid="ignore"):
                found[Metric.SKILL] = 1 - found[Metric.RMSE] / self._constant[k]
            for metric, curve in found.items():
                value = self.bootstrap.ends(curve, scores.BOUNDS[metric])
                yield self.row(target.name, features, model, ALL_ARMS, metric, value)

    def defects(
        self, values: Floats, features: str, model: str, pairs: Sequence[Pair] = PAIRS
    ) -> Iterator[Row]:
        """Scores of pairs of arms; `values` has shape (d, n, k).

        Where both arms of every block have the same answer by design, 0.5 is exact.
        """
        for pair in pairs:
            tied = self._tied(values, pair)
            for metric, curve in self.pair(values, pair).items():
                value = self.bootstrap.ends(curve, scores.BOUNDS[metric])
                value = (value[0],) * 3 if tied else value
                yield self.row(pair.target, features, model, pair.name, metric, value)

    def pair(self, values: Floats, pair: Pair) -> dict[Metric, Floats]:
        """Curves of a pair; `values` has shape (d, n, k). The same array is scored once."""
        key = id(values), pair
        if key not in self._known:  # with the array itself: its number is not given away again
            own = values[..., pair.column]
            found = pair_curves(self.arms, self.held.labels, own, pair, self.bootstrap)
            self._known[key] = values, found
        return self._known[key][1]

    def _tied(self, values: Floats, pair: Pair) -> bool:
        """Whether both arms of every block have the same answer: what was asked is equal."""
        return all(
            np.array_equal(*paired(self.arms, own, answer[..., pair.column], pair))
            for own, answer in zip(self.held.labels, values)
        )

    def gains(
        self,
        values: Floats,
        others: Mapping[str, Floats],
        features: str,
        model: str,
        pairs: Sequence[Pair] = PAIRS,
    ) -> Iterator[Row]:
        """AUROC of a model minus that of each other one, and McNemar's p, pair by pair."""
        for pair in pairs:
            own = self.pair(values, pair)[Metric.AUROC]
            won = pairs_won(self.arms, self.held, values[..., pair.column], pair)
            for name, other in others.items():
                minus = f"{features} minus {name}"
                gain = own - self.pair(other, pair)[Metric.AUROC]
                value = self.bootstrap.ends(gain, (-1.0, 1.0))
                yield self.row(pair.target, minus, model, pair.name, Metric.AUROC, value)
                theirs = pairs_won(self.arms, self.held, other[..., pair.column], pair)
                p = mcnemar(won, theirs)
                yield self.row(pair.target, minus, model, pair.name, Metric.MCNEMAR, (p, p, p))


def edges_name(subset: Sequence[str], edges: Sequence[str]) -> str:
    """Name of a subset of the edges, ``all`` for all of them."""
    return ALL if tuple(subset) == tuple(edges) else " + ".join(subset)
