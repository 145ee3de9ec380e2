"""A detector that is constant, saturated, frozen or dead gives no absorption without a word."""

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.core.held_values import held
from defectra.engines.finished.columns import checked
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


def put(values, where, value):
    out = np.array(values)
    out[where] = value
    return out


def above(values, share):
    return np.minimum(values, np.quantile(values, share))


def below(values, share):
    return np.maximum(values, np.quantile(values, share))


TRANSMISSION, FLUORESCENCE = ("energy", "i0", "itrans"), ("energy", "i0", "ifluor")
REFUSED = {
    "transmitted light constant": (TRANSMISSION, (I0, 421.0 * SAME), "itrans is 421 at every"),
    "transmitted light one, as divided": (TRANSMISSION, (I0, SAME), "itrans is 1 at every"),
    "transmitted light of inverted amplifiers": (
        TRANSMISSION, (-I0, -5.0 * SAME), "itrans is -5 at every"),
    "fluorescence constant": (FLUORESCENCE, (I0, 3.0 * SAME), "ifluor is 3 at every"),
    "both constant": (TRANSMISSION, (7.0 * SAME, 3.0 * SAME), "itrans is 3 at every"),
    "transmitted light saturated": (TRANSMISSION, (I0, above(IT, 0.8)), "itrans stands still"),
    "fluorescence saturated": (FLUORESCENCE, (I0, above(IF, 0.7)), "ifluor stands still"),
    "floor of the amplifier": (TRANSMISSION, (I0, below(IT, 0.3)), "itrans stands still"),
    "incident light saturated": (TRANSMISSION, (above(I0, 0.7), IT), "i0 stands still"),
    "inverted and saturated": (TRANSMISSION, (-I0, -above(IT, 0.8)), "itrans .* smallest value"),
    "frozen at the edge": (
        TRANSMISSION, (I0, put(IT, slice(60, 75), IT[60])), "itrans .* rows 61 to 75"),
    "frozen to the end": (TRANSMISSION, (I0, put(IT, slice(150, None), IT[150])), "itrans stands"),
    "dead for a while": (TRANSMISSION, (I0, put(IT, slice(60, 66), 0.0)), "counted zero"),
}  # fmt: skip


def written(folder, names, *others, digits=4):
    rows = "\n".join(
        f"{e:.2f} " + " ".join(f"{v:.{digits}f}" for v in row) for e, *row in zip(ENERGY, *others)
    )
    path = folder / "scan.dat"
    path.write_text(f"# {' '.join(names)}\n{rows}\n")
    return path


@pytest.mark.parametrize("case", REFUSED)
def test_a_detector_that_did_not_measure_is_refused_by_name(case, tmp_path):
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


NOISY = MU + 1e-3 * NOISE[0]
OF_MU = {
    "constant but for rounding": (0.7 * SAME + 1e-12 * NOISE[0], "same at every energy"),
    "cut above": (above(NOISY, 0.5), "largest value, from"),
    "filled with zeros": (put(NOISY, slice(70, 79), 0.0), "stands still at 0, .* from 8346.0"),
    "filled with a value": (put(NOISY, slice(70, 79), 0.9), "stands still at 0.9 from"),
    "zeros twice": (put(put(NOISY, slice(70, 79), 0.0), slice(100, 107), 0.0), "stands still at 0"),
    "set before the edge, and filled": (
        put(put(NOISY, slice(0, 12), 0.31), slice(90, 100), 0.9), "stands still at 0.9 from"),
    "zero before the edge, and filled": (
        put(put(NOISY, slice(0, 12), 0.0), slice(90, 100), 0.9), "stands still at 0.9 from"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_MU)
def test_absorption_that_stands_still_is_refused(case, tmp_path):
    mu, said = OF_MU[case]
    with pytest.raises(SpectrumError, match=said):
        read_measured(written(tmp_path, ("energy", "xmu"), mu, digits=14))


@pytest.mark.parametrize("mu", [put(NOISY, slice(0, 12), 0.31), below(NOISY, 0.12)])
def test_absorption_set_to_one_value_before_the_edge_is_remarked(mu, tmp_path):
    path = written(tmp_path, ("energy", "xmu"), mu, digits=9)
    assert any("stands still at 0.3" in note for note in read_measured(path).notes)


@pytest.mark.parametrize(
    ("formula", "it", "said"),
    [
        ("ln(i0/itrans)", above(IT, 0.8), "itrans stands still"),
        ("ln(col2)-ln(col3)", put(IT, slice(60, 75), IT[60]), "col3 stands still"),
    ],
)
def test_detectors_of_a_chosen_formula_that_stand_still_are_remarked(formula, it, said, tmp_path):
    path = written(tmp_path, TRANSMISSION, I0, it)
    found = read_measured(path, chosen=choice(["energy=1", f"mu={formula}"]))
    assert any(said in note for note in found.notes)


SOUND = {
    "inverted": (TRANSMISSION, (-I0, -IT), 4),
    "whole counts": (TRANSMISSION, (np.round(I0 / 100), np.round(IT / 100)), 0),
    "single counts before the edge": (FLUORESCENCE, (I0, np.round(1 + 60 * (MU - 0.3))), 0),
    "two digits": (("energy", "xmu"), (MU,), 2),
    "levels off by itself": (
        ("energy", "xmu"), (0.3 + 0.4 * (1 + np.tanh((ENERGY - 8333) / 3)),), 9),
    "zero before the edge": (("energy", "xmu"), (np.where(ENERGY < 8330, 0.0, MU),), 6),
}  # fmt: skip


@pytest.mark.parametrize("case", SOUND)
def test_sound_detectors_are_read_without_a_remark(case, tmp_path):
    names, others, digits = SOUND[case]
    found = read_measured(written(tmp_path, names, *others, digits=digits))
    assert len(found.energy) == len(ENERGY)
    assert not any("stands still" in note for note in found.notes)


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_never_stands_still(seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=400)
    fine = np.interp(np.linspace(0, 399, 1597), np.arange(400), noise)
    few = rng.poisson(2.0 + np.arange(400) / 10).astype(float)
    for values in (noise, np.round(noise, 1), np.round(fine, 2), few, few / (1e4 + noise)):
        assert held(values) is None


@pytest.mark.parametrize("length", range(2, 12))
def test_the_values_that_were_held_are_found(length):
    values = put(np.random.default_rng(length).normal(size=200), slice(40, 40 + length), 0.1)
    found = held(values)
    assert (found is None) == (length < 5)
    if found:
        assert (found.first, found.last, found.value, found.at) == (40, 39 + length, 0.1, "same")


def test_a_calculated_absorption_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "a.dat"
    with pytest.raises(EngineError, match="stands still"):
        checked(path, ENERGY, above(NOISY, 0.5))
    with pytest.raises(EngineError, match="flat or negative"):
        checked(path, ENERGY, 0.7 * SAME + 1e-13 * NOISE[0])
    for mu in (np.where(ENERGY < 8330, 0.0, MU), np.where(ENERGY < 8330, 0.07, MU)):
        assert np.array_equal(checked(path, ENERGY, mu)[1], mu)
