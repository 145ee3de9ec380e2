"""Columns that may be two things: a second axis, a fraction for an intensity, rows for energies."""

import numpy as np
import pytest

from defectra.spectra.measured import read_measured
from defectra.spectra.measured_columns import choice
from defectra.spectra.measured_spectrum import SpectrumError

ENERGY = np.concatenate([np.arange(8230, 8320, 5.0), np.arange(8320, 8380, 0.5),
                         np.arange(8380, 8700, 4.0)])  # fmt: skip
NOISE = np.random.default_rng(3).normal(size=(2, len(ENERGY)))
MU = 0.3 + 0.8 * (0.5 + np.arctan((ENERGY - 8340) / 1.5) / np.pi) + 1e-3 * NOISE[0]
I0 = 1e5 * (1.0 - 3e-4 * (ENERGY - 8230)) + 30 * NOISE[1]
IT = I0 * np.exp(-MU)


def written(folder, head, *columns, digits=6):
    rows = "\n".join(" ".join(f"{v:.{digits}f}" for v in row) for row in zip(*columns))
    path = folder / "scan.dat"
    path.write_text(f"{head}\n{rows}\n")
    return path


@pytest.mark.parametrize("name", ["energy_calibrated", "energy_corr", "Energy(shifted)",
                                  "energy_recal", "aligned_energy"])  # fmt: skip
def test_a_second_calibrated_axis_is_refused(name, tmp_path):
    path = written(tmp_path, f"# energy {name} mu", ENERGY, ENERGY + 3.2, MU)
    with pytest.raises(SpectrumError, match=r"two axes that differ by up to 3\.2"):
        read_measured(path)
    found = read_measured(path, chosen=choice(["energy=2", "mu=3"]))
    assert found.energy[0] == pytest.approx(ENERGY[0] + 3.2)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("energy_raw", ENERGY + 3.2),
        ("energy_uncorrected", ENERGY + 3.2),
        ("und_energy", ENERGY + 12.0),
        ("energy_calibrated", ENERGY),
        ("energy_correction", np.full(len(ENERGY), 3.2)),
    ],
)
def test_other_energies_leave_the_axis_as_it_is(name, other, tmp_path):
    found = read_measured(written(tmp_path, f"# energy {name} mu", ENERGY, other, MU))
    assert found.energy == pytest.approx(ENERGY)


@pytest.mark.parametrize("name", ["trans", "it", "I1"])
def test_a_fraction_of_the_light_is_no_intensity(name, tmp_path):
    path = written(tmp_path, f"# energy i0 {name}", ENERGY, I0, np.exp(-MU))
    with pytest.raises(SpectrumError, match=f"{name} lies between 0 and 1"):
        read_measured(path)
    for mu in (f"-ln({name})", f"ln(1/{name})"):
        found = read_measured(path, chosen=choice(["energy=energy", f"mu={mu}"]))
        assert found.mu == pytest.approx(MU, abs=1e-5)


@pytest.mark.parametrize(
    "words",
    [
        *("energy=1 mu=1", "energy=energy mu=1", "energy=1 mu=energy", "energy=col1 mu=col1/2"),
        *("energy=1 mu=ln(energy)", "energy=1 mu=2", "energy=col1*1 mu=1"),
    ],
)
def test_energies_are_no_absorption(words, tmp_path):
    """Column 2 is the same axis, read once more."""
    path = written(tmp_path, "# energy energy_raw mu", ENERGY, ENERGY + 0.3, MU)
    with pytest.raises(SpectrumError, match="the energies would be the absorption, too; columns:"):
        read_measured(path, chosen=choice(words.split()))
    for mu in ("3", "mu", "col3*2", "col3*col1"):
        assert len(read_measured(path, chosen=choice(["energy=1", f"mu={mu}"])).mu) == len(MU)


def test_a_role_is_given_once():
    with pytest.raises(SpectrumError, match="each of energy, mu, unit only once"):
        choice(["energy=1", "mu=2", "mu=3"])


@pytest.mark.parametrize("wanted", ["Ni", "Cu", "Fe", "Zz", "K", "Ni K edge", "Ni  Q"])
def test_an_edge_that_is_none_is_refused(wanted, tmp_path):
    path = written(tmp_path, "# energy mu", ENERGY, MU)
    with pytest.raises(SpectrumError, match=r"is no absorption edge; write e\.g\. 'Ni K'"):
        read_measured(path, wanted)
    assert read_measured(path, "Ni K").mu == pytest.approx(MU, abs=1e-6)


def test_a_header_may_name_the_element_alone(tmp_path):
    path = written(tmp_path, "# Element: Ni\n# energy mu", ENERGY, MU)
    assert read_measured(path).element == "Ni"


def test_electronvolts_under_a_header_in_kev_are_a_matter_of_the_unit(tmp_path):
    path = written(tmp_path, "# energy(keV) mu", ENERGY, MU)
    with pytest.raises(SpectrumError, match=r"from 8230 to 8696, said to be keV.*eV \(unit=eV\)"):
        read_measured(path)
    words = ["energy=1", "mu=2", "unit=eV"]
    assert read_measured(path, chosen=choice(words)).energy == pytest.approx(ENERGY)


def test_rows_without_an_energy_are_named_by_their_number(tmp_path):
    energy = ENERGY.copy()
    energy[[40, 50]] = np.nan
    with pytest.raises(SpectrumError, match="the energies themselves, row 41, 51 of the table"):
        read_measured(written(tmp_path, "# energy mu", energy, MU))


def test_detectors_in_volts_are_read(tmp_path):
    path = written(tmp_path, "# energy i0 it", ENERGY, I0 / 2e5, IT / 2e5)
    assert read_measured(path).mu == pytest.approx(MU, abs=2e-5)


@pytest.mark.parametrize("names", ["dark_i0 dark_it", "offset_I0 offset_It"])
def test_dark_currents_that_are_not_subtracted_are_remarked(names, tmp_path):
    level = np.full(len(ENERGY), 400.0)
    head = f"# energy i0 it {names}"
    notes = read_measured(written(tmp_path, head, ENERGY, I0, IT, level, level)).notes
    assert f"{', '.join(names.split())} not subtracted" in notes
    notes = read_measured(written(tmp_path, head, ENERGY, I0, IT, 0 * level, 0 * level)).notes
    assert not any("not subtracted" in note for note in notes)


TWO_THETA = np.linspace(20, 80, 300)
UNNAMED = {
    "rows counted": (np.arange(1.0, len(MU) + 1), MU),
    "diffraction": (TWO_THETA, 3 + 100 * np.exp(-(((TWO_THETA - 43) / 0.4) ** 2))),
    "transmission": (ENERGY, np.exp(-MU)),
}


@pytest.mark.parametrize("case", UNNAMED)
def test_two_columns_without_names_and_without_an_edge_are_refused(case, tmp_path):
    with pytest.raises(SpectrumError, match="two columns without names"):
        read_measured(written(tmp_path, "", *UNNAMED[case]))


def test_two_columns_without_names_that_show_an_edge_are_read(tmp_path):
    found = read_measured(written(tmp_path, "", ENERGY, MU))
    assert any("no names" in note for note in found.notes)
    chosen = read_measured(
        written(tmp_path, "", np.arange(1.0, len(MU) + 1), MU), chosen=choice(["energy=1", "mu=2"])
    )
    assert len(chosen.energy) == len(MU)
