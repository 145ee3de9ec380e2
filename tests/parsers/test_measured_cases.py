"""Files that were once read as something else: each gives its right value, or a refusal."""

from pathlib import Path

import numpy as np
import pytest
from in_one_call import read_file
from made_scan import write

from defectra.cli.main import main
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.edges_seen import candidates, xray_names
from defectra.spectra.loss_factor import Geometry, geometries
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_binary import from_signals, library
from defectra.spectra.measured_formats import read_scans
from defectra.spectra.measured_spectrum import Measured, SpectrumError

CASES = Path(__file__).resolve().parents[1] / "data" / "measured"
NI = ("Ni K", 0.99)
READ = {
    "00_reference_ni/ref.dat": NI,
    "m01_spec_scan_L_line/scan.dat": NI,
    "m01_spec_scan_L_line/scan_kev.dat": NI,
    "m01_spec_scan_L_line/fluo_first.dat": ("Ni K", 0.09),
    "m02_names_with_units/scan.dat": NI,
    "m02_names_with_units/mu_third.dat": NI,
    "m02_names_with_units/fluo_first.dat": ("Ni K", 0.09),
    "m02_names_with_units/fluo_first_glitch.dat": ("Ni K", 0.09),
    "m04_decimal_comma/blank.dat": NI,
    "m04_decimal_comma/integers_comma_mu.dat": NI,
    "m04_decimal_comma/semicolon.csv": NI,
    "m04_decimal_comma/tab.txt": NI,
    "m04_decimal_comma/tab_noheader.txt": NI,
    "m04_decimal_comma/three.dat": NI,
    "m04_decimal_comma/planted_comma_both.dat": ("Ni K", 900),
    "m04_decimal_comma/planted_comma_integers.dat": ("Ni K", 0.9),
    "m06_encodings/cr_only.xdi": NI,
    "m06_encodings/utf16.txt": NI,
    "m07_xdi_columns/names_upper_with_unit.xdi": NI,
    "m10_binary_and_projects/own.prj": NI,
    "m11_oxide_edges_without_header/Fe2O3_FeK.dat": ("Fe K", 1.0),
    "m11_oxide_edges_without_header/LiNiO2_NiK.dat": NI,
    "m11_oxide_edges_without_header/NiO_NiK.dat": NI,
    "m11_oxide_edges_without_header/SnO2_SnL3.dat": ("Sn L3", 1.0),
}
REFUSED = {
    "m07_xdi_columns/angle.xdi": "spacing d of the monochromator",
    "m07_xdi_columns/irefer_only.xdi": "no column is named absorption",
    "m09_msa/EDS_eV.msa": r"X-ray emission \(EDS\), no energy loss",
    "m09_msa/EDS_keV.msa": r"X-ray emission \(EDS\), no energy loss",
    "m09_msa/EDS_window.msa": r"X-ray emission \(EDS\), no energy loss",
    "m09_msa/points_too_many_declared_fewer.msa": "NPOINTS says 352, there are 402",
    "m09_msa/stars_Y.msa": "no numbers",
    "m10_binary_and_projects/one_long_line.txt.gz": "no table of numbers",
    "m10_binary_and_projects/noise.dm3": "Gatan dm3",
}


@pytest.mark.parametrize("name", READ)
def test_read_rightly(name):
    edge, step = READ[name]
    found = read_measured(CASES / name)
    assert edge in xray_names(found)
    assert normalise(found).step == pytest.approx(step, rel=0.02)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name):
    with pytest.raises(SpectrumError, match=REFUSED[name]):
        read_measured(CASES / name)


@pytest.mark.parametrize("name", ["D_exponent_Y", "decimal_comma_Y", "decimal_comma_XY", "ok_Y"])
def test_energy_loss_in_any_notation(name):
    plain = read_file(CASES / "m09_msa/ok_Y.msa")
    found = read_file(CASES / f"m09_msa/{name}.msa")
    np.testing.assert_allclose(found.energy, plain.energy)
    np.testing.assert_allclose(found.mu, plain.mu, rtol=2e-4)


def test_one_bad_file_never_ends_a_batch(capsys):
    files = [str(p) for p in sorted(CASES.rglob("*")) if p.is_file() and p.name != "README"]
    assert main(["look", *files, "no such file"]) == 1
    reported = capsys.readouterr().out.splitlines()
    assert len(reported) == len(files) + 1
    assert sum("refused" in line for line in reported) == len(REFUSED) + 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("#CHOFFSET    : -1400", ""),  # zero loss lies 1400 channels of 0.5 eV before the first
        ("#CHOFFSET    : 1400", ""),
        ("#CHOFFSET    : 0", ""),
        ("#CHOFFSET    : 64", "CHOFFSET 64"),
        ("#YUNITS      : Log(Counts)", "no counts"),
        ("#XLABEL      : X-ray Energy", "no energy loss"),
        ("#XLABEL      : Energy Loss", ""),
        ("#XUNITS      : Energy Loss (eV)", ""),  # ISO 22029:2022
        ("#XUNITS      : X-ray Energy (eV)", "no energy loss"),
        ("#XUNITS      : Channel (No.)", "'no.' is no energy"),
    ],
)
def test_what_the_head_of_an_msa_file_says_against_itself(tmp_path, words, reason):
    counts = 1e4 + 5e3 * (np.arange(400) > 100)
    head = ["#FORMAT      : EMSA/MAS Spectral Data File", "#NPOINTS     : 400", "#XUNITS      : eV",
            "#DATATYPE    : Y", "#XPERCHAN    : 0.5", "#OFFSET      : 700.0"]  # fmt: skip
    head += [words] if "XLABEL" in words else [words, "#SIGNALTYPE  : ELS"]
    body = [f"{v:.1f}," for v in counts]
    path = tmp_path / "a.msa"
    path.write_text("\n".join([*head, "#SPECTRUM    :", *body, "#ENDOFDATA   :", ""]))
    if not reason:
        assert len(read_scans(path)[0].energy) == 400
        return
    with pytest.raises(SpectrumError, match=reason):
        read_scans(path)


