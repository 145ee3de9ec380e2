"""Files that were once read as something else: each gives its right value, or a refusal."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from in_one_call import read_file

from defectra.cli.main import main
from defectra.spectra import column_formula as formula
from defectra.spectra.column_names import Role, column
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.edges_seen import candidates, xray_names
from defectra.spectra.loss_factor import Geometry, geometries
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_binary import from_arrays, from_signals, library
from defectra.spectra.measured_columns import choice
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


# --- columns --------------------------------------------------------------------------------

ENERGY = np.concatenate([np.arange(8230.0, 8320, 5), np.arange(8320, 8500, 1)])
MU = 0.3 + 0.8 * (0.5 + np.arctan((ENERGY - 8345) / 1.5) / np.pi)
I0 = 1e5 + 300 * np.cos(ENERGY)


def write(path, columns, header="", fmt="%.6f", **kwargs):
    np.savetxt(path, np.column_stack(columns), fmt=fmt, header=header, comments="", **kwargs)
    return path


@pytest.mark.parametrize(
    ("name", "role", "unit"),
    [
        ("Energy (eV)", Role.ENERGY, "ev"),
        ("Photon_Energy_keV", Role.ENERGY, "kev"),
        ("1_Energy (keV)", Role.ENERGY, "kev"),
        ("E/eV", Role.ENERGY, "ev"),
        ("requested_energy", Role.NOMINAL, ""),
        ("Emission Energy (eV)", Role.OTHER_ENERGY, "ev"),
        ("Energy loss (eV)", Role.LOSS, "ev"),
        ("Energy (mm)", Role.OTHER_ENERGY, "mm"),
        ("mu(E)", Role.MU, ""),
        ("µ", Role.MU, ""),
        ("Norm. Absorption", Role.NORMALISED, ""),
        ("ln(I0/It)", Role.MU_TRANSMISSION, ""),
        ("-log( It / I0 )", Role.MU_TRANSMISSION, ""),
        ("mu = ln[I0/I1]", Role.MU_TRANSMISSION, ""),
        ("If/I0", Role.MU_FLUORESCENCE, ""),
        ("ln(It/Iref)", Role.REFERENCE, ""),
        ("ln(It/I0)", Role.UNKNOWN, ""),
        ("It/I0", Role.UNKNOWN, ""),
        ("I0/It", Role.UNKNOWN, ""),
        ("Intensity", Role.UNKNOWN, ""),
        ("transmission", Role.UNKNOWN, ""),
        ("I2", Role.REFERENCE, ""),
    ],
)
def test_names_say_what_a_column_is(name, role, unit):
    found = column(name)
    assert (found.role, found.unit) == (role, unit)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("# energy intensity", (ENERGY, MU)),
        ("# energy i0", (ENERGY, I0)),
        ("# energy i0 irefer", (ENERGY, I0, MU)),
        ("# energy ratio time", (ENERGY, MU, I0)),
        ("# energy i0 it", (ENERGY, MU)),
        ("# Mono Energy I0 It", (ENERGY, I0, I0 * np.exp(-MU), MU)),
        ("# energy I0 I0 It", (ENERGY, I0, I0 + 1, I0 * np.exp(-MU))),
        ("# theta mu", (ENERGY / 600, MU)),
        ("# k chi", (ENERGY / 1000, MU)),
        ("# emission_energy mu", (ENERGY, MU)),
    ],
)
def test_names_that_do_not_say_absorption_are_refused_with_a_way_to_choose(
    tmp_path, header, columns
):
    path = write(tmp_path / "a.dat", columns, header)
    with pytest.raises(SpectrumError, match="--columns energy=1 mu="):
        read_file(path)


def test_absorption_first_without_names_is_no_axis(tmp_path):
    noise = MU + 0.01 * np.sin(31 * ENERGY)
    with pytest.raises(SpectrumError, match="no names"):
        read_file(write(tmp_path / "a.dat", (noise, ENERGY)))


@pytest.mark.parametrize(
    ("columns", "unit"),
    [
        ("energy=E mu=ln(I0/It)", "eV"),
        ("energy=1 mu=-ln(It/I0)", "eV"),
        ("energy=E*1 mu=ln(col3/col4)", "eV"),
        ("energy=1 mu=log(I0)-log(It) unit=eV", "eV"),
    ],
)
def test_columns_can_be_chosen(tmp_path, capsys, columns, unit):
    path = write(tmp_path / "a.dat", (ENERGY, MU[::-1], I0, I0 * np.exp(-MU)), "E junk I0 It")
    found = read_file(path, choice(columns.split()))
    np.testing.assert_allclose(found.mu, MU, atol=1e-6)
    assert main(["look", "--columns", *columns.split(), str(path)]) == 0
    assert "Ni K" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("energy=1", "takes energy="),
        ("energy=1 mu=9", "no column 9"),
        ("energy=1 mu=ln(I0/Iz)", "no column is named Iz"),
        ("energy=1 mu=ln(I0/It", "not understood"),
        ("energy=1 mu=__import__('os')", "not understood"),
        ("energy=1 mu=" + "(" * 200 + "It" + ")" * 200, "formula of|brackets"),
        ("energy=1 mu=3+4", "names no column"),
        ("energy=1 nu=2 mu=2", "takes energy="),
    ],
)
def test_a_wrong_choice_is_reported(tmp_path, columns, expected):
    path = write(tmp_path / "a.dat", (ENERGY, I0, I0 * np.exp(-MU)), "E I0 It")
    with pytest.raises(SpectrumError, match=expected):
        read_file(path, choice(columns.split()))


def test_formulas_bind_as_in_mathematics():
    columns = {"a": np.array([2.0]), "b": np.array([4.0])}
    for text, want in (("a+b*a", 10), ("(a+b)*a", 12), ("-a-b/a", -4), ("ln(b)/ln(a)", 2),
                       ("log10(100*a/b)", np.log10(50)), ("2e1-.5*a", 19)):  # fmt: skip
        assert formula.value(formula.parse(text), columns.__getitem__) == pytest.approx(want)


def test_several_scans_are_reported_apart(tmp_path, capsys):
    one = "\n".join(f"{e:.2f} {m:.6f}" for e, m in zip(ENERGY, MU))
    two = "\n".join(f"{e:.2f} {m:.6f}" for e, m in zip(ENERGY, MU + 0.1))
    spec = tmp_path / "spec.dat"
    spec.write_text(f"#S 1 up\n#L Energy  mu\n{one}\n\n#S 2 again\n#L Energy  mu\n{two}\n")
    found = read_scans(spec)
    assert [m.label for m in found] == ["1 up", "2 again"]
    np.testing.assert_allclose(found[1].mu - found[0].mu, 0.1, atol=1e-6)
    with pytest.raises(SpectrumError, match=r"holds 2 spectra: 1 .1 up., 2 .*--scan 1"):
        read_measured(spec)
    assert read_measured(spec, scan="2").mu[0] == found[1].mu[0]
    assert main(["look", str(spec)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    back = tmp_path / "back.dat"  # there and back again
    back.write_text("# energy mu\n" + one + "\n" + "\n".join(two.split("\n")[::-1]))
    assert len(read_scans(back)) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8,333.00 1,234.5\n", "separators of thousands|no table"),
        ("8333;1.000,5\n", "separators of thousands|no table"),
        ("8333\t999\n8334\t1,001\n", "thousands or decimals"),
        ("8333 0,5\n8334 0.6\n", "no row of numbers|decimal"),
        ("8333 0.5\n8334 0.6\n8335 0.7x\n8336 0.8\n", "no row of numbers"),
    ],
)
def test_commas_that_may_be_anything_are_refused(tmp_path, text, expected):
    (tmp_path / "a.dat").write_text("energy mu\n" + text * 30)
    with pytest.raises(SpectrumError, match=expected):
        read_file(tmp_path / "a.dat")


# --- edges and normalisation -----------------------------------------------------------------


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


# --- projects and binaries -------------------------------------------------------------------


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


def test_a_second_absorption_and_an_edge_outside_the_scan_are_named(tmp_path):
    found = from_arrays("/e", {"energy": ENERGY, "mu": MU, "mu_2": MU}, {})
    assert "mu taken, mu_2 not" in found.notes
    text = project([("a", {"bkg_e0": "7112", "bkg_pre1": "-90", "bkg_pre2": "-30", "bkg_nnorm": "2",
                           "bkg_nor1": "50", "bkg_nor2": "150"}, ENERGY, MU)])  # fmt: skip
    (tmp_path / "a.prj").write_text(text)
    notes = normalise(read_scans(tmp_path / "a.prj")[0]).notes
    assert any("of the project not used" in n for n in notes)


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


def test_a_missing_library_is_named_with_its_extra():
    with pytest.raises(SpectrumError, match=r"NeXus: no_such_library .*defectra\[measured\]"):
        library("no_such_library", "NeXus")


@pytest.mark.parametrize(
    ("start", "expected"),
    [(b"PK\x03\x04", "Excel"), (b"%PDF-1.4", "PDF"), (b"II*\x00", "TIFF"), (b"BZh9", "packed")],
)
def test_other_formats_are_named(tmp_path, start, expected):
    (tmp_path / "a.dat").write_bytes(start + bytes(range(256)) * 8)
    with pytest.raises(SpectrumError, match=expected):
        read_file(tmp_path / "a.dat")


def test_every_public_image_of_a_microscope_is_no_spectrum(mirror):
    pytest.importorskip("rsciio", reason="extra `measured` is not installed")
    files = sorted((mirror / "imaging").rglob("*.dm3"))
    if not files:
        pytest.skip("no images in the mirror")
    for path in files:
        with pytest.raises(SpectrumError, match=r"no energy-loss spectrum, but .*512"):
            read_file(path)
