"""A detector that measured nothing gives way to one that did, with a note; all dead: refused."""

import numpy as np
import pytest
from made_scan import ENERGY, I0, MU

from defectra.spectra.measured import read_measured
from defectra.spectra.measured_spectrum import SpectrumError

NOISE = np.random.default_rng(11).normal(size=(2, len(ENERGY)))
ONE = np.ones(len(ENERGY))
IT = I0 * np.exp(-MU)
IF = 0.05 * I0 * MU
DEAD = {
    "zero": (0 * ONE, "is 0 at every energy"),
    "constant": (421 * ONE, "is 421 at every energy"),
    "not a number": (np.nan * ONE, "holds no number at any energy"),
    "infinite": (np.inf * ONE, "holds no number at any energy"),
    "noise about zero": (NOISE[0], "is noise about zero"),
    "below zero": (-np.abs(NOISE[0]) - 1, "is zero or less at every energy"),
}


def written(folder, head, *columns):
    rows = "\n".join(" ".join(f"{v:.6f}" for v in row) for row in zip(ENERGY, *columns))
    path = folder / "scan.dat"
    path.write_text(f"# energy {head}\n{rows}\n")
    return path


@pytest.mark.parametrize("kind", DEAD)
@pytest.mark.parametrize("order", ["i0 i1 if", "if i1 i0"])
def test_fluorescence_is_taken_beside_a_dead_transmission(kind, order, tmp_path):
    values, said = DEAD[kind]
    of = {"i0": I0, "i1": values, "if": IF}
    found = read_measured(written(tmp_path, order, *(of[n] for n in order.split())))
    assert found.kind == "fluorescence"
    np.testing.assert_allclose(found.mu, 0.05 * MU, atol=1e-8)
    assert any(f"column i1 {said}: dead, so fluorescence is taken" in n for n in found.notes)


@pytest.mark.parametrize("kind", ["zero", "constant", "not a number", "infinite"])
@pytest.mark.parametrize("name", ["mutrans", "ln(I0/I1)", "mu"])
def test_absorption_that_was_made_of_a_dead_detector_gives_way_too(kind, name, tmp_path):
    values, said = DEAD[kind]
    for head, others in ((f"{name} mufluor", (IF / I0,)), (f"{name} i0 if", (I0, IF))):
        found = read_measured(written(tmp_path, head, values, *others))
        assert found.kind == "fluorescence"
        np.testing.assert_allclose(found.mu, 0.05 * MU, atol=1e-6)
        assert any(f"column {name} {said}" in note for note in found.notes)


def test_the_next_that_measured_is_taken(tmp_path):
    zero = 0 * ONE
    found = read_measured(written(tmp_path, "mu i0 it if", zero, I0, IT, IF))
    assert found.kind == "transmission"
    np.testing.assert_allclose(found.mu, MU, atol=1e-6)
    found = read_measured(written(tmp_path, "i0 it if tey", I0, zero, zero, IF))
    assert any("column it is 0" in n and "column if is 0" in n for n in found.notes)
    np.testing.assert_allclose(found.mu, 0.05 * MU, atol=1e-8)
    found = read_measured(written(tmp_path, "i0 if fluor", I0, zero, IF))  # of one kind
    np.testing.assert_allclose(found.mu, 0.05 * MU, atol=1e-8)


def test_a_dead_incident_intensity_is_no_matter_where_the_absorption_is_made(tmp_path):
    found = read_measured(written(tmp_path, "i0 i1 mufluor", 0 * ONE, IT, IF / I0))
    np.testing.assert_allclose(found.mu, 0.05 * MU, atol=1e-6)


@pytest.mark.parametrize("kind", DEAD)
def test_all_dead_is_refused_by_name(kind, tmp_path):
    values, said = DEAD[kind]
    with pytest.raises(SpectrumError, match=f"column i1 {said}; column if {said}"):
        read_measured(written(tmp_path, "i0 i1 if", I0, values, values))


@pytest.mark.parametrize("kind", ["zero", "not a number", "infinite", "noise about zero"])
def test_a_dead_incident_intensity_is_refused_by_name(kind, tmp_path):
    values, said = DEAD[kind]
    with pytest.raises(SpectrumError, match=f"column i0 {said}"):
        read_measured(written(tmp_path, "i0 i1 if", values, IT, IF))


def test_a_detector_that_is_left_but_stood_still_is_refused_with_the_dead_one(tmp_path):
    frozen = np.where(ENERGY > 8380, IF[ENERGY > 8380][0], IF + NOISE[1])
    with pytest.raises(SpectrumError, match=r"column i1 is 0 at every.*if stands still"):
        read_measured(written(tmp_path, "i0 i1 if", I0, 0 * ONE, frozen))


def test_what_measured_is_taken_without_a_word_about_others(tmp_path):
    found = read_measured(written(tmp_path, "i0 i1 if", I0, IT, 0 * ONE))
    assert found.kind == "transmission"
    assert not any("dead" in note for note in found.notes)
