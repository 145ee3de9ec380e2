"""Splits: nothing tested twice, no family cut, seeded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defectra.core.errors import TableError
from defectra.core.records import Split
from defectra.learn.splits import check, folds

NAMES = st.lists(st.sampled_from("abcdefghijkl"), min_size=12, max_size=60)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(0, 99), st.integers(2, 5))
def test_grouped_never_cuts_a_family(groups, seed, n):
    groups = [*groups, *"abcde"]
    tested = []
    for train, test in folds(Split.GROUPED, groups, n_folds=n, seed=seed):
        assert not {groups[i] for i in train} & {groups[i] for i in test}
        assert len(train) + len(test) == len(groups)
        tested.extend(test)
    assert sorted(tested) == list(range(len(groups)))


@settings(max_examples=40, deadline=None)
@given(NAMES, st.integers(0, 99))
def test_left_out_values_and_families_are_not_trained_on(groups, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 6, len(groups)).tolist()
    values[:6] = range(6)
    pairs = folds(Split.LITHIUM_OUT, [*groups, *"vwxyz"], values=[*values, *range(5)], seed=seed)
    groups, values = [*groups, *"vwxyz"], [*values, *range(5)]
    assert pairs
    for train, test in pairs:
        assert not {values[i] for i in train} & {values[i] for i in test}
        assert not {groups[i] for i in train} & {groups[i] for i in test}


def test_random_cuts_families_and_is_balanced():
    groups = list("aabbccddee") * 2
    labels = np.array([1, 0, 0, 0] * 5)
    pairs = folds(Split.RANDOM, groups, classes=labels)
    assert any({groups[i] for i in a} & {groups[i] for i in b} for a, b in pairs)
    assert [labels[test].sum() for _, test in pairs] == [1] * 5


def test_classes_are_spread_over_grouped_folds():
    groups = [f"g{k}" for k in range(45)]
    labels = np.array([1, 0, 0] * 15)
    sums = [labels[t].sum() for _, t in folds(Split.GROUPED, groups, classes=labels, seed=3)]
    assert sums == [3] * 5


@pytest.mark.parametrize("seed", range(20))
def test_as_many_folds_as_groups_leaves_none_empty(seed):
    pairs = folds(Split.GROUPED, list("abcde"), classes=[1, 0, 0, 0, 0], n_folds=5, seed=seed)
    assert [len(test) for _, test in pairs] == [1] * 5


def test_seed_decides():
    groups = [f"g{k}" for k in range(20)]
    draw = [[t.tolist() for _, t in folds(Split.GROUPED, groups, seed=s)] for s in (1, 1, 2)]
    assert draw[0] == draw[1] != draw[2]


def test_too_few_groups_and_missing_values_are_errors():
    with pytest.raises(TableError, match="3 groups for 5 folds"):
        folds(Split.GROUPED, list("aabbcc"))
    with pytest.raises(TableError, match="needs the value"):
        folds(Split.COMPOSITION_OUT, list("abcdef"))


def test_a_leak_is_refused():
    family = np.array([0, 0, 1, 1])
    leaking = [(np.array([0, 2]), np.array([1, 3])), (np.array([1, 3]), np.array([0, 2]))]
    with pytest.raises(TableError, match="both sides"):
        check(Split.GROUPED, leaking, family, family)
    twice = [(np.array([2, 3]), np.array([0, 1]))] * 2
    with pytest.raises(TableError, match="twice or never"):
        check(Split.GROUPED, twice, family, family)
