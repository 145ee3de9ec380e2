"""Athena projects and HDF5: their groups, stored ranges and arrays by name."""

import gzip
import json

import numpy as np
import pytest
from in_one_call import read_file
from made_scan import ENERGY, I0, MU

from defectra.cli.main import main
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_binary import from_arrays
from defectra.spectra.measured_formats import read_scans
from defectra.spectra.measured_spectrum import SpectrumError


def project(groups):
    lines = ["# Athena project file -- Demeter version 0.9.26"]
    for label, words, energy, mu in groups:
        args = ",".join(f"'{k}','{v}'" for k, v in {"label": label, **words}.items())
        lines += [f"$old_group = '{label[:2]}';", f"@args = ({args},'titles',['a','b']);"]
        lines += [f"@{n} = ({','.join(repr(str(v)) for v in a)});" for n, a in
                  (("x", energy), ("y", mu))]  # fmt: skip
        lines += ["[record]   # create object and set arrays in ifeffit", ""]
    return "\n".join(lines)


def test_an_athena_project_gives_its_groups_and_stored_ranges(tmp_path, capsys):
    words = {"bkg_z": "Ni", "fft_edge": "k", "bkg_e0": "8345", "bkg_eshift": "1.5",
             "bkg_pre1": "-100", "bkg_pre2": "-30", "bkg_nor1": "50", "bkg_nor2": "150",
             "bkg_nnorm": "2"}  # fmt: skip
    groups = [("Ni foil", words, ENERGY, MU), ("it\\'s two", {}, ENERGY, MU + 1)]
    path = tmp_path / "a.prj"
    path.write_bytes(gzip.compress(project(groups).encode()))
    found = read_scans(path)
    assert [m.label for m in found] == ["Ni foil", "it's two"]
    np.testing.assert_allclose(found[0].energy, ENERGY + 1.5)
    flat = normalise(found[0])
    assert flat.ranges == (-100.0, -30.0, 50.0, 150.0)
    assert flat.e0 == 8345.0  # stored on the shifted axis
    assert main(["look", str(path), "--scan", "Ni foil"]) == 0
    assert "Ni K" in capsys.readouterr().out


def test_a_project_in_json(tmp_path):
    record = {"args": {"label": "one", "bkg_z": "Ni"}, "x": list(map(str, ENERGY)), "y": list(MU)}
    data = {"_____header1": "# Athena project file -- Demeter version 0.9.26", "ab": record}
    path = tmp_path / "a.prj"
    path.write_text(json.dumps(data))
    np.testing.assert_allclose(read_file(path).mu, MU)


def test_perl_in_a_project_is_never_run(tmp_path):
    text = project([("a", {"label": "`touch /tmp/x`"}, ENERGY, MU)]) + "system('false');\n"
    (tmp_path / "a.prj").write_text(text)
    assert read_file(tmp_path / "a.prj").label == "`touch /tmp/x`"


def test_hdf5_by_the_names_of_its_datasets(tmp_path):
    h5py = pytest.importorskip("h5py", reason="extra `measured` is not installed")
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as handle:
        data = handle.create_group("entry/data")
        data["energy"] = ENERGY / 1000
        data["energy"].attrs["units"] = "keV"
        data["i0"], data["itrans"], data["time"] = I0, I0 * np.exp(-MU), I0
        other = handle.create_group("entry/other")
        other["energy"], other["roi"] = ENERGY, I0
        handle["entry/outside"] = h5py.ExternalLink("/etc/passwd", "/x")
    found = read_measured(path)
    np.testing.assert_allclose(found.energy, ENERGY)
    np.testing.assert_allclose(found.mu, MU, atol=1e-9)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(SpectrumError, match="HDF5: damaged"):
        read_measured(path)


def test_arrays_by_name_without_the_library():
    found = from_arrays("/entry", {"energy": ENERGY, "mutrans": MU, "image": np.zeros(3)}, {})
    np.testing.assert_array_equal(found.mu, MU)
    with pytest.raises(SpectrumError, match="--columns"):
        from_arrays("/entry", {"energy": ENERGY, "roi": MU}, {})


def test_a_second_absorption_and_an_edge_outside_the_scan_are_named(tmp_path):
    found = from_arrays("/e", {"energy": ENERGY, "mu": MU, "mu_2": MU}, {})
    assert "mu taken, mu_2 not" in found.notes
    text = project([("a", {"bkg_e0": "7112", "bkg_pre1": "-90", "bkg_pre2": "-30", "bkg_nnorm": "2",
                           "bkg_nor1": "50", "bkg_nor2": "150"}, ENERGY, MU)])  # fmt: skip
    (tmp_path / "a.prj").write_text(text)
    notes = normalise(read_scans(tmp_path / "a.prj")[0]).notes
    assert any("of the project not used" in n for n in notes)
