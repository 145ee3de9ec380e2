"""Seeded cross-validation splits; each is checked for leaks before it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.core.records import Split

Ints = NDArray[np.int64]
Fold = tuple[Ints, Ints]


class TooFewGroupsError(TableError):
    """There is nothing to train on: more groups are needed, or fewer folds."""


def folds(
    split: Split,
    groups: Sequence[str],
    *,
    classes: Sequence[float] | NDArray[np.float64] | None = None,
    values: Sequence[object] | None = None,
    n_folds: int = 5,
    seed: int = 0,
    key: str = "",
) -> list[Fold]:
    """Training and test rows of each fold; every row is tested exactly once.

    Parameters
    ----------
    split
        ``random_5fold`` (cuts families: only to show what that hides), ``grouped_5fold`` (no
        family on both sides), ``composition_out`` or ``lithium_out`` (no value on both sides, and
        training rows of a tested family are left out).
    groups
        Family of each row.
    classes
        0/1 labels; the folds then hold alike shares of both.
    values
        Composition or lithium of each row, for the splits that leave one out.
    n_folds, seed
        Number of folds, and seed of the shuffle.
    key
        Of the config that sets the number of folds, for the error; empty if none does.

    Raises
    ------
    TooFewGroupsError
        If there are fewer groups than folds, or nothing is left to train on.
    TableError
        If a fold leaks.
    """
    family = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    unit = _unit(split, family, values)
    n_units = len(np.unique(unit))
    if n_units < n_folds:
        raise TooFewGroupsError(
            f"split {split}: {n_units} groups for {n_folds} folds; more groups are needed"
            + (f", or a smaller {key}" if key else "")
        )
    out = [_without_leak(split, *pair, family) for pair in _draw(unit, classes, n_folds, seed)]
    check(split, out, family, unit)
    return out


def _unit(split: Split, family: Ints, values: Sequence[object] | None) -> Ints:
    """What is drawn as a whole."""
    if split is Split.RANDOM:
        return np.arange(len(family))
    if split is Split.GROUPED:
        return family
    if values is None:
        raise TableError(f"split {split}: needs the value that is left out")
    return np.unique(np.asarray(values, dtype=str), return_inverse=True)[1]


def _draw(
    unit: Ints, classes: Sequence[float] | NDArray[np.float64] | None, n_folds: int, seed: int
) -> Iterator[Fold]:
    """Shuffle the units and deal them: the next goes where most is missing."""
    generator = np.random.default_rng(seed)
    kinds = np.zeros(len(unit), int) if classes is None else np.asarray(classes).astype(int)
    table = np.zeros((unit.max() + 1, kinds.max() + 1))
    np.add.at(table, (unit, kinds), 1.0)
    weight = table / np.maximum(table.sum(axis=0), 1.0)
    order = generator.permutation(len(table))
    order = order[np.argsort(-weight[order].max(axis=1), kind="stable")]
    load, rows = np.zeros((n_folds, table.shape[1])), np.zeros(n_folds)
    where = np.empty(len(table), int)
    for u in order:
        cost = ((load + weight[u]) ** 2 - load**2).sum(axis=1)
        keys = (generator.random(n_folds), np.round(rows, 12), np.round(cost, 12))
        where[u] = int(np.lexsort(keys)[0])
        rows[where[u]] += table[u].sum()
        load[where[u]] += weight[u]
    for k in range(n_folds):
        test = where[unit] == k
        yield np.flatnonzero(~test), np.flatnonzero(test)


def _without_leak(split: Split, train: Ints, test: Ints, family: Ints) -> Fold:
    if split is Split.RANDOM:
        return train, test
    return train[~np.isin(family[train], family[test])], test


def check(split: Split, pairs: list[Fold], family: Ints, unit: Ints) -> None:
    """Refuse folds that test a row twice or never, are empty, or leak a family or value.

    Raises
    ------
    TableError
        With the fold that is wrong.
    """
    tested = np.sort(np.concatenate([test for _, test in pairs]))
    if not np.array_equal(tested, np.arange(len(unit))):
        raise TableError(f"split {split}: a row is tested twice or never")
    for number, (train, test) in enumerate(pairs):
        if not len(train) or not len(test):
            raise TooFewGroupsError(f"split {split}: fold {number} is empty; use fewer folds")
        shared = np.intersect1d(unit[train], unit[test]).size
        if split is not Split.RANDOM:
            shared += np.intersect1d(family[train], family[test]).size
        if shared:
            raise TableError(f"split {split}: fold {number} has a group on both sides")
