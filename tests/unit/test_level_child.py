"""What the program of the level engine makes of bands and potentials, without GPAW."""

import levels as child
import numpy as np
import pytest


class Calculator:
    """Answers as GPAW does, for planted numbers."""

    def __init__(self, bands, electrons=8, potential=None):
        self.bands, self.electrons, self.potential = np.asarray(bands, float), electrons, potential

    def get_number_of_electrons(self):
        return self.electrons

    def get_ibz_k_points(self):
        return np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.0]])

    def get_electrostatic_potential(self):
        return self.potential


NORMAL = [[-10.0, 0.0, 0.0, 0.0, 1.5, 5.0], [-9.0, -3.0, -1.0, -1.0, 2.5, 6.0]]
INVERTED = [[-10.0, -0.4, 0.0, 0.0, 0.0, 5.0], [-9.0, -3.0, -1.0, -1.0, 2.5, 6.0]]


def test_edges_of_a_semiconductor():
    found = child._edges(np.array(NORMAL), Calculator(NORMAL))
    assert (found["gap_eV"], found["gamma_gap_eV"]) == (1.5, 1.5)
    assert found["vbm_k"] == found["cbm_k"] == [0.0, 0.0, 0.0]


def test_bands_that_cross_have_a_gap_below_zero():
    assert not child.is_inverted(NORMAL[0], 4)
    assert child.is_inverted(INVERTED[0], 4)
    found = child._edges(np.array(INVERTED), Calculator(INVERTED))
    assert found["gap_eV"] == pytest.approx(-0.4)
    assert found["vbm_eV"] == 0.0


@pytest.mark.parametrize(("low", "gap"), [(0.3, 0.3), (-0.1, -0.1)])
def test_a_hybrid_may_put_the_crossing_right(low, gap):
    # Bands from the second on, in the order of PBE: s first.
    bands = np.array([[low, 0.0, 0.0, 0.0], [-3.0, -1.0, -1.0, 2.5]])
    found = child._edges(bands, Calculator(INVERTED), 1, inverted=True)
    assert found["gap_eV"] == pytest.approx(gap)
    assert found["vbm_eV"] == 0.0


def test_the_exchange_of_an_inverted_host_sees_an_insulator():
    class State:
        kpt_c = np.zeros(3)
        occ_n = np.array([1.0, 1.0, 2 / 3, 2 / 3, 2 / 3, 0.0])

    calc = Calculator(INVERTED)
    calc.get_eigenvalues = lambda kpt: calc.bands[kpt]
    calc.dft = type("D", (), {"ibzwfs": [State()]})
    assert child._fill_as_insulator(calc, 4)
    assert State.occ_n.tolist() == [1.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    calc.bands = np.array(NORMAL)
    assert not child._fill_as_insulator(calc, 4)


def test_planar_averages_act_on_a_positive_charge_and_are_equally_many():
    x = np.arange(12) / 12
    grid = np.cos(2 * np.pi * x)[:, None, None] + np.zeros((12, 8, 8))
    planes = np.reshape(child._planes(Calculator([], potential=grid)), (3, 12))
    assert planes[0] == pytest.approx(-np.cos(2 * np.pi * x), abs=1e-5)
    assert np.abs(planes[1:]).max() < 1e-5
    wave = np.cos(2 * np.pi * np.arange(8) / 8)[None, :, None] + np.zeros((12, 8, 8))
    planes = np.reshape(child._planes(Calculator([], potential=wave)), (3, 12))
    assert planes[1] == pytest.approx(-np.cos(2 * np.pi * x), abs=1e-5)


def test_a_scan_goes_on_where_its_lowest_energy_is_at_an_end():
    assert child.beyond({0.98: 1.0, 0.993: 0.2, 1.007: 0.1, 1.02: 0.8}) == []
    assert child.beyond({0.98: 1.0, 0.993: 0.8, 1.007: 0.6, 1.02: 0.5}) == [1.033]
    assert child.beyond({0.98: 0.1, 0.993: 0.8, 1.007: 0.9, 1.02: 1.5}) == [0.967]


class SpinCalculator(Calculator):
    """Two spins at one k-point, bands by spin."""

    def __init__(self, bands, filled):
        super().__init__(bands)
        self.filled = np.asarray(filled, float)
        levels = np.array([0.1, -0.1]) / 27.211386
        self.dft = type("D", (), {"ibzwfs": type("W", (), {"fermi_levels": levels})})

    def get_ibz_k_points(self):
        return np.zeros((1, 3))

    def get_k_point_weights(self):
        return np.ones(1)

    def get_number_of_spins(self):
        return 2

    def get_eigenvalues(self, kpt, spin):
        return self.bands[spin]

    def get_occupation_numbers(self, kpt, spin):
        return self.filled[spin]


def test_states_near_the_fermi_level_get_the_energies_of_a_hybrid():
    calc = SpinCalculator(
        [[-9.0, -2.0, -0.5, 1.5, 8.0], [-9.0, -2.0, 0.5, 1.6, 8.0]],
        [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0]],
    )
    assert child._fermi(calc) == pytest.approx(0.0)
    first, last = child._bands_near(calc)
    assert (first, last) == (2, 4)  # within 1 eV, and the band above the gap
    moved = np.array([[[-1.0, 2.0]], [[0.9, 2.1]]])
    found = child._states(calc, (first, moved))
    assert found["energy_eV"] == [-1.0, 2.0, 0.9, 2.1]
    assert found["occupation"] == [1.0, 0.0, 0.0, 0.0]
    assert found["band"] == [2, 3, 2, 3]
    assert found["weight"] == [1.0] * 4
    assert child._states(calc)["energy_eV"] == [-2.0, -0.5, 1.5, -2.0, 0.5, 1.6]
