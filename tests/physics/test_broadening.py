"""Broadening against closed forms, on grids that are not even."""

import numpy as np
import pytest

from defectra.core.units import FWHM_PER_SIGMA
from defectra.spectra.broaden import gaussian, lorentzian

RNG = np.random.default_rng(7)


def uneven(start, stop, count):
    inner = np.sort(RNG.uniform(start, stop, count - 2))
    return np.concatenate([[start], inner, [stop]])


def bell(x, sigma):
    return np.exp(-0.5 * (x / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))


@pytest.mark.parametrize("broaden", [gaussian, lorentzian])
@pytest.mark.parametrize("fwhm", [0.0, 0.1, 1.5, 20.0])
def test_constant_stays_constant_to_the_ends(broaden, fwhm):
    x = uneven(0, 50, 40)
    out = broaden(x, np.full(40, 0.7), np.linspace(-30, 80, 111), fwhm)
    np.testing.assert_allclose(out, 0.7, rtol=0, atol=1e-12)


def test_gaussian_of_gaussian_is_the_wider_gaussian():
    x = uneven(-20, 20, 4000)
    fwhm, sigma = 1.5, 1.2
    grid = uneven(-6, 6, 60)
    out = gaussian(x, bell(x, sigma), grid, fwhm)
    exact = bell(grid, np.hypot(sigma, fwhm / FWHM_PER_SIGMA))
    np.testing.assert_allclose(out, exact, atol=2e-4)


def test_lorentzian_of_lorentzian_adds_the_widths():
    x = np.concatenate([-np.geomspace(1e4, 1e-3, 6000), [0], np.geomspace(1e-3, 1e4, 6000)])
    mu = 0.5 / np.pi / (x**2 + 0.25)
    grid = np.linspace(-5, 5, 41)
    exact = 1.25 / np.pi / (grid**2 + 1.25**2)
    np.testing.assert_allclose(lorentzian(x, mu, grid, 1.5), exact, atol=1e-5)


def test_triangle_against_numerical_quadrature():
    x, y, fwhm = np.array([0.0, 1.0, 4.0]), np.array([0.0, 2.0, 0.0]), 0.9
    fine = np.linspace(-10, 14, 240_001)
    kernel = bell(fine - 1.7, fwhm / FWHM_PER_SIGMA)
    exact = np.trapezoid(kernel * np.interp(fine, x, y), fine)
    assert gaussian(x, y, [1.7], fwhm)[0] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("fwhm", [0.3, 1.0, 3.0])
def test_compact_peak_keeps_its_area_on_an_uneven_grid(fwhm):
    x = uneven(-10, 10, 60)
    mu = np.clip(1 - np.abs(x) / 4, 0, None)
    area = np.trapezoid(mu, x)
    grid = np.linspace(-40, 40, 16_001)
    assert np.trapezoid(gaussian(x, mu, grid, fwhm), grid) == pytest.approx(area, rel=1e-8)


def test_answer_does_not_depend_on_where_else_it_is_asked():
    x = uneven(0, 40, 50)
    mu = RNG.uniform(0, 1, 50)
    grid = uneven(5, 35, 30)
    alone = np.array([gaussian(x, mu, [g], 1.1)[0] for g in grid])
    np.testing.assert_allclose(gaussian(x, mu, grid, 1.1), alone, atol=1e-12)


def test_knots_on_a_straight_line_change_nothing():
    x = uneven(0, 40, 30)
    mu = RNG.uniform(0, 1, 30)
    more = np.sort(np.concatenate([x, RNG.uniform(0, 40, 200)]))
    grid = np.linspace(-5, 45, 77)
    np.testing.assert_allclose(
        gaussian(more, np.interp(more, x, mu), grid, 2.0), gaussian(x, mu, grid, 2.0), atol=1e-10
    )


def test_step_is_continued_and_halves_at_its_place():
    x, mu = np.array([0.0, 20.0, 20.0 + 1e-9, 40.0]), np.array([0.0, 0.0, 1.0, 1.0])
    out = gaussian(x, mu, [0.0, 20.0, 40.0, 60.0], 2.0)
    np.testing.assert_allclose(out, [0, 0.5, 1, 1], atol=1e-6)


def test_zero_width_is_interpolation():
    x, mu = uneven(0, 10, 20), RNG.uniform(0, 1, 20)
    grid = np.linspace(-1, 11, 50)
    np.testing.assert_allclose(gaussian(x, mu, grid, 0.0), np.interp(grid, x, mu), atol=1e-12)


def test_padding_with_the_last_knot_changes_nothing():
    x, mu = uneven(0, 10, 20), RNG.uniform(0, 1, 20)
    padded = np.vstack([np.append(x, [x[-1]] * 5), np.append(x, np.arange(11, 16))])
    values = np.vstack([np.append(mu, [mu[-1]] * 5), np.append(mu, [mu[-1]] * 5)])
    out = gaussian(padded, values, np.linspace(0, 12, 30), 1.0)
    np.testing.assert_allclose(out[0], gaussian(x, mu, np.linspace(0, 12, 30), 1.0), atol=1e-12)
    np.testing.assert_allclose(out[0], out[1], atol=1e-12)


@pytest.mark.parametrize(
    ("x", "mu"), [([0, 2, 1], [0, 0, 0]), ([0, 1, 1], [0, 0, 1]), ([0, 1], [0, 1, 2])]
)
def test_bad_input_is_refused(x, mu):
    with pytest.raises(ValueError, match="energ"):
        gaussian(x, mu, [0.5], 1.0)
