"""The cumulative distribution: monotone from 0 to 1, and what a shift does to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from defectra.spectra.normalise import cdf, relative_rms, unit_area


@settings(max_examples=50, deadline=None)
@given(arrays(float, 40, elements=st.floats(-0.1, 3)))
def test_monotone_from_zero_to_one(mu):
    mu[17] = 1.0
    curve = cdf(mu)
    assert (np.diff(curve) >= 0).all()
    assert curve[0] >= 0
    assert curve[-1] == 1.0


def test_is_cumsum_over_sum_as_published():
    mu = np.array([[0.0, 1.0, 3.0], [2.0, 2.0, 0.0]])
    np.testing.assert_allclose(cdf(mu), [[0, 0.25, 1], [0.5, 1, 1]])


def test_scale_does_not_matter_and_shift_is_a_shift():
    x = np.arange(200) * 0.2
    peak = np.exp(-0.5 * ((x - 15) / 2) ** 2)
    moved = np.exp(-0.5 * ((x - 17) / 2) ** 2)
    np.testing.assert_allclose(cdf(3 * peak), cdf(peak))
    np.testing.assert_allclose(cdf(moved)[10:], cdf(peak)[:-10], atol=1e-12)


def test_no_absorption_is_refused():
    with pytest.raises(ValueError, match="cumulative"):
        cdf(np.zeros(5))
    with pytest.raises(ValueError, match="area"):
        unit_area(np.arange(5.0), np.zeros(5))


def test_unit_area_on_an_uneven_grid():
    x = np.array([0.0, 0.5, 2.0, 7.0])
    out = unit_area(x, np.array([[1.0, 2.0, 0.5, 1.0], [4.0, 1.0, 1.0, 0.0]]))
    np.testing.assert_allclose(np.trapezoid(out, x, axis=1), 1.0)


def test_relative_rms():
    assert relative_rms([1.1, 2.2], [1.0, 2.0]) == pytest.approx(0.1)
