"""Names of energies with a word beside them: the beamline, a motor, what was asked for or read."""

import numpy as np
import pytest
from made_scan import ENERGY, I0, MU, write

from defectra.spectra.column_names import Role, column
from defectra.spectra.measured import read_measured

IT = I0 * np.exp(-MU)
ONE = np.ones(len(ENERGY))


@pytest.mark.parametrize(
    ("name", "role", "unit"),
    [
        ("Beamline Energy", Role.QUALIFIED, ""),
        ("BL_energy (keV)", Role.QUALIFIED, "kev"),
        ("Monochromator Energy [eV]", Role.QUALIFIED, "ev"),
        ("X-ray energy, eV", Role.QUALIFIED, "ev"),
        ("dcm_energy", Role.QUALIFIED, ""),
        ("en_energy", Role.QUALIFIED, ""),
        ("energy_rbv", Role.QUALIFIED, ""),
        ("Energy (readback)", Role.QUALIFIED, ""),
        ("E_rbv (eV)", Role.QUALIFIED, "ev"),
        ("Mono Energy", Role.ENERGY, ""),
        ("Photon energy [eV]", Role.ENERGY, "ev"),
        ("hν (eV)", Role.ENERGY, "ev"),
        ("Energy (requested)", Role.NOMINAL, ""),
        ("Energy (eV) requested", Role.NOMINAL, "ev"),
        ("Energy [requested, keV]", Role.NOMINAL, "kev"),
        ("dcm_energy_setpoint", Role.NOMINAL, ""),
        ("E (set)", Role.NOMINAL, ""),
        ("Beam energy (GeV)", Role.OTHER_ENERGY, "gev"),
        ("Energy (calibrated)", Role.OTHER_ENERGY, "calibrated"),
        ("Energy (relative)", Role.OTHER_ENERGY, "relative"),
        ("Undulator energy", Role.OTHER_ENERGY, ""),
        ("Energy error", Role.OTHER_ENERGY, ""),
        ("Emission Energy", Role.OTHER_ENERGY, ""),
        ("e_beam", Role.UNKNOWN, ""),
        ("E_loss", Role.UNKNOWN, ""),
        ("E - E0", Role.UNKNOWN, ""),
    ],
)
def test_words_beside_energy_say_whose_it_is(name, role, unit):
    found = column(name)
    assert (found.role, found.unit) == (role, unit)


@pytest.mark.parametrize(
    "head",
    ["# Beamline Energy I0 It", "# Mono Energy I0 It", "# Energy (requested) I0 It",
     "# Photon energy [eV] I0 It", "# Energy RBV\tI0\tIt", "# X-ray Energy (eV) I0 It",
     "# Column.1: Beamline Energy eV\n# Column.2: I0\n# Column.3: It"],
)  # fmt: skip
def test_a_table_with_such_a_name_is_read(head, tmp_path):
    found = read_measured(write(tmp_path / "a.dat", (ENERGY, I0, IT), head))
    np.testing.assert_allclose(found.energy, ENERGY)
    np.testing.assert_allclose(found.mu, MU, atol=1e-6)


@pytest.mark.parametrize(
    ("head", "columns", "shift"),
    [
        ("# energy beamline_energy I0 It", (ENERGY, ENERGY + 3), 0),
        ("# beamline_energy energy I0 It", (ENERGY + 3, ENERGY), 0),
        ("# energy_requested energy_rbv I0 It", (ENERGY, ENERGY + 3), 3),
        ("# energy_requested beam_energy I0 It", (ENERGY, 3 * ONE), 0),
        ("# energy beam I0 It", (ENERGY, ONE), 0),  # a column of its own
        ("# scan energy I0 It", (ONE, ENERGY), 0),
    ],
)
def test_the_plainest_energy_that_runs_is_taken(head, columns, shift, tmp_path):
    found = read_measured(write(tmp_path / "a.dat", (*columns, I0, IT), head))
    np.testing.assert_allclose(found.energy, ENERGY + shift)
