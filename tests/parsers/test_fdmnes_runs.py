"""Runs of FDMNES: absorbers, sums over equivalent atoms, operators, inputs of another run."""

import shutil

import numpy as np
import pytest
from made_runs import DATA, MU, X, only, rows_of, spectrum, table

from defectra.engines.finished.importing import import_tree

HEADER = (
    "# FDMNES program\n {e} {z} {n} {j} 0.0 -19.3 -5.0 1 1 0 = E_edge, Z, n_edge, j_edge, "
    "Abs_before_edge, VO_interstitial, E_Fermi, ninitl, ninit1, Epsii\n    Energy    <xanes>\n"
)


def fdmnes(folder, cards, e=6539.0, z=25, shell=(1, 1)):
    folder.mkdir(parents=True, exist_ok=True)
    text = f"Filout\n run\n\nRange\n -5. .2 45.\n\nRadius\n 5.\n\n{cards}\n\nEnd\n"
    (folder / "run_in.txt").write_text(text)
    head = HEADER.format(e=e, z=z, n=shell[0], j=shell[1])
    (folder / "run.txt").write_text(head + table(X, MU))
    return folder


SPINEL = " 8.5 8.5 8.5 90 90 90\n 25 0. 0. 0.\n 25 .625 .625 .625\n 8 .3874 .3874 .3874"


@pytest.mark.parametrize(
    ("cards", "z", "index", "many"),
    [
        (f"Spgroup\n Fd-3m:1\n\nCrystal\n{SPINEL}", 25, 0, 8),
        (f"Spgroup\n Fd-3m:1\n\nAbsorber\n 2\n\nCrystal\n{SPINEL}", 25, 8, 16),
        (f"Spgroup\n F d -3 m : 1\n\nAbsorber\n 3\n\nCrystal\n{SPINEL}", 8, 24, 32),
        (f"Spgroup\n 227:1\n\nAbsorber\n 2\n\nCrystal\n{SPINEL}", 25, 8, 16),
        (f"Spgroup\n Fd-3m:1\n\nAbsorber\n 1 2\n\nCrystal\n{SPINEL}", 25, None, None),
        (f"Spgroup\n Fd-3m:1\n\nZ_absorber\n 25\n\nCrystal\n{SPINEL}", 25, None, None),
        (f"Spgroup\n Fd-3m\n\nAbsorber\n 2\n\nCrystal\n{SPINEL}", 25, None, None),
        (f"Absorber\n 2\n\nCrystal\n{SPINEL}", 25, 1, 1),
        ("Atom\n 25 0\n 8 0\n\nAbsorber\n 2\n\nCrystal\n 4. 4. 4.\n 1 0 0 0\n 2 .5 .5 .5",
         8, 1, 1),
        ("Absorber\n 1\n\nCrystal\n 3 3 5 90 90 120\n 25 1/3 2/3 1/4\n 8 0 0 0", 25, 0, 1),
    ],
)  # fmt: skip
def test_absorber_of_fdmnes_is_one_of_the_list(tmp_path, cards, z, index, many):
    e = 6539.0 if z == 25 else 543.1
    row, calculation = only(import_tree(fdmnes(tmp_path / "r", cards, e, z).parent))
    assert (row["site_index"], calculation["multiplicity"]) == (index, many), row["paired_by"]
    assert calculation["element"] == {25: "Mn", 8: "O"}[z]


def test_the_convolved_file_of_2022_takes_its_element_from_the_plain_one(tmp_path):
    folder = fdmnes(tmp_path / "r", f"Crystal\n{SPINEL}")
    shutil.copy(DATA / "p03_fdmnes_header_2022/run_conv.txt", folder)
    (folder / "run_in.txt").unlink()
    row, calculation = only(import_tree(tmp_path))
    assert row["source"] == "r/run_conv.txt"
    assert (calculation["element"], calculation["edge"]) == ("Mn", "K")
    assert (calculation["edge_eV"], row["axis"]) == (6539.0, "relative to the edge energy")


@pytest.mark.parametrize("card", ["XES", "Nrixs\n 1.", "xes"])
def test_other_spectra_of_fdmnes_are_refused_by_name(tmp_path, card):
    row, _ = only(import_tree(fdmnes(tmp_path / "r", f"{card}\n\nCrystal\n{SPINEL}").parent))
    assert row["error_class"] == "not_absorption"


def test_a_column_that_is_no_mean_over_polarisations_is_refused(tmp_path):
    folder = fdmnes(tmp_path / "r", f"Crystal\n{SPINEL}")
    text = (folder / "run.txt").read_text().replace("<xanes>", "(111)_1")
    (folder / "run.txt").write_text(text)
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "bad_output"
    assert "(111)_1" in row["message"]


@pytest.mark.parametrize(
    ("rows", "error"),
    [(121, "convergence_unknown"), (112, "truncated_output"), (90, "truncated_output")],
)
def test_a_spectrum_of_fdmnes_goes_to_the_end_of_its_range(tmp_path, rows, error):
    folder = fdmnes(tmp_path / "r", f"Crystal\n{SPINEL}")
    lines = (folder / "run.txt").read_text().splitlines()
    (folder / "run.txt").write_text("\n".join(lines[: rows - 121 or None]) + "\n")
    assert only(import_tree(tmp_path))[0]["error_class"] == error


