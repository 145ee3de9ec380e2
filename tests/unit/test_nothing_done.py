"""Programs that did nothing say so, and end with another code than 0."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.pages import levels_results, nmc_measured, nmc_results
from benchmarks.rows import tables_below
from defectra.campaign import fit_costs, measured_costs, worker
from defectra.cli.main import main
from defectra.core.errors import TableError
from defectra.core.paths import PROJECT
from defectra.studies.levels import vasp_inputs

DATA = Path(__file__).resolve().parents[1] / "data"


def called(monkeypatch, capsys, program, *words):
    """Exit code of a program, and what it says."""
    monkeypatch.setattr(sys, "argv", ["program", *map(str, words)])
    code = program()
    return code, capsys.readouterr().err.rstrip()


def test_an_import_of_runs_that_all_failed_is_1(tmp_path, capsys):
    whole = (DATA / "feff_lco/xmu.dat").read_bytes()
    for number in (1, 2):
        (tmp_path / f"runs/{number}").mkdir(parents=True)
        (tmp_path / f"runs/{number}/xmu.dat").write_bytes(whole[:600])
    words = ["import", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    assert "2 runs, 0 spectra" in capsys.readouterr().out
    shutil.copytree(DATA / "feff_lco", tmp_path / "runs/whole")
    assert main(words) == 0
    assert "3 runs, 1 spectrum" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["finish", "none"], "none: no such folder"),
        (["finish", "empty"], "empty: no INCAR of a charged cell below it"),
    ],
)
def test_inputs_of_vasp_that_are_not_there(tmp_path, monkeypatch, capsys, words, says):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    code, said = called(monkeypatch, capsys, vasp_inputs.main, *words)
    assert code == 1
    assert said.startswith(says)


def test_costs_of_nothing_leave_the_laws(tmp_path, monkeypatch, capsys):
    none, laws = tmp_path / "none", tmp_path / "costs.yaml"
    laws.write_text("mine")
    code, said = called(monkeypatch, capsys, measured_costs.main, "nmc", "--store", none)
    assert (code, said) == (1, f"--store {none}: no such folder")
    code, said = called(monkeypatch, capsys, fit_costs.main, "--archive", none, "--out", laws)
    assert (code, said) == (1, f"{none}: no calculation in this archive: no law is fitted")
    assert laws.read_text() == "mine"


def test_measured_costs_without_a_new_law_are_1(monkeypatch, capsys):
    monkeypatch.setattr(measured_costs, "measured_runs", lambda *_: iter(()))
    monkeypatch.setattr(measured_costs, "ledger_of", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["program", "nmc"])
    assert measured_costs.main() == 1
    assert "nothing is written: of 0 calculations of study nmc" in capsys.readouterr().out


@pytest.mark.parametrize("chunk", ["zzz", "nmc-zz", "nmc-99", "levels-00", "nmc-0"])
def test_a_chunk_that_is_none_of_the_study_is_refused(tmp_path, monkeypatch, capsys, chunk):
    words = ("nmc", "--chunk", chunk, "--store", tmp_path, "--config", PROJECT / "config/tiny.yaml")
    code, said = called(monkeypatch, capsys, worker.main, *words)
    assert code == 1
    assert said.startswith(f"--chunk {chunk}: no chunk of study nmc, which are nmc-00")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", [nmc_results.main, nmc_measured.main])
def test_pages_keep_their_tables_where_there_are_no_results(tmp_path, monkeypatch, capsys, program):
    pages = {path: path.read_bytes() for path in (PROJECT / "docs").glob("*.md")}
    monkeypatch.chdir(tmp_path)
    code, said = called(monkeypatch, capsys, program, "nodir", "write")
    assert (code, said) == (1, "nodir/nmc: no such folder; a run of the study makes it")
    assert {path: path.read_bytes() for path in pages} == pages


def test_levels_are_told_of_results_alone(tmp_path):
    for words in (["write", str(tmp_path / "no")], [str(tmp_path / "no")]):
        with pytest.raises(TableError, match="no such folder"):
            levels_results.main(words)
    with pytest.raises(TableError, match=r"metrics\.csv: no such file"):
        levels_results.main(["write", str(tmp_path)])
    assert tables_below(tmp_path) == tmp_path
