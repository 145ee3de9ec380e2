"""Interval by conformalised quantile regression: coverage, width that follows the inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from defectra.learn.quantile_band import band_of_json, learn_band, terms


def made(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two inputs; the target is curved in the first, its spread grows with the second."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 2))
    return x, x[:, 0] ** 2 + (0.1 + 0.4 * (x[:, 1] + 1)) * rng.normal(size=count)


def test_new_rows_are_covered_and_the_width_follows_the_spread() -> None:
    x, y = made(1, 600)
    band, held = learn_band(x, y, [str(k // 4) for k in range(len(y))])
    new, truth = made(2, 2000)
    low, high = band.ends(new)
    inside = (low <= truth) & (truth <= high)
    assert inside.mean() == pytest.approx(0.9, abs=0.045)
    for narrow in (new[:, 1] < -0.3, new[:, 1] > 0.3):
        assert inside[narrow].mean() == pytest.approx(0.9, abs=0.06)
    width = high - low
    spread = 2 * 1.645 * (0.1 + 0.4 * (new[:, 1] + 1))
    assert np.corrcoef(width, spread)[0, 1] > 0.95
    assert ((held[:, 0] <= y) & (y <= held[:, 1])).mean() == pytest.approx(0.9, abs=0.01)


def test_groups_are_left_out_as_a_whole() -> None:
    """Targets are noise of the group: rows of a known one would be met, those of a new one not."""
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(40), 5)
    x = np.eye(40)[group][:, :6] + 0.01 * rng.normal(size=(200, 6))
    y = rng.normal(size=40)[group]
    _, held = learn_band(x, y, [str(g) for g in group])
    _, known = learn_band(x, y, [str(k) for k in range(len(y))])
    own = group < 6
    wide, narrow = (np.diff(ends[own], axis=1).mean() for ends in (held, known))
    assert wide > narrow


def test_inputs_beyond_those_seen_count_as_the_outermost() -> None:
    x, y = made(4, 120)
    band, _ = learn_band(x, y, [str(k) for k in range(len(y))])
    far, edge = (band.ends(np.array([[0.0, value]])) for value in (50.0, x[:, 1].max()))
    np.testing.assert_allclose(far, edge)


def test_a_band_comes_back_from_json() -> None:
    x, y = made(5, 80)
    band, _ = learn_band(x, y, [str(k) for k in range(len(y))])
    again = band_of_json(json.loads(json.dumps(band.as_json())))
    np.testing.assert_array_equal(again.ends(x), band.ends(x))


def test_terms_are_inputs_squares_and_products() -> None:
    np.testing.assert_array_equal(terms(np.array([[2.0, 3.0]])), [[1, 2, 3, 4, 6, 9]])
