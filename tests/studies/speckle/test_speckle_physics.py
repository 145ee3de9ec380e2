"""Speckle of disks: analytic limits, two fidelities, recovery of the hidden centre."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j0

from defectra.core.errors import EngineError
from defectra.engines.speckle.engine import ANALYTIC, PATTERNS, PIXEL, configurations
from defectra.engines.speckle.placement import place, polydisperse_radii
from defectra.engines.speckle.rings import distances, rings_of
from defectra.engines.speckle.scattering import (
    Detector,
    analytic_intensity,
    disk_form_factor,
    pixel_intensity,
    whole,
)
from defectra.studies.speckle.counting import count_disks, fit_radius
from defectra.studies.speckle.photons import counted
from defectra.studies.speckle.physical_inputs import RADII, SEEN, PhysicalInputs

BOX, RADIUS = 2000.0, 90.0
DETECTOR = Detector(255, 3, 18001)


def disks(number, seed=0, radius=RADIUS, box=BOX):
    radii = np.full(number, radius)
    return place(radii, box, max(radius, RADIUS), 2.0, np.random.default_rng(seed)), radii


def intensity(number, seed=0, **more):
    return analytic_intensity(*disks(number, seed, **more), DETECTOR)


@pytest.fixture(scope="module")
def hidden():
    return PhysicalInputs(DETECTOR, 5, BOX)


@pytest.fixture(scope="module")
def seen():
    return PhysicalInputs(DETECTOR, SEEN, BOX)


def test_form_factor_is_the_integral_of_a_disk() -> None:
    q = np.array([0.0, 1e-9, 0.004, 0.02, 0.05])
    x = (np.arange(-4000, 4000) + 0.5) * (RADIUS / 4000)
    height = 2 * np.sqrt(RADIUS**2 - x**2)
    direct = [(height * np.cos(k * x)).sum() * RADIUS / 4000 for k in q]
    np.testing.assert_allclose(disk_form_factor(q, RADIUS), direct, rtol=1e-4)
    assert disk_form_factor(np.array([3.8317059702 / RADIUS]), RADIUS)[0] == pytest.approx(
        0, abs=1e-4
    )


@pytest.mark.parametrize("step", [1, 3])
def test_direct_beam_is_the_squared_area_and_a_pair_makes_fringes(step) -> None:
    detector = Detector(60, step)
    centres = np.array([[500.0, 800.0], [1300.0, 800.0]])  # 800 pixels apart along the rows
    found = analytic_intensity(centres, np.full(2, RADIUS), detector)
    q = detector.wave_numbers
    middle = len(q) // 2
    assert found[0, middle] == pytest.approx((2 * np.pi * RADIUS**2) ** 2)
    single = disk_form_factor(np.abs(q), RADIUS) ** 2
    fringes = 2 * single[middle:] * (1 + np.cos(q[middle:] * 800))
    np.testing.assert_allclose(found[:, middle], fringes, rtol=1e-9)
    np.testing.assert_allclose(found[0], 4 * single, rtol=1e-9)  # none across


@pytest.mark.parametrize("seed", [3, 4])
def test_matrix_transform_is_the_padded_fast_fourier_transform(seed) -> None:
    rng = np.random.default_rng(seed)
    radii = rng.uniform(4, 9, 5)
    centres = place(radii, 120, 10, 2, rng)
    i, j = np.meshgrid(np.arange(1, 122), np.arange(1, 122), indexing="ij")
    mask = np.zeros((121, 121))
    for (x, y), r in zip(centres, radii):
        mask[(i - x) ** 2 + (j - y) ** 2 <= r**2] = 1
    period = 331
    full = np.fft.fftshift(np.abs(np.fft.fft2(mask, (period, period))) ** 2)
    crop = full[period // 2 - 20 : period // 2 + 21, period // 2 - 20 : period // 2 + 21]
    found = whole(pixel_intensity(centres, radii, Detector(20, 1, period)))
    np.testing.assert_allclose(found, crop, rtol=1e-7, atol=1e-6)


def test_fidelities_agree_on_the_same_disks() -> None:
    asked = {
        "radii": [RADIUS] * 6,
        "box": BOX,
        "margin": RADIUS,
        "gap": 2.0,
        "count": 1,
        "seed": [5],
    }
    asked |= {"detector": {"half": 255, "step": 15, "period": 18001}}
    low, high = (
        PATTERNS.run(PATTERNS.request(asked | {"form": form}, "pattern", form), None)
        for form in (ANALYTIC, PIXEL)
    )
    low, high = (np.float64(PATTERNS.read(o.files)["intensity"]) for o in (low, high))
    apart = np.abs(low - high).sum() / high.sum()
    assert 0 < apart < 2e-3


def test_disks_keep_their_distance_and_areas_their_sum() -> None:
    rng = np.random.default_rng(2)
    radii = polydisperse_radii(20, 3.0, 1.0, 2 * np.pi * RADIUS**2, rng)
    assert np.sum(radii**2) == pytest.approx(2 * RADIUS**2)
    assert 1 < 20 * (radii**4).sum() / (radii**2).sum() ** 2 < 1.4, "polydispersity index"
    centres = place(radii, BOX, RADIUS, 2.0, rng)
    apart = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    least = radii[:, None] + radii[None] + 2
    assert (apart + np.eye(20) * 1e9 >= least).all()
    assert centres.min() >= RADIUS
    assert centres.max() <= BOX - RADIUS
    with pytest.raises(EngineError, match="no room"):
        place(np.full(30, 90.0), 800, 90, 2, rng)


def test_inputs_of_one_seed_are_equal_and_of_another_not() -> None:
    asked = {"drawn": {"number": 4, "mean": 3.0, "spread": 1.0, "area": 5e4}}
    asked |= {"box": BOX, "margin": RADIUS, "gap": 2.0, "count": 3, "seed": [1, 2]}
    one, two = ([c for c, _ in configurations(asked)] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    other = [c for c, _ in configurations(asked | {"seed": [1, 3]})]
    assert not np.allclose(one, other)


def test_rings_of_a_known_pattern() -> None:
    pattern = np.zeros((9, 9))
    pattern[4, 4], pattern[4, 7], pattern[4, 1] = 2.0, 3.0, 3.0  # at distances 0, 3, 3
    found = rings_of(pattern)
    assert found.first_moment == pytest.approx(6 * 3 / 8)
    assert found.mean[0] == 2
    assert found.mean[3] * (distances(9) == 3).sum() == pytest.approx(6)


@pytest.mark.parametrize("number", [2, 7, 20])
def test_hidden_centre_is_recovered_and_counts_the_disks(number, hidden, seen) -> None:
    patterns = np.stack([intensity(number, seed) for seed in range(3)])
    spoiled = np.where(hidden.visible, patterns, 1e30)
    told, true = hidden(spoiled), seen(patterns)
    np.testing.assert_allclose(told.forward, true.forward, rtol=2e-5)
    np.testing.assert_allclose(told.patterson, true.patterson, atol=2e-5)
    np.testing.assert_allclose(count_disks(told, hidden, RADIUS), number, rtol=2e-3)
    assert np.abs(fit_radius(told, hidden) - RADIUS).max() < 1.5


def test_a_sample_larger_than_the_box_is_not_recovered(hidden, seen) -> None:
    """The recovery stands on the size of the box, and is wrong where that is."""
    patterns = np.stack([intensity(6, seed, box=2800.0) for seed in range(3)])
    wrong = np.abs(hidden(patterns).forward / seen(patterns).forward - 1)
    assert wrong.max() > 1e-3


def test_patterson_function_near_zero_is_the_hankel_transform_of_one_disk(seen) -> None:
    one = analytic_intensity(np.array([[1000.0, 700.0]]), np.full(1, RADIUS), DETECTOR)
    found = seen(one[None]).patterson[0]
    assert np.ptp(found, axis=1).max() < 1e-3  # isotropic
    k = np.linspace(0, 256, 4001)
    q = 2 * np.pi * k / DETECTOR.period
    taper = np.cos(np.pi * k / 512) ** 2
    rings = disk_form_factor(q, RADIUS) ** 2 * taper * q
    direct = np.array([np.trapezoid(rings * j0(q * u), q) for u in RADII])
    mean = found.mean(axis=1)
    np.testing.assert_allclose(mean / mean[0], direct / direct[0], atol=2e-3)


def test_photons_are_counts_of_the_right_mean(hidden) -> None:
    patterns = np.stack([intensity(5)] * 40)
    generator = np.random.default_rng(0)
    found = counted(patterns, 1e4, hidden, generator)
    doubled = found * hidden.weight
    np.testing.assert_allclose(doubled, np.rint(doubled))
    totals = hidden.total(found)
    more = [hidden.total(counted(patterns, 1e4, hidden, generator)) for _ in range(9)]
    totals = np.concatenate([totals, *more])
    assert totals.mean() == pytest.approx(1e4, abs=4 * 100 / np.sqrt(len(totals)))
    assert totals.std() == pytest.approx(100, rel=0.1)  # Poisson; 3.5 % for 400 draws
