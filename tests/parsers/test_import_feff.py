"""`defectra import` of FEFF runs: renamed, packed, half-copied, moved, and those of OmniXAS."""

import gzip
import io
import shutil
import tarfile

import pytest
from made_runs import LCO, only

from defectra.engines.finished.importing import import_tree


def test_own_feff_output_alone(tmp_path):
    shutil.copytree(LCO, tmp_path / "run")
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], calculation["edge"]) == ("O", "K")
    assert calculation["engine_version"] == "FEFF 10.0.0"
    assert (calculation["status"], calculation["origin"]) == ("ok", "parsed")
    assert calculation["multiplicity"] is None
    assert "no structure file" in row["paired_by"]


def test_renamed_gzipped_and_copied_twice(tmp_path):
    folder = tmp_path / "old" / "stuff"
    folder.mkdir(parents=True)
    data = (LCO / "xmu.dat").read_bytes()
    (folder / "spectrum_17.txt.gz").write_bytes(gzip.compress(data))
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "xmu.dat").write_bytes(data)
    found = import_tree(tmp_path)
    assert len(found.imports) == 2
    assert len(found.calculations) == len(found.spectra) == 1
    assert found.imports[1]["duplicate_of"] == found.imports[0]["source"]
    assert found.imports[0]["error_class"] == "convergence_unknown"


@pytest.mark.parametrize("how", ["half", "empty", "cut_gzip", "input_only"])
def test_half_copied_runs_are_rows_with_a_reason(tmp_path, how):
    data = (LCO / "xmu.dat").read_bytes()
    if how == "input_only":
        (tmp_path / "feff.inp").write_text("EDGE K\nSCF 3\nATOMS\n")
    elif how == "cut_gzip":
        (tmp_path / "xmu.dat.gz").write_bytes(gzip.compress(data)[:700])
    else:
        (tmp_path / "xmu.dat").write_bytes(data[: len(data) // 2] if how == "half" else b"")
    row, calculation = only(import_tree(tmp_path))
    wanted = "not_finished" if how == "input_only" else "truncated_output"
    assert (row["status"], row["error_class"]) == ("failed", wanted)
    assert calculation["status"] == "failed"
    assert row["message"]


@pytest.fixture(scope="module")
def omnixas(mirror, tmp_path_factory):
    """Two materials of OmniXAS as they lie there, and one feff.inp."""
    base = mirror / "spectra/omnixas/feff_raw"
    if not base.is_dir():
        pytest.skip("no OmniXAS runs in the mirror")
    root = tmp_path_factory.mktemp("omnixas")
    wanted = ("mp-1005792", "mp-1021507", "mp-1035395")
    for name in ("Cu_FEFF_xmu_POSCAR.tar.xz", "Cu_FEFF_feffinp_sample.tar.xz"):
        with tarfile.open(base / name) as archive:
            for member in archive:
                if any(f"/{w}/" in member.name for w in wanted):
                    archive.extract(member, root, filter="data")
                elif "mp-104" in member.name and "feffinp" not in name:
                    break
    return root / "tutorial_omnixas/FEFF/Cu"


def test_real_runs_are_paired_with_structure_and_site(omnixas):
    found = import_tree(omnixas / "mp-1021507")
    assert [r["site_index"] for r in found.imports] == [3, 4, 5]
    assert len(found.structures) == len(found.geometries) == 1
    for row in found.imports:
        calculation = found.calculations[row["calculation_id"]]
        assert (calculation["element"], calculation["edge"]) == ("Cu", "K")
        assert calculation["multiplicity"] >= 1
        assert calculation["geometry_id"] in found.geometries
        assert 8970 < calculation["edge_eV"] < 9000
        assert found.spectra[row["calculation_id"]]["edge_step"] > 0


def test_moved_beside_another_material_is_not_paired_with_it(omnixas, tmp_path):
    shutil.copytree(omnixas / "mp-1021507", tmp_path / "a")
    shutil.copy(omnixas / "mp-1005792" / "POSCAR", tmp_path / "a" / "POSCAR")
    rows = import_tree(tmp_path).imports
    assert len(rows) == 3
    for row in rows:
        assert row["site_index"] is None
        assert "POSCAR: has" in row["paired_by"]
        assert row["status"] == "unconverged"


def test_surroundings_tell_the_site_whatever_the_folder_is_called(omnixas, tmp_path):
    real = omnixas / "mp-1035395/FEFF-XANES/015_Cu"
    shutil.copytree(real, tmp_path / "x")
    row, _ = only(import_tree(tmp_path))
    if (real / "xmu.dat").exists():
        assert row["site_index"] == 15
        assert "surroundings" in row["paired_by"]
    else:
        assert row["error_class"] == "not_finished"


def test_files_of_two_runs_in_one_folder_are_refused(omnixas, tmp_path):
    shutil.copy(LCO / "xmu.dat", tmp_path / "xmu.dat")
    source = omnixas / "mp-1035395/FEFF-XANES/015_Cu/feff.inp"
    shutil.copy(source, tmp_path / "feff.inp")
    assert only(import_tree(tmp_path))[0]["error_class"] == "mixed_files"


def test_half_a_real_archive_member(mirror, tmp_path):
    path = mirror / "spectra/omnixas/feff_raw/Cu_FEFF_xmu_POSCAR.tar.xz"
    if not path.exists():
        pytest.skip("no OmniXAS runs in the mirror")
    with tarfile.open(path) as archive:
        member = next(m for m in archive if m.name.endswith("xmu.dat"))
        source = archive.extractfile(member)
        assert source is not None
        data = io.BytesIO(source.read()).getvalue()
    for share in (0.2, 0.5, 0.9):
        (tmp_path / "xmu.dat").write_bytes(data[: int(len(data) * share)])
        assert only(import_tree(tmp_path))[0]["error_class"] in ("truncated_output", "bad_output")
