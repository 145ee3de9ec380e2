"""Scales of axes, and how sure values are: what needs neither tesseract nor pictures."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.core.errors import DataError
from defectra.images.digitise.box import Box
from defectra.images.digitise.line import Line
from defectra.images.digitise.read import Digitised, as_said
from defectra.images.digitise.ticks import Label, fit_scale, given_scale


@pytest.mark.parametrize(
    "values", [[1, 10, 100], [1e-3, 1e-2, 0.1], [1000, 100, 10], [1, 100, 1e4]]
)
def test_three_powers_of_ten_are_a_logarithmic_axis(values: list[float]) -> None:
    scale = fit_scale([Label(float(v), 80.0 * k) for k, v in enumerate(values)], "y")
    assert (scale.labels, scale.read, scale.is_log) == (3, 3, True)
    assert float(scale.value(40.0)) == pytest.approx(np.sqrt(values[0] * values[1]))


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([10, 100, 1000], (0, 9, 99)),  # not where a logarithmic axis has them
        ([1, 2, 4], (0, 80, 160)),  # a linear axis with a misread 3, as may be
        ([1, 10, 10], (0, 80, 160)),
        ([0, 1, 10], (0, 80, 160)),
    ],
)
def test_three_other_numbers_are_refused(values: list[float], places: tuple[float, ...]) -> None:
    labels = [Label(float(v), float(at)) for v, at in zip(values, places, strict=True)]
    with pytest.raises(DataError, match="give two points"):
        fit_scale(labels, "y")


def test_three_numbers_of_a_linear_axis_stay_linear() -> None:
    for values in ([1, 10, 19], [10, 100, 190], [-1, 0, 1]):
        labels = [Label(float(v), 50.0 * k) for k, v in enumerate(values)]
        assert not fit_scale(labels, "x").is_log


def test_a_gap_of_a_line_makes_it_no_steeper() -> None:
    column = np.array([*range(10), *range(60, 70)], float)
    line = Line(column, 2 * column, (0, 0, 0), 1.0)
    scale = given_scale([(0, 0.0), (100, 100.0)], False, "y")
    *_, away = Digitised(Box(0, 0, 100, 200), scale, scale, [line]).values(line)
    np.testing.assert_allclose(away, np.hypot(0.5, 0.5 * 2))


def test_a_linear_axis_is_not_taken_where_the_user_says_logarithmic() -> None:
    linear, decades = (
        fit_scale([Label(v, 80.0 * k) for k, v in enumerate(values)], "y")
        for values in ([1.0, 2.0, 3.0], [1.0, 10.0, 100.0])
    )
    assert as_said(decades, "y", ["y"]) is decades
    assert as_said(linear, "y", ["x"]) is linear
    with pytest.raises(DataError, match="--log y: 3 numbers"):
        as_said(linear, "y", ["y"])
