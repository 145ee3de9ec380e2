"""Background before an edge: planted lines and feet, long and short ranges, noise."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.spectra.measured_spectrum import Measured, SpectrumError
from defectra.spectra.pre_edge import SLOPE, Background, Foot, background

GRID = np.arange(7705.0, 7750.1, 0.25)
RISE, WIDTH = 7728.0, 3.0  # eV; of the core hole, so that the foot is long
LAST = 7750.0


def computed(height: float, energy: np.ndarray = GRID) -> np.ndarray:
    """A step of a core hole's width with a white line of some height."""
    x = energy - RISE
    line = height / (1 + ((x - 4) / 3) ** 2)
    return 0.5 + np.arctan(2 * x / WIDTH) / np.pi + line


FOOT = Foot.of(GRID, np.array([computed(h) for h in np.linspace(0.3, 0.7, 9)]), 0.5)


def scan(before: float, level: float, slope: float, noise: float = 0.0, seed: int = 0) -> Measured:
    """Seven times a computed spectrum, with a line and noise in units of the step."""
    energy = np.arange(RISE - before, 7760.0, 0.5)
    back = level + slope * (energy - RISE)
    rough = noise * np.random.default_rng(seed).normal(size=len(energy))
    return Measured(energy, 7 * (computed(0.55, energy) + back + rough))


def off(found: Background, level: float, slope: float, energy: float = LAST) -> float:
    """How far the line is off at an energy, in units of the step."""
    true = level + slope * (energy - RISE)
    return float(found.under(np.array([energy]))[0]) / 7 - true


@pytest.mark.parametrize("before", [25.0, 30.0, 60.0, 150.0])
@pytest.mark.parametrize(("level", "slope"), [(0.0, 0.0), (0.5, 1e-3), (0.5, -1e-3), (3.0, -2e-3)])
def test_the_foot_of_the_edge_is_no_slope(before: float, level: float, slope: float) -> None:
    found = background(scan(before, level, slope), FOOT)
    assert abs(off(found, level, slope)) < 0.01
    assert "line under the edge" in found.sentence(LAST)
    # negative control: a line through half the range, as it is usual, takes the foot for a slope
    plain = scan(before, level, slope)
    used = plain.energy < RISE - before / 2
    usual = np.polyfit(plain.energy[used] - RISE, plain.mu[used] / 7, 1)
    true = level + slope * (LAST - RISE)
    assert before > 60 or abs(np.polyval(usual, LAST - RISE) - true) > 0.03


def test_a_noisy_short_range_keeps_the_slope_near_zero_and_says_so() -> None:
    shorts = [scan(25.0, 0.5, 0.0, 0.05, seed) for seed in range(20)]
    kept = [background(s, FOOT).slope / 7 for s in shorts]
    free = [np.polyfit(*(v[s.energy < RISE - 12] for v in (s.energy, s.mu)), 1)[0] for s in shorts]
    assert np.std(kept) < SLOPE < np.std(free) / 7
    short, long = (background(scan(b, 0.5, 2e-3, 0.05), FOOT) for b in (25.0, 100.0))
    assert long.slope / 7 == pytest.approx(2e-3, abs=1e-3)
    assert "hardly more than a constant" in short.sentence(LAST)
    assert "begin the scan earlier" in short.sentence(LAST)
    assert "begin the scan earlier" not in long.sentence(LAST)


@pytest.mark.parametrize("before", [25.0, 35.0, 80.0])
@pytest.mark.parametrize("noise", [0.002, 0.02])
def test_the_stated_uncertainty_holds(before: float, noise: float) -> None:
    pulls = []
    for seed in range(40):
        slope = SLOPE * np.random.default_rng([seed, 1]).normal()
        found = background(scan(before, 0.5, slope, noise, seed), FOOT)
        pulls.append(off(found, 0.5, slope) / found.sd(LAST))
    assert 0.3 < np.sqrt(np.mean(np.square(pulls))) < 1.6


def test_independent_ways_add_up_to_the_covariance() -> None:
    found = background(scan(40.0, 0.5, 1e-3, noise=0.01), FOOT)
    assert found.ways_off.T @ found.ways_off == pytest.approx(found.cov)


def test_a_scan_without_energies_before_the_edge_is_refused() -> None:
    begins = FOOT.onset - 1.2
    whole = scan(60.0, 0.5, 0.0)
    kept = whole.energy > begins
    with pytest.raises(
        SpectrumError, match=r"tell no background .* begin the scan 10 eV before it"
    ):
        background(Measured(whole.energy[kept], whole.mu[kept]), FOOT)


def test_another_edge_before_this_one_is_told_and_widens() -> None:
    plain = scan(60.0, 0.5, 0.0, noise=0.002)
    other = Measured(plain.energy, plain.mu + 0.7 * (plain.energy > RISE - 40))
    assert "another edge" in background(other, FOOT).sentence(LAST)
    assert "another edge" not in background(plain, FOOT).sentence(LAST)
    assert background(other, FOOT).sd(LAST) > 3 * background(plain, FOOT).sd(LAST)


def test_the_shift_of_the_axis_moves_the_foot_with_it() -> None:
    plain = scan(40.0, 0.5, 1e-3)
    moved = background(Measured(plain.energy - 3.0, plain.mu), FOOT, 3.0)
    assert moved.under(np.array([LAST - 3.0])) == pytest.approx(
        background(plain, FOOT).under(np.array([LAST])), rel=1e-6
    )
