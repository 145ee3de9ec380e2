"""Intervals of few groups: Student's t from a statistic without each group."""

from __future__ import annotations

import math

import numpy as np
import pytest

from defectra.core.claims import Estimate
from defectra.learn import scores


def means(values: np.ndarray, groups: list[str]) -> np.ndarray:
    weights = scores.left_out_weights(groups)
    with np.errstate(invalid="ignore"):
        return np.asarray(weights @ values / weights.sum(axis=1))


def test_of_a_mean_it_is_the_interval_of_the_values() -> None:
    values = np.array([0.2, 0.5, 0.9, 0.4])
    found = scores.student(means(values, list("abcd")))
    expected = Estimate.mean(values)
    assert found == pytest.approx((expected.value, expected.lo, expected.hi))


def test_rows_of_a_group_are_left_out_together() -> None:
    weights = scores.left_out_weights(list("aabc"))
    assert weights.tolist() == [[1, 1, 1, 1], [0, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]


def test_of_four_blocks_it_covers_what_a_bootstrap_misses() -> None:
    generator, names = np.random.default_rng(2), list("abcd")
    inside = {"student": 0, "bootstrap": 0}
    for k in range(400):
        values = generator.normal(size=4)
        drawn = scores.group_weights(names, 200, k)
        for name, (_, lo, hi) in (
            ("student", scores.student(means(values, names))),
            ("bootstrap", scores.interval(drawn @ values / drawn.sum(axis=1))),
        ):
            inside[name] += lo <= 0 <= hi
    assert inside["student"] / 400 == pytest.approx(0.9, abs=0.04)
    assert inside["bootstrap"] / 400 < 0.8


def test_no_interval_where_none_is_known() -> None:
    unknown = [
        scores.student(means(np.array([0.4]), ["a"])),
        scores.student(means(np.array([0.4, 0.6]), list("ab")), count=1),
        scores.student(means(np.ones(5), list("abcde"))),  # five pairs won of five
        scores.student(np.array([0.5, 0.4, np.nan])),
    ]
    assert all(math.isnan(lo) and math.isnan(hi) for _, lo, hi in unknown)
    assert unknown[2][0] == 1.0


def test_it_ends_where_the_statistic_ends() -> None:
    value, lo, hi = scores.student(means(np.array([1.0, 1.0, 0.6]), list("abc")), (0.0, 1.0))
    assert hi == 1.0
    assert 0.0 < lo < value
    two = scores.student(means(np.array([0.2, 0.9]), list("ab")), (0.0, 1.0))
    assert two[1:] == (0.0, 1.0)
