"""Intervals over seeds and movies: coverage with planted effects, what tells no interval."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.learn.crossed import crossed_interval
from defectra.learn.scores import left_out_weights

MOVIES = [f"m{k:02d}" for k in range(16)]
WEIGHTS = left_out_weights(MOVIES)


def drawn(effects: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Values of three seeds and sixteen movies, of true mean 0."""
    seeds, movies, rest = effects
    return (
        seeds * rng.normal(size=(3, 1))
        + movies * rng.normal(size=(1, 16))
        + rest * rng.normal(size=(3, 16))
    )


def left_out(values: np.ndarray) -> np.ndarray:
    return values @ WEIGHTS.T / WEIGHTS.sum(axis=1)


def resampled(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile interval of resampled seeds and movies."""
    seeds = rng.multinomial(3, np.full(3, 1 / 3), 200) / 3
    movies = rng.multinomial(16, np.full(16, 1 / 16), 200) / 16
    lo, hi = np.quantile(np.einsum("bs,sm,bm->b", seeds, values, movies), [0.05, 0.95])
    return float(lo), float(hi)


@pytest.mark.parametrize(
    "effects",
    [(1.0, 0.0, 0.3), (0.3, 1.0, 0.3), (0.5, 1.0, 1.0), (0.25, 1.0, 0.5), (0.1, 0.3, 1.0)],
)
def test_coverage_with_planted_effects(effects: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(4)
    ends = [crossed_interval(left_out(drawn(effects, rng))) for _ in range(1500)]
    covered = np.mean([lo <= 0 <= hi for _, lo, hi in ends])
    assert 0.87 < covered < 0.95


def test_resampled_seeds_are_too_narrow_where_seeds_scatter() -> None:
    """What the study did before; the width against that of Student's t of three seeds."""
    rng = np.random.default_rng(5)
    tables = [drawn((1.0, 0.1, 0.1), rng) for _ in range(400)]
    before = [resampled(t, rng) for t in tables]
    now = [crossed_interval(left_out(t))[1:] for t in tables]
    assert np.mean([lo <= 0 <= hi for lo, hi in before]) < 0.75
    assert np.mean([lo <= 0 <= hi for lo, hi in now]) > 0.87
    widths = [float(np.mean([hi - lo for lo, hi in ends])) for ends in (before, now)]
    assert widths[1] / widths[0] > 2


def test_seeds_that_are_equal_leave_students_interval_of_the_movies() -> None:
    values = np.random.default_rng(6).normal(size=16)
    found = crossed_interval(left_out(np.tile(values, (3, 1))))
    half = 1.7531 * values.std(ddof=1) / 4  # Student's t of 15 degrees of freedom
    assert found == pytest.approx((values.mean(), values.mean() - half, values.mean() + half), 1e-4)


def test_what_tells_no_interval() -> None:
    values = np.random.default_rng(7).normal(size=(3, 16))
    for table in (left_out(values)[:1], np.ones((3, 17)), left_out(values)[:, :2]):
        value, lo, hi = crossed_interval(table)
        assert value == pytest.approx(table[:, 0].mean())
        assert np.isnan([lo, hi]).all()
    assert np.isnan(crossed_interval(np.full((3, 17), np.nan))).all()


def test_ends_stay_within_what_is_possible() -> None:
    shares = np.clip(0.97 + 0.1 * np.random.default_rng(8).normal(size=(3, 16)), 0, 1)
    assert crossed_interval(left_out(shares), (0.0, 1.0))[2] <= 1
