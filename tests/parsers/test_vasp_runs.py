"""Runs of VASP with a core hole: files of two runs, torn tables, sites, holes that are unusual."""

import shutil

import numpy as np
import pytest
from made_runs import DATA, MU, X, only, table

from defectra.core.textfiles import read_text
from defectra.engines.finished.importing import import_tree
from defectra.engines.vasp import incar


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("CLNT = 2", {"CLNT": "2"}),
        ("clnt=2;CLN=1", {"CLNT": "2", "CLN": "1"}),
        ("# CLNT = 3\nCLNT = 2 ! CLN = 9", {"CLNT": "2"}),
        ("CLNT = 2\nCLNT = 3", {"CLNT": "2"}),
        ("SYSTEM = CLN test ; CLNT = 1", {"SYSTEM": "CLN test", "CLNT": "1"}),
        ("MAGMOM = 1 \\\n 2 3\nCLNT = 1", {"MAGMOM": "1   2 3", "CLNT": "1"}),
        ("  Clnt\t=\t1\r\nCLL = 0\r\n", {"CLNT": "1", "CLL": "0"}),
    ],
)
def test_incar_as_vasp_reads_it(text, wanted):
    assert incar.parse(text) == wanted


VASP = DATA / "p04_vasp_core_hole/ok"


def changed(tmp_path, name, old, new):
    shutil.copytree(VASP, tmp_path / "r")
    text = (VASP / name).read_text()
    assert text.count(old) == 1
    (tmp_path / "r" / name).write_text(text.replace(old, new))
    return only(import_tree(tmp_path))


@pytest.mark.parametrize(
    ("name", "old", "new", "error", "words"),
    [
        ("INCAR", "CLNT = 1", "CLNT = 2", "mixed_files", "CLNT is 2 in INCAR and 1 in OUTCAR"),
        ("INCAR", "CLN = 1", "CLN = 2", "mixed_files", "CLN is 2"),
        ("POSCAR", "1 3 4", "4 0 4", "unknown_absorber", "line 7"),
        ("OUTCAR", " vasp.6.3.2", " TITEL = PAW_PBE Co 1\n TITEL = PAW_PBE Co 1\n"
         " TITEL = PAW_PBE O 1\n vasp.6.3.2", "mixed_files", "OUTCAR's POTCAR is Co Co O"),
    ],
)  # fmt: skip
def test_files_of_two_vasp_runs_are_refused(tmp_path, name, old, new, error, words):
    row, _ = changed(tmp_path, name, old, new)
    assert row["error_class"] == error, row["message"]
    assert words in row["message"]


def test_an_outcar_is_whole_up_to_its_last_energy(tmp_path):
    """It ends with its table: only the number of energies says; or it goes on: only the grid."""
    text = (VASP / "OUTCAR").read_text()
    table_end = text.index("\n\n", text.index("IMAGINARY"))
    lines = text.splitlines(keepends=True)
    shutil.copytree(VASP, tmp_path / "r")
    for content, error in (
        (text[:table_end], ""),
        (text[:table_end].replace("NEDOS = 300", "NEDOS = 301"), "truncated_output"),
        (text[:table_end].replace("NEDOS = 300", ""), "truncated_output"),
        (text, ""),
        ("".join([*lines[:120], *lines[160:]]), "truncated_output"),
        (text[: text.index("IMAGINARY")], "truncated_output"),
    ):
        (tmp_path / "r/OUTCAR").write_text(content)
        row, _ = only(import_tree(tmp_path))
        assert row["error_class"] == error, row["message"]


def test_a_hole_in_every_atom_is_no_site_of_its_own(tmp_path):
    row, calculation = changed(tmp_path, "POSCAR", "Ni Ni O\n1 3 4", "Ni O\n4 4")
    assert (calculation["element"], row["site_index"]) == ("Ni", 0)  # all four are one orbit
    text = (tmp_path / "r/POSCAR").read_text().replace(".5 .5 0\n", ".5 .5 0.06\n", 1)
    (tmp_path / "r/POSCAR").write_text(text)
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], row["site_index"]) == ("Ni", None)


def test_symbols_that_the_poscar_lacks_are_those_of_the_potcar(tmp_path):
    shutil.copytree(DATA / "p04_vasp_core_hole/poscar_vasp4", tmp_path / "r")
    titles = "".join(f" TITEL  = PAW_PBE {s} 06Sep2000\n" for s in ("Ni_pv", "Ni_pv", "O_s"))
    path = tmp_path / "r" / "OUTCAR"
    path.write_text(path.read_text().replace(" NEDOS", titles + " NEDOS"))
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], row["site_index"], calculation["multiplicity"]) == ("Ni", 0, 4)


def test_the_absorber_first_in_the_file_is_another_site_each_time(tmp_path):
    """A cell of four different Ni: each run has its own first; names and cell stay the same."""
    frac = np.array([[0, 0, 0], [0.5, 0.03, 0.5], [0.04, 0.5, 0.5], [0.5, 0.47, 0.02]])
    oxygen = np.array([[0.5, 0.5, 0.55], [0.5, 0, 0], [0, 0.5, 0.03], [0, 0.06, 0.5]])
    for k in range(4):
        order = [k, *(j for j in range(4) if j != k)]
        folder = tmp_path / f"run{k}"
        shutil.copytree(VASP, folder)
        rows = [*frac[order], *oxygen]
        text = "x\n1.0\n4.2 0 0\n0 4.3 0\n0 0 4.4\nNi Ni O\n1 3 4\nDirect\n"
        text += "\n".join(" ".join(f"{v:.4f}" for v in r) for r in rows) + "\n"
        (folder / "POSCAR").write_text(text)
    found = import_tree(tmp_path)
    rows = list(found.calculations.values())
    assert len(found.structures) == 1
    assert len({r["structure_id"] for r in rows}) == 1
    assert len({r["site"] for r in rows}) == 4
    for row in found.imports:
        calculation = found.calculations[row["calculation_id"]]
        geometry = found.geometries[calculation["geometry_id"]]
        assert geometry["site_labels"][row["site_index"]] == calculation["site"]