@pytest.mark.parametrize(
    ("start", "expected"),
    [(b"PK\x03\x04", "Excel"), (b"%PDF-1.4", "PDF"), (b"II*\x00", "TIFF"), (b"BZh9", "packed")],
)
def test_other_formats_are_named(tmp_path, start, expected):
    (tmp_path / "a.dat").write_bytes(start + bytes(range(256)) * 8)
    with pytest.raises(SpectrumError, match=expected):
        read_file(tmp_path / "a.dat")


def test_gatan_spectra_and_images():
    axis = {"offset": 700.0, "scale": 0.5, "units": "eV"}
    loss = {
        "axes": [axis],
        "data": np.arange(400.0),
        "metadata": {
            "Signal": {"signal_type": "EELS"},
            "Acquisition_instrument": {
                "TEM": {"beam_energy": 200.0, "Detector": {"EELS": {"collection_angle": 15.0}}}
            },
        },
    }
    image = {"axes": [axis, axis], "data": np.zeros((4, 4)), "metadata": {}}
    (found,) = from_signals([image, loss], "Gatan dm3")
    assert (found.kind, found.energy[2]) == ("counts", 701.0)
    assert geometries(found) == (Geometry(200e3, 0.015),)
    with pytest.raises(SpectrumError, match="4 x 4"):
        from_signals([image], "Gatan dm3")


def test_every_public_image_of_a_microscope_is_no_spectrum(mirror):
    pytest.importorskip("rsciio", reason="extra `measured` is not installed")
    files = sorted((mirror / "imaging").rglob("*.dm3"))
    if not files:
        pytest.skip("no images in the mirror")
    for path in files:
        with pytest.raises(SpectrumError, match=r"no energy-loss spectrum, but .*512"):
            read_file(path)


def test_a_missing_library_is_named_with_its_extra():
    with pytest.raises(SpectrumError, match=r"NeXus: no_such_library .*defectra\[measured\]"):
        library("no_such_library", "NeXus")


def edge(e0, width=1.5, before=150, after=700):
    energy = np.concatenate([np.arange(e0 - before, e0 - 20, 5), np.arange(e0 - 20, e0 + 60, 0.5),
                             np.arange(e0 + 60, e0 + after, 4)])  # fmt: skip
    x = energy - e0
    return Measured(energy, 0.5 + np.arctan(x / width) / np.pi + 0.5 * np.exp(-((x - 4) ** 2) / 8))


@pytest.mark.parametrize(
    ("rises", "name"),
    [(7112.0, "Fe K"), (7125.5, "Fe K"), (8333.0, "Ni K"), (8346.5, "Ni K"), (6552.0, "Mn K"),
     (4980.0, "Ti K"), (7722.0, "Co K"), (8983.0, "Cu K"), (11921.0, "Au L3"), (11872.0, "As K"),
     (3934.0, "Sn L3"), (5477.5, "V K"), (13038.0, "Pb L3"), (25518.0, "Ag K")],
)  # fmt: skip
def test_edges_by_energy_shift_and_step(rises, name):
    found = candidates(edge(rises))
    assert name in [c.name for c in found]
    if found[0].share > 0.85:
        assert found[0].name == name


def test_an_edge_that_stays_open_is_reported_with_its_candidates():
    assert " or " in xray_names(edge(5479.0))  # V K of an oxide, or La L3 5 eV too low
    assert xray_names(edge(5990.0)).split(" or ")[0] == "Cr K"


def test_a_long_scan_is_normalised_within_a_window(tmp_path):
    energy = np.concatenate([np.arange(8786, 8960, 5.0), np.arange(8960, 11400, 2.0)])
    x = energy - 8979
    mu = 1.0 - 8e-4 * x + 3e-7 * x**2 + 2.3 * np.exp(-x / 2500) * (0.5 + np.arctan(x) / np.pi)
    found = read_measured(write(tmp_path / "a.dat", (energy, mu), "# energy mu"))
    flat = normalise(found)
    assert flat.step == pytest.approx(2.3, rel=0.05)
    assert flat.energy[-1] < 9800
    assert "cut at" in flat.notes[0]
