"""Plural scattering put on and taken off, against Poisson statistics of a planted plasmon."""

from __future__ import annotations

import math

import numpy as np
import pytest

from defectra.core.errors import DataError
from defectra.spectra.measured_spectrum import Measured
from defectra.spectra.plural_scattering import PluralScattering

STEP = 0.3
CHANNELS = np.arange(1400)


def plasmon():
    """Single scattering of area one: a Gaussian at 24 eV."""
    one = np.exp(-0.5 * ((CHANNELS * STEP - 24.0) / 3.0) ** 2)
    one[:12] = 0.0
    return one / one.sum()


def poisson(thickness, terms=12):
    """Low-loss counts over the zero loss by their definition: the sum over events."""
    total, event = np.zeros(len(CHANNELS)), np.zeros(len(CHANNELS))
    event[0] = 1.0
    for n in range(terms):
        total += thickness**n / math.factorial(n) * event
        event = np.convolve(event, plasmon())[: len(CHANNELS)]
    return total


def low_loss(thickness, offset=40.0, width=0.6, shift=-3.0):
    energy = np.arange(-60.0, 300.0, STEP)
    line = np.exp(-0.5 * ((np.arange(-20, 21) * STEP) / width) ** 2)
    ideal = np.zeros(len(energy))
    start = round((shift - energy[0]) / STEP)
    ideal[start:] = poisson(thickness)[: len(energy) - start]
    counts = 1e6 * np.convolve(ideal, line / line.sum(), "same") + offset
    return Measured(energy, counts, "counts")


@pytest.mark.parametrize("thickness", [0.3, 1.0, 1.6])
def test_thickness_comes_back(thickness):
    found = PluralScattering.of(low_loss(thickness))
    assert found.thickness == pytest.approx(thickness, abs=0.01)
    assert PluralScattering.of(low_loss(thickness, offset=400.0)).thickness == pytest.approx(
        found.thickness
    )


@pytest.mark.parametrize("thickness", [0.3, 1.0])
@pytest.mark.parametrize("share", [0.5, 1.0, 1.5])
def test_an_edge_comes_back_at_any_thickness(thickness, share):
    edge = np.where(CHANNELS < 20, 0.0, (1 + CHANNELS / 100.0) ** -2.0)
    measured = np.convolve(edge, poisson(share * thickness))[: len(CHANNELS)]
    away = np.sqrt(((measured - edge) ** 2).mean() / (edge**2).mean())
    found = PluralScattering.of(low_loss(thickness)).without(measured, share)
    left = np.sqrt(((found - edge) ** 2).mean() / (edge**2).mean())
    assert left < 0.05 * away
    exact = PluralScattering(tuple(poisson(thickness)), STEP)
    np.testing.assert_allclose(exact.without(measured, share)[:700], edge[:700], atol=1e-6)


def test_nothing_above_an_energy_changes_what_is_below():
    scattering, net = PluralScattering.of(low_loss(1.0)), np.ones(600)
    other = np.where(np.arange(600) < 300, net, 50.0)
    np.testing.assert_array_equal(scattering.without(net)[:300], scattering.without(other)[:300])
    np.testing.assert_allclose(scattering.without(scattering.on(net, 0.7), 0.7), net)
    np.testing.assert_array_equal(scattering.without(net, 0.0), net)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda e: np.exp(-0.5 * ((e + 58) / 0.6) ** 2), "zero loss needs"),
        (lambda e: np.exp(-0.5 * ((e - 290) / 3.0) ** 2), "zero loss needs"),
        (lambda e: np.exp(-np.abs(e) / 40), "falls all the way"),
    ],
)
def test_what_is_no_low_loss_spectrum_is_refused(make, words):
    energy = np.arange(-60.0, 290.2, STEP)
    with pytest.raises(DataError, match=words):
        PluralScattering.of(Measured(energy, make(energy), "counts"))


def test_channels_of_another_width_are_refused():
    scattering = PluralScattering.of(low_loss(1.0))
    scattering.check(np.arange(440.0, 1000.0, STEP))
    with pytest.raises(DataError, match="one dispersion"):
        scattering.check(np.arange(440.0, 1000.0, 0.5))
    with pytest.raises(DataError, match="unequal width"):
        scattering.check(np.array([1.0, 2.0, 4.0]))