def test_another_files_order_is_not_asked_for_a_site_number(tmp_path):
    """The run's own POSCAR cannot be read: a CIF above it gives no site by number."""
    shutil.copytree(VASP, tmp_path / "r")
    text = (VASP / "POSCAR").read_text()
    (tmp_path / "r" / "POSCAR").write_text(text.replace("Direct", "Irect"))
    other = "x\n1.0\n4.2 0 0\n0 4.3 0\n0 0 4.4\nO Ni\n1 2\nDirect\n0 0 0\n.5 .5 .5\n.5 0 .4\n"
    (tmp_path / "a.vasp").write_text(other)
    row, _ = only(import_tree(tmp_path))
    assert row["site_index"] is None
    assert "Irect" in row["paired_by"] or "sites of Ni" in row["paired_by"]


def test_a_byte_order_mark_before_an_input(tmp_path):
    shutil.copytree(VASP, tmp_path / "r")
    for name, code in (("INCAR", "utf-8-sig"), ("POSCAR", "utf-16")):
        (tmp_path / "r" / name).write_text((VASP / name).read_text(), encoding=code)
    assert read_text(tmp_path / "r/INCAR").startswith("PREC")
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], row["site_index"]) == ("Ni", 0)


TAGS = "CH_LSPEC = {}\nICORELEVEL = {}\nCLNT = 1\nCLN = 1\nCLL = 0\nCLZ = {}\n"


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ((".TRUE.", 2, "1.0"), ""),
        ((".TRUE.", 2, "0.5"), "core hole of 0.5 electrons"),
        ((".TRUE.", 2, "0"), "core hole of 0 electrons"),
        ((".TRUE.", 1, "1.0"), "no core hole"),
        ((".FALSE.", 2, "1.0"), "the settings beside it ask for none"),
        ((".TRUE.", 2, "one"), "'one' is no number"),
    ],
)
def test_the_core_hole_of_vasp_is_reported_where_it_is_unusual(tmp_path, tags, words):
    cell = "NiO\n1.0\n4.2 0 0\n0 4.2 0\n0 0 4.2\nNi O\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
    (tmp_path / "POSCAR").write_text(cell)
    (tmp_path / "INCAR").write_text(TAGS.format(*tags))
    (tmp_path / "CORE_DIELECTRIC_IMAG.dat").write_text(table(8340 + X, MU, MU, MU))
    row = import_tree(tmp_path).imports[0]
    assert words in row["message"]
    assert ("core hole" in row["message"]) == ("core hole" in words)


def test_an_extract_of_three_columns_is_no_sum(tmp_path):
    cell = "NiO\n1.0\n4.2 0 0\n0 4.2 0\n0 0 4.2\nNi O\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
    (tmp_path / "POSCAR").write_text(cell)
    (tmp_path / "INCAR").write_text(TAGS.format(".TRUE.", 2, "1.0"))
    (tmp_path / "CORE_DIELECTRIC_IMAG.dat").write_text(table(8340 + X, MU / 7, MU))
    row = import_tree(tmp_path).imports[0]
    assert row["error_class"] == "bad_output"
    assert "3 columns" in row["message"]


@pytest.mark.parametrize(
    ("tags", "kind", "words"),
    [
        ("", "", ""),
        ("ALGO = Normal\n", "", ""),
        ("ALGO = None\n", "convergence_unknown", "earlier run"),
        ("algo = nothing\n", "convergence_unknown", "earlier run"),
        ("CH_AMPLIFICATION = 8000\n", "", "CH_AMPLIFICATION = 8000"),
    ],
)
def test_a_spectrum_of_vasp_that_is_calculated_again(tmp_path, tags, kind, words):
    """The second of two steps, as the manual advises: no electronic steps of its own."""
    shutil.copytree(DATA / "p04_vasp_core_hole/ok", tmp_path / "r")
    incar, outcar = tmp_path / "r/INCAR", tmp_path / "r/OUTCAR"
    incar.write_text(incar.read_text() + tags)
    if kind:
        text = outcar.read_text()
        outcar.write_text("\n".join(x for x in text.split("\n") if "energy-change" not in x))
    row = import_tree(tmp_path).imports[0]
    assert row["error_class"] == kind
    assert words in row["message"]
    assert bool(words) == bool(row["message"])


@pytest.mark.parametrize(("factor", "error"), [(1.0, ""), (1.3, "mixed_files")])
def test_an_outcar_of_two_runs(tmp_path, factor, error):
    """The same table twice is one; two tables under one heading are two runs."""
    shutil.copytree(DATA / "p04_vasp_core_hole/ok", tmp_path / "r")
    path = tmp_path / "r/OUTCAR"
    text = path.read_text()
    start = text.index("IMAGINARY DIELECTRIC")
    again = text[text.rindex("\n", 0, start) :]
    if factor != 1:
        row = next(x for x in again.splitlines() if len(x.split()) == 7 and "." in x.split()[0])
        again = again.replace(row, " ".join([*row.split()[:-1], "0.123456"]))
    path.write_text(f"{text.rstrip()}\n\n{again}\n")
    assert import_tree(tmp_path).imports[0]["error_class"] == error
