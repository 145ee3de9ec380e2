"""More runs of the kinds that went wrong: sums over atoms, other calculations, names, namelists."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from defectra.engines.finished.importing import import_tree

DATA = Path(__file__).parent.parent / "data" / "reading"
X = np.linspace(-20.0, 40.0, 121)
MU = 0.5 + np.arctan(X / 2) / np.pi


def table(*columns):
    return "\n".join(" ".join(f"{v:.6E}" for v in row) for row in zip(*columns)) + "\n"


def rows_of(found):
    return {r["source"].split("/")[-1]: r for r in found.imports}


def spectrum(found, row):
    return np.array(found.spectra[row["calculation_id"]]["mu"])


# --- FDMNES: the program writes sums over equivalent atoms ------------------------------------

HEADER = (
    " 4966.0 22 1 1 0.0 -6.2 -0.1 1 1 4853.0 274.0 0.0 4.3 {n} {rest}= E_edge, Z, n_edge, j_edge, "
    "Abs_before_edge, VO_interstitial, E_cut, ninit, ninit1, Epsii, UnitCell_Volume, Surface_ref, "
    "f0_forward, {name}\n    Energy    <xanes>\n"
)
INDATA = (
    "Filout\n run\n\nRange\n -5. .2 45.\n\nRadius\n 5.\n\nZ_absorber\n 22\n\nCrystal\n"
    " 4. 4. 4. 90 90 90\n 22 0 0 0\n 22 .5 .5 .1\n 8 .5 .5 .5\n\nEnd\n"
)


@pytest.mark.parametrize(
    ("name", "rest"), [("natomsym", ""), ("natomsym_f, abs_u_iso", "0.0 "), ("natomsym_f", "")]
)
def test_fdmnes_is_read_as_absorption_of_one_atom(tmp_path, name, rest):
    """Two kinds of Ti with four and two equivalent atoms: all three files say the same."""
    (tmp_path / "run_in.txt").write_text(INDATA)
    for k, n in ((1, 4), (2, 2)):
        head = HEADER.format(n=f"{n}.0", rest=rest, name=name)
        (tmp_path / f"run_{k}.txt").write_text(head + table(X, n * MU))
    (tmp_path / "run_conv.txt").write_text("    Energy    <xanes>\n" + table(X, 6 * MU))
    found = import_tree(tmp_path)
    rows = rows_of(found)
    assert set(rows) == {"run_1.txt", "run_2.txt", "run_conv.txt"}
    for source, n in (("run_1.txt", 4), ("run_2.txt", 2), ("run_conv.txt", 6)):
        np.testing.assert_allclose(spectrum(found, rows[source]), MU, rtol=1e-5)
        assert f"sum over {n} atoms" in rows[source]["message"]


def test_fdmnes_without_the_number_of_atoms_says_so(tmp_path):
    head = HEADER.format(n="", rest="", name="x").replace(", x\n", "\n")
    (tmp_path / "run.txt").write_text(head + table(X, 4 * MU))
    row = import_tree(tmp_path).imports[0]
    assert "whose number is not told" in row["message"]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Cycle 40, Delta energy = 1.044 < 1.200 eV. Converged !\n", "ok"),
        (" Calculation has not converged !\n", "unconverged"),
    ],
)
def test_fdmnes_tells_its_convergence_on_the_screen_too(tmp_path, text, status):
    (tmp_path / "run_in.txt").write_text(INDATA)
    (tmp_path / "run.txt").write_text(
        HEADER.format(n="1.0", rest="", name="natomsym") + table(X, MU)
    )
    printed = " FDMNES program, Revision 15th of July 2025\n\n scf\n\n" + text
    (tmp_path / "fdmnes_stdout.txt").write_text(printed)
    assert rows_of(import_tree(tmp_path))["run.txt"]["status"] == status


# --- exciting ---------------------------------------------------------------------------------


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


# --- xspectra ---------------------------------------------------------------------------------


def test_of_a_key_that_is_given_twice_the_last_one_holds(tmp_path):
    """As Fortran reads a namelist: `xiabs = 2` after `xiabs = 1`, the edge as well."""
    shutil.copytree(DATA / "p07_xspectra_L2_xe0", tmp_path / "r")
    before = import_tree(tmp_path)
    given = next(
        p for p in (tmp_path / "r").iterdir() if "&input_xspectra" in p.read_text().lower()
    )
    text = given.read_text().replace("edge='L2'", "edge='K'\n edge='L2'")
    assert text != given.read_text()
    given.write_text(text)
    after = import_tree(tmp_path)
    edges = [{c["edge"] for c in f.calculations.values()} for f in (before, after)]
    assert edges == [{"L2"}, {"L2"}]
