"""Tables without an input: their element, unit and kind by name and header; files of no reader."""

import gzip
import shutil

import pytest
from made_runs import DATA, MU, X, only, table

from defectra.engines.finished.importing import import_tree


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("NiO_feff_Ni_K.txt", "Ni"), ("feff_O_K_edge.txt", "O"), ("NiO_K_feff.txt", ""),
        ("x_feff_NiK.txt", "Ni"), ("feff_Ni_K_and_O_K.txt", ""), ("feff_Qq_K.txt", ""),
    ],
)  # fmt: skip
def test_a_bare_table_has_the_edge_that_its_name_says(tmp_path, name, element):
    (tmp_path / name).write_text(table(X, MU))
    row, calculation = only(import_tree(tmp_path))
    assert calculation["element"] == element
    assert (row["error_class"] == "unknown_absorber") == (not element)


def test_no_element_is_guessed_where_two_edges_are_near(tmp_path):
    """Fe K (7112) and Nd L1 (7126): a rise there names neither."""
    (tmp_path / "spectrum_vasp.txt").write_text(table(7112 + X, MU))
    assert only(import_tree(tmp_path))[0]["error_class"] == "unknown_absorber"


def test_stars_and_glued_numbers_in_every_table(tmp_path):
    rows = table(X, MU).splitlines()
    for spoiled in ("1.0E+00 ******", "1.00000-1.00000", "********", "1.0E+00 1.0"):
        lines = [*rows[:50], spoiled if len(spoiled.split()) != 2 or "*" in spoiled else "1.0",
                 *rows[51:]]  # fmt: skip
        (tmp_path / "NiO_feff_Ni_K.txt").write_text("\n".join(lines))
        row, _ = only(import_tree(tmp_path))
        assert row["error_class"] == "truncated_output", spoiled


@pytest.mark.parametrize(
    ("name", "header", "word"),
    [
        ("Ni_K_edge_emission_feff.txt", "", "emission"),
        ("O_K_eels_feff.txt", "", "eels"),
        ("NiO_feff_Ni_K_XES.txt", "", "XES"),
        ("NiO_feff_Ni_K_rixs.txt", "", "rixs"),
        ("NiO_feff_Ni_K.txt", "# energy chi\n", "chi"),
        ("NiO_feff_Ni_K.txt", "# energy XMCD\n", "XMCD"),
    ],
)
def test_bare_tables_of_other_spectra_are_refused_by_name(tmp_path, name, header, word):
    (tmp_path / name).write_text(header + table(X, MU))
    row = import_tree(tmp_path).imports[0]
    assert row["error_class"] == "not_absorption"
    assert f"says {word}," in row["message"]


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("# energy(Ry) mu", 13.605693), ("# Energy [Ha]  mu", 27.211386), ("# E/keV mu", 1e3),
        ("# energy in Rydberg, mu", 13.605693), ("# energy (eV) mu", 1.0), ("# energy mu", 1.0),
        ("# energy(cm-1) mu", 0.0), ("# energy [nm] mu", 0.0),
    ],
)  # fmt: skip
def test_units_of_a_bare_table(tmp_path, header, factor):
    (tmp_path / "NiO_feff_Ni_K.txt").write_text(f"{header}\n{table(X / (factor or 1), MU)}")
    row = import_tree(tmp_path).imports[0]
    if factor:
        assert row["first_eV"] == pytest.approx(-20, abs=1e-3)
    else:
        assert row["error_class"] == "bad_output"


def test_files_that_nothing_recognises_are_counted_by_reason(tmp_path, capsys):
    from defectra.cli.main import main

    folder = tmp_path / "tree"
    shutil.copytree(DATA / "p04_vasp_core_hole/ok", folder / "run")
    (folder / "notes.txt").write_text("nothing\n")
    (folder / "empty.dat").write_text("")
    (folder / "old.tar.gz").write_bytes(gzip.compress(b"x" * 100))
    (folder / "image.png").write_bytes(bytes(range(32)) * 40)
    (folder / "cut.txt.gz").write_bytes(gzip.compress(b"text" * 1000)[:20])
    (folder / "link").symlink_to(folder / "notes.txt")
    (folder / "feff.inp").mkdir()
    assert main(["import", str(folder), "--out", str(tmp_path / "out")]) == 0
    reported = capsys.readouterr().out
    for reason in (
        "no reader knows it: 1",
        "empty: 1",
        "a packed folder: unpack it: 1",
        "binary: 1",
        "truncated output: 1",
        "a link, which is not followed: 1",
        "a structure: 1",
        "input or output of vasp: 1",
    ):
        assert f"passed over, {reason} file" in reported, reported
    assert (tmp_path / "out" / "passed_over.parquet").exists()
