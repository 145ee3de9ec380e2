"""Equation of state against an analytic one."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.studies.perovskites import eos


def birch_murnaghan(v, v0, e0, b0, b1):
    """Birch, Phys. Rev. 71, 809 (1947), third order; b0 in GPa."""
    x = (v0 / v) ** (2 / 3) - 1
    b = b0 / eos.EV_PER_A3_IN_GPA
    return e0 + 9 * v0 * b / 16 * (x**3 * b1 + x**2 * (6 - 4 * (x + 1)))


@pytest.mark.parametrize(("v0", "b0", "b1"), [(260.0, 15.0, 4.8), (157.5, 27.0, 4.0)])
def test_analytic_curve_is_found_again(v0, b0, b1):
    volumes = v0 * np.linspace(0.93, 1.07, 5) ** 3
    found = eos.fit(volumes, birch_murnaghan(volumes, v0, -14.2, b0, b1))
    assert found.cubic_constant == pytest.approx(v0 ** (1 / 3), abs=1e-6)
    assert found.bulk_modulus == pytest.approx(b0, rel=1e-5)
    assert found.derivative == pytest.approx(b1, rel=1e-4)
    assert found.energy == pytest.approx(-14.2, abs=1e-8)
    assert found.residual < 1e-8


def test_scan_beside_the_minimum_and_order_do_not_matter():
    volumes = np.array([270.0, 300.0, 240.0, 255.0, 285.0])
    found = eos.fit(volumes, birch_murnaghan(volumes, 250.0, -1.0, 20.0, 5.0))
    assert found.volume == pytest.approx(250.0, rel=1e-6)


def test_noise_moves_it_little_and_is_reported():
    volumes = np.linspace(220, 300, 6)
    noise = np.array([1, -1, 1, 1, -1, -1]) * 1e-3
    found = eos.fit(volumes, birch_murnaghan(volumes, 260.0, -1.0, 15.0, 4.5) + noise)
    assert found.cubic_constant == pytest.approx(260 ** (1 / 3), abs=0.01)
    assert 1e-4 < found.residual < 2e-3


@pytest.mark.parametrize(
    ("volumes", "energies", "expected"),
    [
        (
            np.linspace(200, 240, 5),
            birch_murnaghan(np.linspace(200, 240, 5), 260, 0, 15, 4),
            "falls",
        ),
        (
            np.linspace(280, 320, 5),
            birch_murnaghan(np.linspace(280, 320, 5), 260, 0, 15, 4),
            "falls",
        ),
        (np.array([250.0, 260, 270, 280]), np.array([1.0, 0, 1, 2]), "5 volumes needed, 4"),
        (np.linspace(200, 300, 5), np.array([1, 0, np.nan, 0, 1]), "volumes needed"),
    ],
)
def test_no_minimum_is_an_error(volumes, energies, expected):
    with pytest.raises(EngineError, match=expected) as caught:
        eos.fit(volumes, energies)
    assert caught.value.error_class == "no_minimum"
