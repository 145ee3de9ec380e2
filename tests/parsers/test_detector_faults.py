"""A detector that is the same at every energy gives no absorption without a word."""

import numpy as np
import pytest

from defectra.spectra.measured import read_measured
from defectra.spectra.measured_columns import choice
from defectra.spectra.measured_spectrum import SpectrumError

ENERGY = np.concatenate([np.arange(8230, 8320, 5.0), np.arange(8320, 8380, 0.5),
                         np.arange(8380, 8700, 4.0)])  # fmt: skip
NOISE = np.random.default_rng(7).normal(size=(3, len(ENERGY)))
MU = 0.3 + 0.8 * (0.5 + np.arctan((ENERGY - 8333) / 1.5) / np.pi)
I0 = 1e5 * (1.0 - 3e-4 * (ENERGY - 8230)) + 30 * NOISE[0]
IT = I0 * np.exp(-MU) + 10 * NOISE[1]
IF = 0.05 * I0 * MU + 3 * NOISE[2]
SAME = np.full(len(ENERGY), 1.0)
TRANSMISSION, FLUORESCENCE = ("energy", "i0", "itrans"), ("energy", "i0", "ifluor")
REFUSED = {
    "transmitted light constant": (TRANSMISSION, (I0, 421.0 * SAME), "itrans is 421 at every"),
    "transmitted light one, as divided": (TRANSMISSION, (I0, SAME), "itrans is 1 at every"),
    "transmitted light of inverted amplifiers": (
        TRANSMISSION, (-I0, -5.0 * SAME), "itrans is -5 at every"),
    "fluorescence constant": (FLUORESCENCE, (I0, 3.0 * SAME), "ifluor is 3 at every"),
    "both constant": (TRANSMISSION, (7.0 * SAME, 3.0 * SAME), "itrans is 3 at every"),
}  # fmt: skip


def written(folder, names, *others):
    rows = "\n".join(
        f"{e:.2f} " + " ".join(f"{v:.4f}" for v in row) for e, *row in zip(ENERGY, *others)
    )
    path = folder / "scan.dat"
    path.write_text(f"# {' '.join(names)}\n{rows}\n")
    return path


@pytest.mark.parametrize("case", REFUSED)
def test_a_constant_signal_is_refused_by_name(case, tmp_path):
    names, others, said = REFUSED[case]
    with pytest.raises(SpectrumError, match=said):
        read_measured(written(tmp_path, names, *others))


@pytest.mark.parametrize(
    ("names", "others"),
    [(TRANSMISSION, (1e5 * SAME, IT)), (FLUORESCENCE, (SAME, IF))],
)
def test_a_constant_incident_intensity_is_remarked(names, others, tmp_path):
    notes = read_measured(written(tmp_path, names, *others)).notes
    assert any("i0 is" in note and "at every energy" in note for note in notes)


@pytest.mark.parametrize(("names", "others"), [(TRANSMISSION, (I0, IT)), (FLUORESCENCE, (I0, IF))])
def test_detectors_that_vary_are_read_without_a_remark(names, others, tmp_path):
    assert not any("at every" in n for n in read_measured(written(tmp_path, names, *others)).notes)


def test_a_constant_detector_of_a_formula_is_remarked(tmp_path):
    path = written(tmp_path, TRANSMISSION, I0, 421.0 * SAME)
    found = read_measured(path, chosen=choice(["energy=1", "mu=ln(i0/itrans)"]))
    assert any("itrans is 421 at every energy" in note for note in found.notes)
