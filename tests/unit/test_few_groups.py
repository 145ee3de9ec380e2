"""Intervals of few groups: Student's t from a statistic without each group."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from defectra.core.claims import Estimate
from defectra.core.records import Metric
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


def mean_of(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda weights: weights @ values / weights.sum(axis=1)


def share_held(count: int, draws: int) -> float:
    """How often the interval of a mean over `count` groups, of four rows each, holds the truth."""
    generator, inside = np.random.default_rng(count), 0
    names = [f"g{k // 4}" for k in range(4 * count)]
    for k in range(draws):
        offsets = np.repeat(generator.normal(size=count), 4)
        values = offsets + 0.1 * generator.normal(size=4 * count)
        _, lo, hi = scores.over_groups(mean_of(values), names, 200, k)
        inside += lo <= 0 <= hi
    return inside / draws


@pytest.mark.parametrize("count", [3, scores.FEW_GROUPS - 1])
def test_of_few_groups_with_offsets_the_interval_holds(count: int) -> None:
    assert share_held(count, 400) == pytest.approx(0.9, abs=0.045)


def test_of_many_groups_it_holds_nearly() -> None:
    assert 0.8 < share_held(scores.FEW_GROUPS, 300) < 0.9 + 0.05


def test_ten_groups_are_drawn_and_fewer_left_out() -> None:
    few, many = np.arange(9.0), np.arange(10.0)
    names = [str(k) for k in range(10)]
    assert scores.over_groups(mean_of(few), names[:9], 50, 1) == scores.student(
        means(few, names[:9])
    )
    drawn = mean_of(many)(scores.group_weights(names, 50, 1))
    assert scores.over_groups(mean_of(many), names, 50, 1) == scores.interval(drawn)
    clipped = scores.over_groups(mean_of(few), names[:9], 50, 1, scores.BOUNDS[Metric.COVERAGE_90])
    assert clipped[2] == 1.0


def test_of_one_group_there_is_a_value_and_no_interval() -> None:
    value, lo, hi = scores.over_groups(mean_of(np.ones(3)), ["a"] * 3, 9, 0)
    assert value == 1.0
    assert math.isnan(lo)
    assert math.isnan(hi)


def test_many_groups_that_all_agree_do_not_show_that_every_group_would() -> None:
    names = [f"movie {k}" for k in range(20)]
    drawn = scores.Drawn.of(names, 300, 0)
    shares = drawn.weights @ np.ones(20) / drawn.weights.sum(axis=1)
    value, lo, hi = drawn.ends(shares, (0.0, 1.0))
    assert value == hi == 1.0
    assert lo**20 == pytest.approx(0.05)  # chance that 20 of 20 agree if the share is lo
    value, lo, hi = drawn.ends(0 * shares, (-1.0, 1.0))
    assert (value, -lo, hi) == pytest.approx((0.0, 1 - 0.05 ** (1 / 20), 1 - 0.05 ** (1 / 20)))
    assert all(math.isnan(end) for end in drawn.ends(shares)[1:])  # a mean without bounds


@pytest.mark.parametrize("count", [3, 40])
def test_a_constant_against_two_classes_is_one_half_for_any_groups(count: int) -> None:
    names = [f"movie {k // 2}" for k in range(2 * count)]
    truth, answer = np.tile([0.0, 1.0], count), np.linspace(0.6, 0.9, 2 * count)
    drawn = scores.Drawn.of(names, 300, 0)
    values = scores.balanced_accuracy(truth, answer, drawn.weights)
    assert drawn.ends(values, (0.0, 1.0), by_design=scores.one_class(answer)) == (0.5, 0.5, 0.5)
    assert drawn.ends(values, (0.0, 1.0)) != (0.5, 0.5, 0.5)  # a model that has learnt might err
    assert scores.one_class(1 - answer)
    assert not scores.one_class(np.append(answer, 0.5))
    assert not scores.one_class(np.full(3, np.nan))


def test_a_resample_without_a_value_does_not_hide_that_all_groups_agree() -> None:
    drawn = scores.Drawn.of([str(k) for k in range(12)], 50, 0)
    values = np.ones(51)
    values[7] = np.nan
    assert drawn.ends(values, (0.0, 1.0))[1] == pytest.approx(0.05 ** (1 / 12))


def test_the_deviation_of_a_mean_of_two_groups_is_made_up_for() -> None:
    values = np.repeat([0.0, 2.0], 8)
    names = ["a"] * 8 + ["b"] * 8
    assert scores.deviation(mean_of(values), names, 2000, 1) == pytest.approx(1.0, abs=0.05)
    assert math.isnan(scores.deviation(mean_of(values), ["a"] * 16, 9, 1))


ROOT = Path(scores.__file__).parents[1]


def bypasses() -> Iterator[str]:
    """Places that draw groups or take percentiles without a look at the number of groups."""
    plain = ("group_weights", "interval")
    for path in [*ROOT.rglob("*.py"), *ROOT.rglob("*.py.txt")]:
        if path == Path(scores.__file__):
            continue
        text = path.read_text(encoding="utf-8").replace("@study@", "own").replace("@Study@", "Own")
        for node in ast.walk(ast.parse(text)):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module == scores.__name__:
                names = [a.name for a in node.names]
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names = [node.attr] if node.value.id == "scores" else []
            yield from (f"{path.relative_to(ROOT)}: {n}" for n in names if n in plain)


def test_no_caller_goes_round_the_rule_of_few_groups() -> None:
    assert not list(bypasses()), "take Drawn or over_groups: they know the number of groups"