ATOMS_HEADER = (
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
        head = ATOMS_HEADER.format(n=f"{n}.0", rest=rest, name=name)
        (tmp_path / f"run_{k}.txt").write_text(head + table(X, n * MU))
    (tmp_path / "run_conv.txt").write_text("    Energy    <xanes>\n" + table(X, 6 * MU))
    found = import_tree(tmp_path)
    rows = rows_of(found)
    assert set(rows) == {"run_1.txt", "run_2.txt", "run_conv.txt"}
    for source, n in (("run_1.txt", 4), ("run_2.txt", 2), ("run_conv.txt", 6)):
        np.testing.assert_allclose(spectrum(found, rows[source]), MU, rtol=1e-5)
        assert f"sum over {n} atoms" in rows[source]["message"]


def test_fdmnes_without_the_number_of_atoms_says_so(tmp_path):
    head = ATOMS_HEADER.format(n="", rest="", name="x").replace(", x\n", "\n")
    (tmp_path / "run.txt").write_text(head + table(X, 4 * MU))
    row = import_tree(tmp_path).imports[0]
    assert "whose number is not stated" in row["message"]


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
        ATOMS_HEADER.format(n="1.0", rest="", name="natomsym") + table(X, MU)
    )
    printed = " FDMNES program, Revision 15th of July 2025\n\n scf\n\n" + text
    (tmp_path / "fdmnes_stdout.txt").write_text(printed)
    assert rows_of(import_tree(tmp_path))["run.txt"]["status"] == status


def test_fdmnes_that_did_not_converge_says_so_without_the_word_scf(tmp_path):
    (tmp_path / "run_in.txt").write_text(INDATA)
    (tmp_path / "run.txt").write_text(
        ATOMS_HEADER.format(n="1.0", rest="", name="natomsym") + table(X, MU)
    )
    (tmp_path / "run_bav.txt").write_text(" FDMNES program\n Calculation has not converged !\n")
    assert rows_of(import_tree(tmp_path))["run.txt"]["status"] == "unconverged"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Z_absorber\n 22", "Z_absorber\n 8", "element Ti in its header, O"),
        ("Z_absorber\n 22", "Absorber\n 3", "element Ti in its header, O"),
        ("Radius", "Edge\n L3\n\nRadius", "edge K in its header, L3"),
        ("Radius", "Edge\n L23\n\nRadius", "edge K in its header, L2,3"),
    ],
)
def test_an_indata_file_of_another_element_or_edge_is_not_its_own(tmp_path, old, new, words):
    (tmp_path / "run_in.txt").write_text(INDATA.replace(old, new))
    head = ATOMS_HEADER.format(n="1.0", rest="", name="natomsym")
    (tmp_path / "run.txt").write_text(head + table(X, MU))
    row = rows_of(import_tree(tmp_path))["run.txt"]
    assert row["error_class"] == "mixed_files"
    assert words in row["message"]


def test_each_shell_of_a_header_goes_with_its_card(tmp_path):
    """L2 and L3 of a header with the card L23, L1 with L1."""
    for k, (n, j, card) in enumerate([(2, 2, "L23"), (2, 3, "L23"), (2, 1, "L1"), (2, 3, "l3")]):
        folder = tmp_path / str(k)
        folder.mkdir()
        text = INDATA.replace("Radius", f"Edge\n {card}\n\nRadius")
        (folder / "run_in.txt").write_text(text)
        head = ATOMS_HEADER.format(n="1.0", rest="", name="natomsym").replace(
            " 22 1 1 ", f" 22 {n} {j} ", 1
        )
        (folder / "run.txt").write_text(head + table(X, MU))
        row = import_tree(folder).imports[0]
        assert row["error_class"] == "convergence_unknown", row["message"]
        (folder / "run_in.txt").write_text(INDATA)  # without the card the program takes K
        assert import_tree(folder).imports[0]["error_class"] == "mixed_files"


@pytest.mark.parametrize(
    ("card", "unit"),
    [
        ("Quadrupole", "Mbarn, not convolved, with quadrupole"),
        ("octupole", "Mbarn, not convolved, with octupole"),
        ("No_E1E1", "Mbarn, not convolved, without dipole"),
        ("Self_abs", "Mbarn, not convolved, with self-absorption"),
        ("Green", "Mbarn, not convolved"),
    ],
)
def test_operators_of_fdmnes_are_kept_apart(tmp_path, card, unit):
    (tmp_path / "run_in.txt").write_text(INDATA.replace("Radius", f"{card}\n\nRadius"))
    head = ATOMS_HEADER.format(n="1.0", rest="", name="natomsym")
    (tmp_path / "run.txt").write_text(head + table(X, MU))
    assert rows_of(import_tree(tmp_path))["run.txt"]["unit"] == unit


def test_tddft_is_kept_apart_from_independent_particles(tmp_path):
    """FDMNES writes run.txt and run_tddft.txt, and a convolved file of each."""
    (tmp_path / "run_in.txt").write_text(INDATA.replace("Radius", "TDDFT\n\nRadius"))
    head = ATOMS_HEADER.format(n="1.0", rest="", name="natomsym")
    for stem, factor in (("run", 1.0), ("run_tddft", 1.1)):
        (tmp_path / f"{stem}.txt").write_text(head + table(X, factor * MU))
        (tmp_path / f"{stem}_conv.txt").write_text("  Energy  <xanes>\n" + table(X, factor * MU))
    units = {name: row["unit"] for name, row in rows_of(import_tree(tmp_path)).items()}
    assert units == {"run_conv.txt": "Mbarn", "run_tddft_conv.txt": "Mbarn, with TDDFT"}


@pytest.mark.parametrize("card", ["Photo_emission", "Photo_emi", "RIXS_fast", "XES"])
def test_other_names_of_emission_in_fdmnes(tmp_path, card):
    (tmp_path / "run_in.txt").write_text(INDATA.replace("Radius", f"{card}\n\nRadius"))
    head = ATOMS_HEADER.format(n="1.0", rest="", name="natomsym")
    (tmp_path / "run.txt").write_text(head + table(X, MU))
    assert rows_of(import_tree(tmp_path))["run.txt"]["error_class"] == "not_absorption"
