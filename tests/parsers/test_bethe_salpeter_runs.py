"""Runs of OCEAN and exciting: photons, other spectra, units, the input of another cell."""

import shutil

import numpy as np
import pytest
from made_runs import DATA, MU, X, only, table

from defectra.engines.finished.importing import import_tree


def ocean(folder, photons, heights=None):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(DATA / "p08_ocean_dipole_and_quad/ocean.in", folder)
    for k, photon in enumerate(photons, 1):
        height = heights[k - 1] if heights else 1.0
        columns = (X, MU, height * MU, MU)
        (folder / f"absspct_Ni.0001_1s_{k:02d}").write_text(table(*columns))
        if photon:
            (folder / f"photon{k}").write_text(photon)
    return folder


def test_momentum_transfers_and_two_photons_are_kept_apart(tmp_path):
    vectors = "\ncartesian 0 0 1\nend\nlength {} inverseangstrom\ncartesian 1 0 0\nend\n105\n"
    photons = ["dipole\n", "DIPOLE\n", "quad\n", *("qRaman" + vectors.format(q) for q in (1, 2))]
    found = import_tree(ocean(tmp_path / "r", [*photons, "tp\n"], [1, 1, 2, 3, 4, 5]).parent)
    assert sorted(len(r["files"]) for r in found.imports) == [1, 1, 1, 1, 2]
    assert len({r["unit"] for r in found.imports}) == 5
    assert len({r["calculation_id"] for r in found.imports}) == 5


def test_photons_of_unknown_kind_that_cannot_be_one_are_refused(tmp_path):
    row, _ = only(import_tree(ocean(tmp_path / "a", ["", "", ""], [1.0, 1.1, 1e-3]).parent))
    assert row["error_class"] == "bad_output"
    assert "photon1" in row["message"]


@pytest.mark.parametrize(("height", "error"), [(0.0, "convergence_unknown"), (-1.0, "bad_output")])
def test_one_photon_that_is_no_absorption_is_not_averaged_away(tmp_path, height, error):
    ocean(tmp_path / "r", ["dipole\n"] * 3, [1.0, 1.0, height])
    assert only(import_tree(tmp_path))[0]["error_class"] == error


@pytest.mark.parametrize("name", ["xesspct_Ni.0001_1s_01", "rxsspct_Ni.2p_01.00001.01"])
def test_other_spectra_of_ocean_are_refused_by_name(tmp_path, name):
    (tmp_path / name).write_text(table(X, MU, MU))
    assert only(import_tree(tmp_path))[0]["error_class"] == "not_absorption"


@pytest.mark.parametrize(
    ("name", "acell", "error"),
    [
        ("absspct_Ni.0001_1s_01", "7.9 7.9 7.9", "convergence_unknown"),
        ("absspct_Ni.0001_1s_01", "4.18 4.18 4.18 Angstrom", "convergence_unknown"),
        ("absspct_Ni.0003_1s_01", "7.9 7.9 7.9", "mixed_files"),
        ("absspct_Co.0001_1s_01", "7.9 7.9 7.9", "mixed_files"),
    ],
)
def test_ocean_with_the_input_of_another_cell(tmp_path, name, acell, error):
    text = (
        f"acell {{ {acell} }}\nrprim {{ 1 0 0 0 1 0 0 0 1 }}\nznucl {{ 28 8 }}\n"
        "typat { 1 2 }\nxred { 0 0 0 0.5 0.5 0.5 }\n"
    )
    (tmp_path / "nio.in").write_text(text)
    (tmp_path / name).write_text(table(X, MU, MU, MU))
    found = import_tree(tmp_path)
    row = found.imports[0]
    assert row["error_class"] == error, row["message"]
    for geometry in found.geometries.values():
        lattice = np.array(geometry["lattice"]).reshape(3, 3)
        assert abs(np.linalg.det(lattice)) ** (1 / 3) == pytest.approx(4.18, abs=0.005)


OCEAN = DATA / "p08_ocean_dipole_and_quad"


@pytest.mark.parametrize(
    ("edges", "level", "error"),
    [
        ("1 1 0", "1s", "convergence_unknown"),
        ("-28 1 0", "1s", "convergence_unknown"),
        ("2 1 0 1 1 0", "1s", "convergence_unknown"),
        ("1 1 0", "2p", "mixed_files"),
        ("1 2 1", "1s", "mixed_files"),
        ("-8 1 0", "1s", "mixed_files"),
        ("2 1 0", "1s", "mixed_files"),
    ],
)
def test_a_spectrum_of_ocean_is_one_that_its_input_asks_for(tmp_path, edges, level, error):
    for path in OCEAN.iterdir():
        shutil.copy(path, tmp_path / path.name.replace("1s", level))
    given = tmp_path / "ocean.in"
    given.write_text(given.read_text().replace("1 1 0", edges))
    assert {r["error_class"] for r in import_tree(tmp_path).imports} == {error}


@pytest.mark.parametrize(
    ("expected", "where", "error"),
    [
        ("true", 1.0, "convergence_unknown"), ("false", 27.211386, "convergence_unknown"),
        (None, 27.211386, "convergence_unknown"), (None, 1.0, "convergence_unknown"),
        ("true", 27.211386, "bad_output"), ("false", 1.0, "bad_output"),
    ],
)  # fmt: skip
def test_energies_of_exciting_are_in_the_unit_that_the_input_says(tmp_path, expected, where, error):
    source = DATA / "p11_exciting_units/eV/input.xml"
    text = source.read_text().replace(
        " tevout='true'", "" if expected is None else f" tevout='{expected}'"
    )
    (tmp_path / "input.xml").write_text(text)
    name = "EPSILON_BSE-singlet-TDA-BAR_SCR-full_OC11.OUT"
    (tmp_path / name).write_text(table((535 + X) / where, MU, MU, MU))
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == error, row["message"]
    if error == "convergence_unknown":
        assert row["first_eV"] == pytest.approx(515, abs=0.1)


def exciting(folder, *pairs):
    """The own run of O K with the input changed."""
    shutil.copytree(DATA / "p11_exciting_units/eV", folder)
    text = (folder / "input.xml").read_text().replace("'", '"')
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "input.xml").write_text(text)
    return import_tree(folder.parent).imports[0]


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("<BSE ", '<BSE xes="true" ', "not_absorption", "emission"),
        ('xas="true"', 'xas="false"', "not_absorption", "optical"),
        (
            "</xs>",
            "<qpointset><qpoint>0 0.1 0</qpoint></qpointset></xs>",
            "not_absorption",
            "0 0.1",
        ),
        ('xasatom="1"', 'xasatom="9"', "unknown_absorber", "atom 9"),
        ('xasedge="K"', 'xasedge="N45"', "unknown_absorber", "edge N45"),
        ('speciesfile="O.xml"', 'speciesfile="species7.xml"', "unknown_absorber", "Species7"),
    ],
)
def test_other_runs_of_exciting_are_refused(tmp_path, old, new, error, words):
    row = exciting(tmp_path / "r", (old, new))
    assert row["error_class"] == error, row["message"]
    assert words in row["message"]


@pytest.mark.parametrize("name", ["o.xml", "O_scr.xml", "./O.xml", "O-gw.xml"])
def test_species_files_of_exciting_name_elements(tmp_path, name):
    row = exciting(tmp_path / "r", ('speciesfile="O.xml"', f'speciesfile="{name}"'))
    assert (row["status"], row["error_class"]) == ("unconverged", "convergence_unknown")
