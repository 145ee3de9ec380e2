"""Band edges of hosts against sums over the four neighbours, at the zone centre."""

import numpy as np
import pytest

from defectra.structures.elements import element, sublattices
from defectra.studies.levels.hosts import describe


def zone_centre(first, second, bond):
    """Energies at the zone centre of zinc blende, eV, shape (8,): s and p on two atoms.

    Sums of Slater and Koster over the four neighbours, with the parameters that Harrison printed
    in 1980; hbar^2 / m is 7.62 eV A^2.
    """
    sss, sps, pps, ppp = 7.62 / bond**2 * np.array([-1.40, 1.84, 3.24, -0.81])
    between = np.zeros((4, 4))
    for way in np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3):
        between[0, 0] += sss
        between[0, 1:] += sps * way
        between[1:, 0] -= sps * way
        between[1:, 1:] += pps * np.outer(way, way) + ppp * (np.eye(3) - np.outer(way, way))
    own = [np.diag([a["s_level"], *[a["p_level"]] * 3]) for a in (first, second)]
    return np.linalg.eigvalsh(np.block([[own[0], between], [between.T, own[1]]]))


@pytest.mark.parametrize("host", ["Si", "GaAs", "ZnS"])
def test_band_edges_are_energies_of_the_zone_centre_with_four_neighbours(host):
    lattice = 5.5
    found = describe(host, {"lattice": lattice, "gap": 1.0})
    energies = zone_centre(*map(element, sublattices(host)), lattice * np.sqrt(3) / 4)
    for edge, times in (("vbm", 3), ("cbm", 1)):
        assert np.isclose(energies, found[edge], atol=0.01).sum() == times


def test_edges_of_two_equal_atoms_are_their_levels_and_four_couplings():
    silicon, bond = element("Si"), 2.35
    found = describe("Si", {"lattice": 4 * bond / np.sqrt(3), "gap": 1.17})
    unit = 7.62 / bond**2
    assert found["cbm"] == pytest.approx(silicon["s_level"] + 4 * 1.40 * unit, abs=0.01)
    pure = 4 * (3.24 - 2 * 0.81) / 3
    assert found["vbm"] == pytest.approx(silicon["p_level"] - pure * unit, abs=0.01)
