"""Copies that file managers, editors and other systems leave beside a run."""

import shutil
from pathlib import Path

from defectra.engines.finished.importing import import_tree

DATA = Path(__file__).parent.parent / "data" / "reading"


def test_copies_of_a_run_are_no_further_runs(tmp_path):
    """Copies of file managers, backups of editors, line ends of Windows: one calculation."""
    shutil.copytree(DATA / "p10_feff_forms/inp_rmultiplier", tmp_path / "a")
    text = (tmp_path / "a/xmu.dat").read_text()
    for name in ("xmu - Copy.dat", "xmu (1).dat", "xmu.dat~", "xmu.dat.bak"):
        (tmp_path / "a" / name).write_text(text)
    (tmp_path / "a/._xmu.dat").write_bytes(b"\0\5\x16\7")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for path in (tmp_path / "b").glob("[!.]*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found = import_tree(tmp_path)
    assert (len(found.calculations), len(found.spectra)) == (1, 1)
    kept = [r["source"] for r in found.imports if not r["duplicate_of"]]
    assert kept == ["a/xmu.dat"]
    assert {r["duplicate_of"] for r in found.imports} == {"", "a/xmu.dat"}
    assert {r["calculation_id"] for r in found.imports} == set(found.calculations)
    reasons = [r["reason"] for r in found.passed_over]
    assert reasons.count("a backup copy; rename it if it is a run") == 6


def test_another_spectrum_without_input_is_no_copy(tmp_path):
    shutil.copytree(DATA / "p10_feff_forms/inp_rmultiplier", tmp_path / "a")
    text = (tmp_path / "a/xmu.dat").read_text()
    (tmp_path / "a/xmu (1).dat").write_text(text.replace("2.00000E-02", "2.10000E-02", 1))
    assert len(import_tree(tmp_path).spectra) == 2


def test_a_copied_input_of_xspectra_is_the_same_input(tmp_path):
    shutil.copytree(DATA / "p07_xspectra_L2_xe0", tmp_path / "r")
    shutil.copy(tmp_path / "r/x.in", tmp_path / "r/x (copy).in")
    found = import_tree(tmp_path)
    assert [c["edge"] for c in found.calculations.values()] == ["L2"]
