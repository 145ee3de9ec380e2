"""Held-out answers about the arms of the blocks: every edge, every subset, every model.

What is run is fixed in ``docs/nmc.md``. A row is an arm; in training each stands `COPIES` times
with its own jitters, and it is tested `TESTS` times in every repeat. Shapes: d = repeats x `TESTS`
tests, n rows, k targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.learn import components, edge_kernels, edge_ridge
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.learn.edge_ridge import Scaled, scaled
from defectra.learn.moved_spectra import Disturbance
from defectra.learn.splits import Fold, TooFewGroupsError, folds
from defectra.studies.nmc.blocks.arms import Arms, Labels, Subset, permuted, true_labels

Floats = NDArray[np.float64]
Features = Mapping[str, Floats]  # by edge, shape (n, b)
KERNEL: edge_kernels.KernelName = "kernel"  # the model of the claims
COPIES, TESTS = 3, 3
FEW_BLOCKS = 10  # blocks; below, each is left out once
KERNELS: tuple[edge_kernels.KernelName, ...] = (KERNEL, "ridge")
COMPONENTS: tuple[components.ComponentModel, ...] = ("xgboost", "network")
LATE = ", late"
MEASURED = Disturbance()  # jitter of 0.5 eV


@dataclass
class Answers:
    """Held-out answers of one model.

    Attributes
    ----------
    values
        Shape (d, n, k), NaN where nothing could be trained.
    error
        Mean square error of inner held-out answers of the fold that tests the row, shape
        (d, n, k); NaN where the model has no inner folds.
    """

    values: Floats
    error: Floats

    @classmethod
    def empty(cls, tests: int, arms: Arms) -> Answers:
        """Nothing answered yet."""
        shape = (tests, len(arms.rows), len(arms.targets))
        return cls(np.full(shape, np.nan), np.full(shape, np.nan))


Key = tuple[str, Subset]  # model, edges


@dataclass
class Held:
    """Held-out answers of all models on one split.

    Attributes
    ----------
    answers
        By model and edges; late fusion has a model name of its own.
    labels
        Of each test, length d.
    constant
        Mean of the training rows (contents), shape (d, n, k).
    n_train
        Mean number of training rows, copies not counted.
    """

    split: Split
    answers: dict[Key, Answers] = field(default_factory=dict)
    labels: list[Labels] = field(default_factory=list)
    constant: Floats = field(default_factory=lambda: np.empty(0))
    n_train: int = 0

    def only(self, rows: NDArray[np.int64]) -> Held:
        """Answers about some of the rows, by the same models."""
        answers = {
            key: Answers(a.values[:, rows], a.error[:, rows]) for key, a in self.answers.items()
        }
        labels = [own.only(rows) for own in self.labels]
        return Held(self.split, answers, labels, self.constant[:, rows], self.n_train)


@dataclass(frozen=True)
class Asked:
    """What is run on a split.

    Attributes
    ----------
    kernels, components
        Names of the models.
    subsets
        Edges of the kernels; the others have single edges and all.
    repeats, seed
        Repeats with other folds and jitters.
    permute
        Whether the labels are permuted (negative control).
    train_share
        Share of the training groups that is used (learning curves).
    draws
        Models of a repeat, each with its own jitters of the training rows and inner folds, whose
        answers are averaged; the tested rows keep theirs.
    """

    split: Split = Split.GROUPED
    kernels: Sequence[edge_kernels.KernelName] = KERNELS
    components: Sequence[components.ComponentModel] = COMPONENTS
    subsets: Sequence[Subset] = ()
    disturbance: Disturbance = MEASURED
    repeats: int = 3
    seed: int = 0
    permute: bool = False
    train_share: float = 1.0
    draws: int = 1


def split_folds(arms: Arms, split: Split, n_folds: int, seed: int) -> list[Fold]:
    """Folds of a split over blocks; fewer than ten blocks are left out one by one."""
    column = {Split.COMPOSITION_OUT: "composition", Split.LITHIUM_OUT: "lithium"}.get(split)
    values = [r[column] for r in arms.rows] if column else None
    units = len(set(values or arms.groups))
    count = units if units < FEW_BLOCKS and not column else min(n_folds, units)
    if count < 2 or len(set(arms.groups)) < 2:
        return []
    try:
        return folds(split, arms.groups, values=values, n_folds=count, seed=seed)
    except TooFewGroupsError:
        return []


def hold_out(arms: Arms, asked: Asked, n_folds: int) -> Held:
    """Answers of every model asked for about rows it was not trained on."""
    return hold_out_folds(
        arms, asked, lambda repeat: split_folds(arms, asked.split, n_folds, repeat)
    )


def hold_out_folds(arms: Arms, asked: Asked, folds_of: Callable[[int], Sequence[Fold]]) -> Held:
    """Answers on given folds; a row that none of them tests stays NaN.

    Parameters
    ----------
    folds_of
        Folds of a repeat.
    """
    out, tests = Held(asked.split), asked.repeats * TESTS
    out.constant = np.full((tests, len(arms.rows), len(arms.targets)), np.nan)
    sizes = []
    for repeat in range(asked.repeats):
        seed = asked.seed * 1000 + repeat
        labels = permuted(arms, seed) if asked.permute else true_labels(arms)
        out.labels += [labels] * TESTS
        generator = np.random.default_rng([seed, 1])
        copies = [asked.disturbance.draw(arms.curves, generator) for _ in range(COPIES)]
        measured = [asked.disturbance.draw(arms.curves, generator) for _ in range(TESTS)]
        here = slice(repeat * TESTS, (repeat + 1) * TESTS)
        for train, test in folds_of(repeat):
            kept = _share(arms, train, asked.train_share, seed)
            sizes.append(len(kept))
            fold = FoldData.of(arms, labels, copies, measured, (kept, test), seed)
            out.constant[here, test] = fold.targets.values.mean(axis=0)
            for key, values, error in _averaged(fold, arms, asked, kept):
                place = out.answers.setdefault(key, Answers.empty(tests, arms))
                place.values[here, test] = values
                place.error[here, test] = error
    out.n_train = round(float(np.mean(sizes))) if sizes else 0
    _late(out)
    return out


def _averaged(
    fold: FoldData, arms: Arms, asked: Asked, train: NDArray[np.int64]
) -> Iterator[tuple[Key, Floats, Floats]]:
    """Answers of a fold, or their means over models with other draws of the training rows."""
    if asked.draws == 1:
        yield from fold.answers(asked)
        return
    total: dict[Key, tuple[Floats, Floats]] = {}
    for draw in range(asked.draws):
        for key, values, error in fold.drawn(arms, asked.disturbance, train, draw).answers(asked):
            so_far = total.get(key, (np.zeros_like(values), np.zeros_like(error)))
            total[key] = so_far[0] + values / asked.draws, so_far[1] + error / asked.draws
    yield from ((key, *both) for key, both in total.items())


def _share(arms: Arms, train: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """A seeded share of the groups of the training rows; a larger share contains a smaller one."""
    if share >= 1:
        return train
    groups = np.array(arms.groups)[train]
    names = np.random.default_rng([seed, 2]).permutation(np.unique(groups))
    kept = names[: max(2, round(share * len(names)))]
    return np.asarray(train[np.isin(groups, kept)], dtype=np.int64)


def _late(out: Held) -> None:
    """Mean of the answers of the single-edge models, for every subset whose edges were asked."""
    for model in dict.fromkeys(name for name, _ in out.answers):
        asked = {s for name, s in out.answers if name == model and len(s) > 1}
        for subset in sorted(asked):
            if not all((model, (e,)) in out.answers for e in subset):
                continue
            singles = [out.answers[model, (e,)] for e in subset]
            values = np.mean([a.values for a in singles], axis=0)
            out.answers[model + LATE, subset] = Answers(values, np.full(values.shape, np.nan))


@dataclass(frozen=True)
class FoldData:
    """Training copies and measurements of one fold.

    Attributes
    ----------
    train, test
        Features by edge, shapes (m, b), (`TESTS` x t, b).
    """

    train: Features
    test: Features
    targets: Targets
    inner: NDArray[np.int64]
    seed: int

    @classmethod
    def of(
        cls,
        arms: Arms,
        labels: Labels,
        copies: Sequence[Features],
        measured: Sequence[Features],
        fold: Fold,
        seed: int,
    ) -> FoldData:
        """Copies of the training rows, measurements of the test rows."""
        train, test = fold
        groups = [arms.groups[i] for i in train] * len(copies)
        values = np.tile(labels.values[train], (len(copies), 1))
        return cls(
            {e: np.vstack([c[e][train] for c in copies]) for e in arms.edges},
            {e: np.vstack([m[e][test] for m in measured]) for e in arms.edges},
            Targets(values, arms.is_class),
            edge_kernels.inner_folds(groups, seed),
            seed,
        )

    def drawn(
        self, arms: Arms, disturbance: Disturbance, train: NDArray[np.int64], draw: int
    ) -> FoldData:
        """The same fold with other jitters of the training rows `train` and other inner folds."""
        generator = np.random.default_rng([self.seed, 6, draw])
        copies = [disturbance.draw(arms.curves, generator) for _ in range(COPIES)]
        groups = [arms.groups[i] for i in train] * COPIES
        return replace(
            self,
            train={e: np.vstack([c[e][train] for c in copies]) for e in arms.edges},
            inner=edge_kernels.inner_folds(groups, self.seed + draw),
        )

    def answers(self, asked: Asked) -> Iterator[tuple[Key, Floats, Floats]]:
        """Key, answers and inner errors of each model, shapes (`TESTS`, t, k), (k,)."""
        nothing = np.full(len(self.targets.is_class), np.nan)
        edges = tuple(self.train)
        for name in asked.kernels:
            of_kernel = self._kernels if name == KERNEL else self._linear
            for subset, values, error in of_kernel(asked.subsets):
                yield (name, subset), self._shaped(values), error
        if not asked.components:
            return
        parts = {e: components.components(self.train[e], self.test[e]) for e in edges}
        ends: list[Subset] = [(e,) for e in edges] + ([edges] if len(edges) > 1 else [])
        for model in asked.components:
            for subset in ends:
                train, test = (np.hstack([parts[e][k] for e in subset]) for k in (0, 1))
                values = components.answers(model, train, self.targets, test, self.seed)
                yield (model, subset), self._shaped(values), nothing

    def _kernels(self, subsets: Sequence[Subset]) -> Iterator[tuple[Subset, Floats, Floats]]:
        """Edges, answers and inner errors of the Gaussian kernels."""
        order = edge_kernels.in_parts(self.inner)  # each inner fold is a slice of the kernels
        kernels = {e: Kernel.of(rows[order]) for e, rows in self.train.items()}
        own = {e: k.own for e, k in kernels.items()}
        cross = {e: k.with_rows(self.test[e]) for e, k in kernels.items()}
        targets = replace(self.targets, values=self.targets.values[order])
        for subset in subsets:
            found = edge_kernels.fit(_mean(own, subset), targets, self.inner[order])
            yield subset, found.answers(_mean(cross, subset)), found.error

    def _linear(self, subsets: Sequence[Subset]) -> Iterator[tuple[Subset, Floats, Floats]]:
        """The same of ridge."""
        by = {e: Scaled.of(rows) for e, rows in self.train.items()}
        for subset in subsets:
            own, test = (scaled(rows, by, subset) for rows in (self.train, self.test))
            found = edge_ridge.fit(own, self.targets, self.inner)
            yield subset, found.answers(test), found.error

    def _shaped(self, values: Floats) -> Floats:
        return values.reshape(TESTS, -1, values.shape[1])


def _mean(kernels: Features, subset: Subset) -> Floats:
    return np.asarray(sum(kernels[e] for e in subset) / len(subset))
