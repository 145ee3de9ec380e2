"""Cells in the formats of the field, read back by the programs that others read them with."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from ase.db import connect
from ase.io import read
from pymatgen.core import Structure

from defectra.cli.main import main
from defectra.structures import request, table
from defectra.structures.exchange import read_cells
from defectra.structures.geometry import to_pymatgen

REQUEST = """prototype: zincblende
constants: {a: 6.48, cation: Cd, anion: Te}
supercell: {matrix: [2, 2, 2]}
defects: [V_Cd, Cu_Cd]
charges: [-1]
"""
DIGITS = "1234567890123456"  # an identity that could be read as a number


@pytest.fixture
def cells(tmp_path):
    """A table of three cells."""
    path = tmp_path / "request.yaml"
    path.write_text(REQUEST)
    rows = request.rows(request.load(path))
    rows[0] |= {"structure_id": DIGITS, "parent_id": DIGITS, "family": DIGITS}
    table.write(tmp_path / "cells.parquet", rows)
    return tmp_path / "cells.parquet"


def called(capsys, *words):
    code = main(["structures", *map(str, words)])
    return code, capsys.readouterr()


def is_same(structure, row):
    """Equal cell, species and places (Å, across the borders of the cell)."""
    own = to_pymatgen(row)
    assert np.allclose(structure.lattice.matrix, own.lattice.matrix, atol=1e-6)
    assert [str(s) for s in structure.species] == [str(s) for s in own.species]
    away = structure.frac_coords - own.frac_coords
    return np.allclose(away, np.round(away), atol=1e-6)


def of_atoms(atoms):
    return Structure(atoms.cell[:], atoms.get_chemical_symbols(), atoms.get_scaled_positions())


@pytest.mark.parametrize("name", ["cells.extxyz", "cells.xyz", "cells.db"])
def test_one_file_of_all_cells_is_read_back_by_ase(cells, tmp_path, capsys, name):
    out = tmp_path / name
    assert called(capsys, cells, "--out", out)[0] == 0
    if name.endswith("db"):
        with connect(out) as database:
            found = [row.toatoms(add_additional_information=True) for row in database.select()]
    else:
        found = read(out, index=":", format="extxyz")
    rows = read_cells(cells)
    assert len(found) == len(rows) == 3
    for atoms, row in zip(found, rows):
        assert is_same(of_atoms(atoms), row)
        info = atoms.info.get("key_value_pairs", atoms.info)
        assert info["structure_id"] == f"id_{row['structure_id']}"
        assert info["defect"] == row["defect"]
        assert list(atoms.arrays.get("site_labels", row["site_labels"])) == row["site_labels"]


def test_database_can_be_asked(cells, tmp_path, capsys):
    called(capsys, cells, "--out", tmp_path / "a.db")
    with connect(tmp_path / "a.db") as database:
        assert database.count(defect="V_Cd", net_charge=-1) == 1
        (one,) = database.select(structure_id=f"id_{DIGITS}")
        assert one.data["structure_id"] == DIGITS
        assert one.data["multiplicity"] == read_cells(cells)[0]["multiplicity"]


@pytest.mark.parametrize("ending", ["cif", "vasp"])
def test_a_file_for_each_cell_is_read_back_by_pymatgen(cells, tmp_path, capsys, ending):
    folder = tmp_path / "cells"
    assert called(capsys, cells, "--out", folder / f"*.{ending}")[0] == 0
    rows = {row["structure_id"]: row for row in read_cells(cells)}
    assert {path.stem for path in folder.iterdir()} == set(rows)
    for path in folder.iterdir():
        text = path.read_text()
        found = Structure.from_str(text, fmt="cif" if ending == "cif" else "poscar")
        own = to_pymatgen(rows[path.stem])
        assert found.composition == own.composition
        assert found.lattice.volume == pytest.approx(own.lattice.volume, rel=1e-5)
        assert found.get_sorted_structure().matches(own.get_sorted_structure())


def test_request_is_made_and_some_are_chosen(cells, tmp_path, capsys):
    assert called(capsys, tmp_path / "request.yaml", "--out", tmp_path / "own.parquet")[0] == 0
    assert len(read_cells(tmp_path / "own.parquet")) == 3
    code, said = called(capsys, cells, "--only", DIGITS[:8], "--out", tmp_path / "one.extxyz")
    assert (code, len(read(tmp_path / "one.extxyz", index=":"))) == (0, 1)
    assert "1 cells" in said.out


@pytest.mark.parametrize(
    ("source", "words", "says"),
    [
        ("cells.parquet", ["--out", "a.extxzy"], "did you mean '.extxyz'?"),
        ("cells.parquet", ["--out", "a.xyz", "--only", "zz"], "begins with 'zz'"),
        ("cells.parquet", ["--out", "a.parquet"], "a table already"),
        ("none.parquet", ["--out", "a.xyz"], "no such table"),
        ("request.parquet", ["--out", "a.xyz"], "no Parquet table"),
        ("none.yaml", ["--out", "a.xyz"], "no such file"),
        ("request.yaml", ["--out", "a.xls"], "write NAME.parquet, NAME.extxyz, NAME.xyz, NAME.db"),
        ("cells.parquet", ["--out", "a.xyz", "a.xls"], "write NAME.extxyz, NAME.xyz, NAME.db"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(cells, tmp_path, capsys, source, words, says):
    (tmp_path / "request.parquet").write_text(REQUEST)
    code, said = called(capsys, tmp_path / source, *words)
    assert code == 2
    assert says in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "a.xyz").exists()


def test_a_disk_that_refuses_a_database_is_named(cells, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("ase.db.connect", full)
    code, said = called(capsys, cells, "--out", tmp_path / "a.db")
    assert code == 2
    assert "a.db: cannot be written (database or disk is full); make room" in said.err
