"""No command writes over what it reads, or a kind of file that its name does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from defectra.cli.main import main
from defectra.core.errors import StoreError, TableError
from defectra.core.outputs import check_out
from defectra.core.records import CALCULATIONS, SPECTRA
from defectra.core.store import read_table, write_table
from defectra.structures import make

RUNS = Path(__file__).resolve().parents[1] / "data/reading/p01_feff_target_in_cif"
SALT = "prototype: rocksalt\nconstants: {a: 5.6}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["a.csv", "./a.csv", "sub/../a.csv", "soft.csv", "hard.csv"])
def test_a_file_is_known_by_any_of_its_names(here, name):
    (here / "sub").mkdir()
    (here / "a.csv").write_text("x")
    (here / "soft.csv").symlink_to("a.csv")
    (here / "hard.csv").hardlink_to(here / "a.csv")
    with pytest.raises(StoreError, match="is read by this command"):
        check_out(Path(name), [here / "a.csv"], (".csv",))


def test_other_files_are_written_and_endings_are_heeded(here):
    (here / "a.csv").write_text("x")
    check_out(Path("b.csv"), [Path("a.csv"), Path("none.csv")], (".csv",))
    check_out(Path("b.CSV"), (), (".csv",))
    with pytest.raises(StoreError, match=r"b\.txt: what is written here ends with \.csv or \.dat"):
        check_out(Path("b.txt"), (), (".csv", ".dat"))
    with pytest.raises(StoreError, match="a folder; name a file in it"):
        check_out(here, (), (".csv",))
    with pytest.raises(StoreError, match="is read"):
        check_out(Path("none.csv"), [here / "none.csv"])


def refused(capsys, *words):
    """What is printed of a command that is refused."""
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_training_and_tables_leave_their_inputs(here, capsys):
    text = "a,b,g\n1,2,x\n2,3,y\n"
    (here / "t.csv").write_text(text)
    (here / "m.npz").symlink_to("t.csv")
    asked = ("train", "t.csv", "--target", "a", "--group", "g", "--out")
    assert "ends with .npz" in refused(capsys, *asked, "t.csv")
    assert "is read by this command (t.csv)" in refused(capsys, *asked, "m.npz")
    assert main(["import", str(RUNS), "--out", "tables"]) == 0
    before = {path: path.read_bytes() for path in Path("tables").iterdir()}
    assert "ends with .parquet" in refused(capsys, "table", "tables", "--out", "x.csv")
    for name in ("spectra", "imports"):
        out = f"tables/../tables/{name}.parquet"
        assert "would be overwritten" in refused(capsys, "table", "tables", "--out", out)
    assert "no Parquet file" in refused(
        capsys, "table", "tables", "--structures", "t.csv", "--out", "x.parquet"
    )
    for _ in range(2):  # its own table of before is not one that it reads
        assert main(["table", "tables", "--out", "tables/mine.parquet"]) == 0
    assert all(path.read_bytes() == data for path, data in before.items())
    assert (here / "t.csv").read_text() == text


def test_cells_leave_the_request_and_its_crystal(here, capsys):
    (here / "r.yaml").write_text(SALT)
    assert main(["structures", "r.yaml", "--out", "salt.xyz", "cells.parquet"]) == 0
    crystal = (here / "salt.xyz").read_bytes()
    (here / "own.yaml").write_text("file: salt.xyz\n")
    said = refused(capsys, "structures", "own.yaml", "--out", "a.db", "./salt.xyz")
    assert "is read by this command (salt.xyz)" in said
    assert "is read by this command" in refused(capsys, "structures", "r.yaml", "--out", "r.yaml")
    assert make.main(["r.yaml", "r.yaml"]) == 1
    assert "ends with .parquet" in capsys.readouterr().err
    (here / "r.parquet").symlink_to("r.yaml")
    assert make.main(["r.yaml", "r.parquet"]) == 1
    assert "is read by this command" in capsys.readouterr().err
    assert (here / "salt.xyz").read_bytes() == crystal
    assert (here / "r.yaml").read_text() == SALT
    assert not (here / "a.db").exists()


def test_a_run_leaves_a_structure_in_its_own_folder(here, capsys):
    (here / "r.yaml").write_text(SALT.replace("5.6", "4.2, cation: Ni, anion: O"))
    assert main(["structures", "r.yaml", "--out", "cif/*.cif"]) == 0
    (cell,) = Path("cif").iterdir()
    asked = ("--edge", "O K", "--write", "--out", "runs")
    assert main(["run", "feff", str(cell), *asked]) == 0
    (folder,) = (p for p in Path("runs").iterdir() if p.name.startswith("feff-"))
    inside = cell.rename(folder / "feff.cif")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert "which this run writes" in refused(capsys, "run", "feff", inside, *asked)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("mine.csv", b"a,b\n1,2\n", r"mine\.csv: no Parquet file"),
        ("results/own/mine.csv", b"a,b\n1,2\n", r"mine\.csv: no Parquet file"),
        ("mine.parquet", b"PAR1", "damaged Parquet file .*; no run made it: name another"),
        ("results/x/calculations.parquet", b"PAR1", "damaged Parquet file .*; delete it and rerun"),
    ],
)
def test_only_what_a_run_made_is_to_be_deleted(here, name, data, says):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(data)
    with pytest.raises(TableError, match=says) as error:
        read_table(name, CALCULATIONS)
    assert ("delete" in str(error.value)) == ("calculations" in name)


def test_a_table_in_another_place_is_still_read(here):
    write_table("mine.parquet", [], SPECTRA)
    assert read_table("mine.parquet", SPECTRA) == []
