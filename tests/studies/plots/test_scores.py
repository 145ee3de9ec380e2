"""Crossings of known lines are counted, and plots are grouped by them."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.studies.plots.reading import COLUMN_MEAN, METHODS, NEAREST, SLOPE, crossings
from defectra.studies.plots.scores import (
    CROSSINGS,
    ERROR_DIFFERENCE,
    RECALL,
    RECALL_DIFFERENCE,
    metrics,
    subsets,
)
from defectra.studies.plots.settings import PlotsStudy

X = np.arange(100.0)
FRAME = np.array([0.0, 0.0, 99.0, 99.0])


def wave(times: int) -> np.ndarray:
    """A line that meets row 50 so often between the sides of the frame."""
    return 50 + 30 * np.sin(np.pi * times * (X + 0.5) / 100 + 0.5 * np.pi)


@pytest.mark.parametrize("times", [0, 1, 2, 5])
def test_crossings_of_a_wave_with_a_level_line(times: int) -> None:
    level = np.full(100, 50.25)
    assert crossings(np.array([level, wave(times)]), FRAME) == times


def test_every_pair_counts() -> None:
    lines = np.array([X, 99 - X + 0.25, np.full(100, 40.0)])
    assert crossings(lines, FRAME) == 3


def test_lines_that_touch_and_part_do_not_cross() -> None:
    touching = 50 + np.abs(X - 50)
    assert crossings(np.array([touching, np.full(100, 50.0)]), FRAME) == 0
    assert crossings(np.array([X, X]), FRAME) == 0


def test_what_lies_outside_the_frame_does_not_count() -> None:
    lines = np.array([X, np.full(100, 50.0)])
    assert crossings(lines, FRAME) == 1
    assert crossings(lines, np.array([60.0, 0.0, 99.0, 99.0])) == 0
    assert crossings(lines, np.array([0.0, 55.0, 99.0, 99.0])) == 0
    gap = lines.copy()
    gap[0, 40:60] = np.nan
    assert crossings(gap, FRAME) == 1, "the order changes across a gap"


def reading(plot: int, lines: int, count: int, found: int) -> dict:
    """A plot of which so many lines were found."""
    distance = [1.0] * found + [50.0] * (lines - found)
    nan = float("nan")
    return {
        **{"plot": f"p-{plot}", "rule": "polynomials", "lines": lines, "dpi": 100},
        **{"crossings": count, "one_colour": True, "rough": False, "method": SLOPE},
        **{"distance_px": distance, "count": found, "refusal": ""},
        **{"box_px": 0.1, "box_unrefined_px": 0.2, "energy_error_eV": nan, "intensity_error": nan},
    }


def test_every_plot_of_several_lines_is_in_one_group_of_crossings() -> None:
    chosen = subsets([reading(0, 3, 0, 3)])
    for count in range(40):
        row = reading(0, 3, count, 3)
        assert sum(chosen[name](row) for name in CROSSINGS) == 1
    assert not any(chosen[name](reading(0, 1, 0, 1)) for name in CROSSINGS)


def test_scores_by_crossings_have_intervals() -> None:
    rows = [reading(k, 4, 0, 4) for k in range(5)] + [reading(5 + k, 4, 8, k) for k in range(5)]
    scores = {
        r["subset"]: r
        for r in metrics(rows, PlotsStudy(bootstrap=200), 1)
        if r["metric"] == RECALL and r["model"] in METHODS
    }
    none = scores["no crossing"]
    assert none["value"] == 1.0
    assert np.isnan([none["lo"], none["hi"]]).all()  # five plots of five do not show that all are
    many = scores["6 to 12 crossings"]
    assert many["value"] == pytest.approx(0.5)
    half = 2.1318 * np.std(np.arange(5) / 4, ddof=1) / np.sqrt(5)  # Student's t of five plots
    assert (many["lo"], many["hi"]) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-3)
    assert many["n_groups"] == 5
    assert "1 to 5 crossings" not in scores


def test_differences_are_taken_plot_by_plot() -> None:
    """One line of four more in every plot is 0.25 more, however much plots differ."""
    rows = []
    for k in range(12):
        easy = reading(k, 4, 0, 1 + k % 4) | {"box_px": 0.1 + 0.001 * (k % 2)}
        hard = easy | {"method": NEAREST, "distance_px": [*easy["distance_px"][1:], 50.0]}
        unrefined = 0.2 + 0.01 * k + 0.001 * (k % 2)
        rows += [easy, hard | {"box_px": 0.3 + 0.01 * k, "box_unrefined_px": unrefined}]
    found = list(metrics(rows, PlotsStudy(bootstrap=200), 1))
    own = [r for r in found if r["subset"] == "all"]
    (apart,) = [r for r in own if r["metric"] == RECALL_DIFFERENCE]
    assert apart["model"] == f"{SLOPE} - {NEAREST}", "the column mean was not asked"
    others = 1 - 0.05 ** (1 / 12)  # share of plots that may behave otherwise
    ends = 0.25 - others * 1.25, 0.25 + others * 0.75
    assert (apart["value"], apart["lo"], apart["hi"]) == pytest.approx((0.25, *ends))
    (alone,) = [r for r in own if r["metric"] == RECALL and r["model"] == SLOPE]
    assert alone["hi"] - alone["lo"] > 0.1
    refined = {r["model"]: r for r in own if r["metric"] == ERROR_DIFFERENCE}
    assert 0.099 < refined[NEAREST]["lo"] < refined[NEAREST]["hi"] < 0.1
    assert -0.1 < refined[SLOPE]["lo"] < refined[SLOPE]["hi"] < -0.099


def test_methods_that_read_other_plots_are_not_compared() -> None:
    rows = [reading(k, 4, 0, 2) for k in range(4)]
    rows += [reading(k, 4, 0, 1) | {"method": COLUMN_MEAN} for k in range(1, 4)]
    found = metrics(rows, PlotsStudy(bootstrap=20), 1)
    assert not [r for r in found if r["metric"] == RECALL_DIFFERENCE]
