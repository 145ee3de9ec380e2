"""Headers of further beamlines: names, instruments and units; an edge step with its interval."""

import numpy as np
import pytest
from in_one_call import read_file

from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured import description
from defectra.spectra.measured_spectrum import Measured, SpectrumError, cleaned

E = np.concatenate([np.arange(8230, 8320, 10.0), np.arange(8320, 8420, 2.0),
                    np.arange(8420, 8700, 10.0)])  # fmt: skip
X = E - 8345.0
MU = 0.3 + 0.8 * (0.5 + np.arctan(X / 1.5) / np.pi)
I0 = 1e5 + 300 * np.cos(X / 11)
IT = I0 * np.exp(-MU)
IF = I0 * 0.1 * MU
BRAGG = np.degrees(np.arcsin(12398.419843 / (2 * 3.13551 * E)))
REF = np.log(IT / (IT * np.exp(-0.4 * MU[::-1])))


def written(folder, head, *columns):
    path = folder / "a.dat"
    rows = "\n".join(" ".join(f"{v:.9f}" for v in row) for row in zip(*columns))
    path.write_text(f"{head}\n{rows}\n")
    return path


@pytest.mark.parametrize(
    ("head", "columns", "wanted"),
    [
        ("# qexafs_energy I0 It Iref lnI0It lnItIref", (E, I0, IT, IT, MU, REF), MU),
        ("# qexafs_energy I0 It FF FFI0", (E, I0, IT, IF, IF / I0), IF / I0),
        ("# E_Mono I0 I1", (E, I0, IT), MU),
        ("#S 1 ascan\n#L energyKeV  ic0  ic1", (E / 1000, I0, IT), MU),
        ("# theta energy I0 It", (12398.4 / E, E, I0, IT), MU),
        ("# energy background mu", (E, MU * 0.2, MU), MU),
        ("# energy pre_edge norm flat", (E, MU * 0.2, MU, MU), MU),
        ("# energy std mu", (E, MU * 0.01, MU), MU),
        ("# energy I0 It If", (E, I0, IT, IF), MU),
        ("# mu Energy", (MU, E), MU),
        ("# energy i0 it\n# eV nA nA", (E, I0, IT), MU),
        ("# Energy  I0  I1\n# keV cts cts", (E / 1000, I0, IT), MU),
        ("# Energy angle mu\n# eV deg a.u.", (E, X, MU), MU),
        ("# energy normtrans", (E, MU), MU),
        ("FDMNES\n    energy     <xanes>", (E, MU), MU),
        ("# Energy <I0> <It>\n# <eV> <cts> <cts>", (E, I0, IT), MU),
        ("# energy normrefer normfluor", (E, REF, MU), MU),
        ("# energy i0 it", (E, -I0, -IT), MU),
        ("# Mono(eV) I0 It", (E, I0, IT), MU),
        ("# energy_enc i0 i1", (E, I0, IT), MU),
        ("# Mono Energy (alt)  I0  It", (E, I0, IT), MU),
        ("# Energy:sp Energy:fbk I0 I1", (E + 0.3, E, I0, IT), MU),
        ("# Energy(eV) mononrg(eV) I0 I1", (E, E + 0.01, I0, IT), MU),
        ("# d-spacing: 3.13551\n# bragg mu", (BRAGG, MU), MU),
        ("# Mono: Si(111) D= 3.13551 A\n# twotheta mu", (2 * BRAGG, MU), MU),
        ("# d_spacing = 3.13551\n# theta(mrad) mu", (np.radians(BRAGG) * 1e3, MU), MU),
        ("Data:\nReal time clock\nAchieved Energy\nI0\nI1", (E * 0 + 1, E, I0, IT), MU),
        ("Weights:\n 1. 1. 1.\nOffsets:\n 0. 2. 3.\nData:\nEnergy\nI0\nI1", (E, I0, IT), MU),
    ],
)
def test_names_of_beamlines(tmp_path, head, columns, wanted):
    found = cleaned(read_file(written(tmp_path, head, *columns)))
    np.testing.assert_allclose(found.energy, E, atol=1e-3)
    np.testing.assert_allclose(found.mu, wanted, rtol=1e-5)


@pytest.mark.parametrize("head", ["# Energy\tIo\t\tTEY\t\tIt", "# energy\t\tI0\t\tTEY\t\tIt", ""])
def test_tabs_that_are_doubled_in_every_row_count_once(tmp_path, head):
    columns = (E, I0, 0 * E, IT) if head else (E, MU)
    path = tmp_path / "a.dat"
    rows = ["\t\t".join(f"{v:.6f}" for v in row) for row in zip(*columns)]
    path.write_text("\r\n".join([head, *rows, ""]))
    found = cleaned(read_file(path))
    np.testing.assert_allclose(found.energy, E, atol=1e-5)
    np.testing.assert_allclose(found.mu, MU, rtol=1e-4)
    rows[30] = rows[30].replace("\t\t", "\t", 1)  # a cell of one row was lost
    path.write_text("\n".join([head, *rows, ""]))
    with pytest.raises(SpectrumError):
        read_file(path)


def test_an_empty_column_that_has_a_name_keeps_its_place(tmp_path):
    path = tmp_path / "a.dat"
    rows = [f"{e:.6f}\t\t{a:.6f}\t{b:.6f}" for e, a, b in zip(E, I0, IT)]
    path.write_text("\n".join(["energy\tcurrent\tI0\tIt", *rows, ""]))
    np.testing.assert_allclose(read_file(path).mu, MU, rtol=1e-4)


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
@pytest.mark.parametrize("clock", ["02:28:{:02d}", "1:07:{:02d}.25 PM"])
def test_a_column_of_clock_times_is_passed_over(tmp_path, separator, clock):
    path = tmp_path / "a.dat"
    rows = [separator.join([clock.format(k % 60), f"{e:.6f}", f"{a:.6f}", f"{b:.6f}"])
            for k, (e, a, b) in enumerate(zip(E, I0, IT))]  # fmt: skip
    names = ("Time of Day", "Energy", "I0", "It")
    path.write_text("\n".join(["Date: 3/13/2020", separator.join(names), *rows, ""]))
    found = cleaned(read_file(path))
    np.testing.assert_allclose(found.energy, E, atol=1e-5)
    np.testing.assert_allclose(found.mu, MU, rtol=1e-4)
    path.write_text("\n".join([separator.join(("Energy", "t", "I0", "It")), *rows, ""]))
    with pytest.raises(SpectrumError, match="no energy has a value"):
        cleaned(read_file(path))  # clock times are no energies


def test_what_athena_exports_as_normalised_is_read(tmp_path):
    flat = MU + 1e-4 * np.clip(X, 0, None)
    head = "# Column.1: energy eV\n# Column.2: norm\n# Column.3: nbkg\n# Column.4: flat\n#----"
    found = read_file(written(tmp_path, head, E, MU, MU - 0.1, flat))
    np.testing.assert_allclose(found.mu, MU, atol=1e-8)
    assert "norm taken, flat not" in found.notes
    found = read_file(written(tmp_path, "# energy flat", E, flat))
    np.testing.assert_allclose(found.mu, flat, atol=1e-8)
    with pytest.raises(SpectrumError, match="several columns of normalised"):
        read_file(written(tmp_path, "# energy norm normtrans", E, MU, flat))


@pytest.mark.parametrize(
    ("head", "columns", "words"),
    [
        ("# E-E0 mu", (X, MU), "no column is named energy"),
        ("# wavelength(nm) mu", (1239.84 / E, MU), "no column is named energy"),
        ("# Energy(Ry) mu", (E / 13.6, MU), "no column is named energy"),
        ("# energy mu_ref", (E, REF), "no column is named absorption"),
        ("# energy bkg", (E, MU), "no column is named absorption"),
        ("# energy dmu", (E, MU), "no column is named absorption"),
        ("# energy absorptance", (E, 1 - np.exp(-MU)), "no column is named absorption"),
        ("# energy normrefer", (E, MU), "no column is named absorption"),
        ("# energy transmission", (E, np.exp(-MU)), "no column is named absorption"),
        ("# energy ln(It/I0)", (E, -MU), "no column is named absorption"),
        ("# energy mu1 mu2", (E, MU, MU / 2), "no column is named absorption"),
        ("# energy I0 PFY TFY", (E, I0, IF, IF * 0.4), "several columns of fluorescence"),
        ("# energy mu", (X, MU), "no X-ray axis: relative to an edge"),
        ("# energy mu", (E / 1e6, MU), "no X-ray axis"),
        ("# Ni foil at room temperature", (X, MU), "no X-ray axis"),
        ("# energy mu\n8228.0 0.3x", (E, MU), "no row of numbers: '8228.0 0.3x'"),
        ("# energy mononrg mu", (E, E + 0.5, MU), "several columns of energy"),
        ("# energy absorption(%)", (E, 100 - 100 * np.exp(-MU)), "no column is named absorption"),
        ("Energy (eV)\tAbsorption in %", (E, 100 - 100 * np.exp(-MU)), "no column is named abs"),
        ("# energy i0 it", (E, -I0, IT), "zero or less"),
    ],
)
def test_what_is_no_energy_or_no_absorption(tmp_path, head, columns, words):
    with pytest.raises(SpectrumError, match=words):
        cleaned(read_file(written(tmp_path, head, *columns)))


@pytest.mark.parametrize(
    ("line", "edge"),
    [
        ("Diffraction element= Si (111)", ("", "")),
        ("# Crystal element: Si", ("", "")),
        ("# Monochromator.element: Ge", ("", "")),
        ("# analyzer element = Ge", ("", "")),
        ("# Filter element: Al", ("", "")),
        ("# Reference element: Co\n# Element: Ni\n# Edge: K", ("Ni", "K")),
        ("# Element.symbol: Ni\n# Element.edge: K", ("Ni", "K")),
        ("# scan of the Ni K edge", ("Ni", "K")),
    ],
)
def test_the_element_of_an_instrument_is_no_absorber(tmp_path, line, edge):
    found = read_file(written(tmp_path, f"{line}\n# energy mu", E, MU))
    assert (found.element, found.edge) == edge


@pytest.mark.parametrize(("name", "words"), [("mu_corrected", "mu taken, mu_corrected not"),
                                              ("mu_std", ""), ("mu_error", "")])  # fmt: skip
def test_a_second_version_of_the_absorption_is_mentioned(tmp_path, name, words):
    found = read_file(written(tmp_path, f"# energy mu {name}", E, MU, 1.2 * MU))
    assert "; ".join(found.notes) == words
    np.testing.assert_allclose(found.mu, MU, rtol=1e-6)


_9809 = """  9809     KEK-PF  BL0Z
 Mono :   SI(111)       D=  3.13551 A    Initial angle=  9.25969 deg
 BL0Z      {kind}   Repetition=  1     Points=  {points}
 Block      Init-Eng  final-Eng      Step/eV     Time/s       Num
     1       8230.00    8700.00         6.00       1.00        87
 Ortec(-1)     NDCH = 3
  Angle(c)  Angle(o)    time/s         2         3
      Mode         0         0         1         {mode}
    Offset         0         0   826.150   652.975"""


@pytest.mark.parametrize(
    ("mode", "signal", "wanted"),
    [(2, IT, MU), (3, IF, IF / I0)],
    ids=["transmitted", "fluorescence"],
)
def test_the_9809_format_of_japan(tmp_path, mode, signal, wanted):
    """Energies of the angle that was read, channels by the digits of the line Mode."""
    head = _9809.format(kind="Transmission( 2)", points=len(E), mode=mode)
    found = cleaned(read_file(written(tmp_path, head, BRAGG + 0.01, BRAGG, E * 0 + 1, I0, signal)))
    np.testing.assert_allclose(found.energy, E, atol=1e-3)
    np.testing.assert_allclose(found.mu, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("Énergie (eV);Absorption", ""),
        ("ENERGÍA (eV);Absorción", "no column is named absorption"),
        ("Énergie (eV);Transmission", "no column is named absorption"),
        ("Energie / eV;Zählrate / s", "no column is named absorption"),
        ("光子能量;透过率", "no column is named energy"),
    ],
)
def test_names_of_other_languages_are_known_or_refused(tmp_path, head, words):
    """Two columns with names that are not known are never taken as energy and absorption."""
    path = tmp_path / "a.csv"
    rows = (f"{e:.2f};{m:.6f}".replace(".", ",") for e, m in zip(E, MU))
    path.write_text("\n".join([head, *rows]))
    if words:
        with pytest.raises(SpectrumError, match=words):
            read_file(path)
    else:
        assert not any("no names" in n for n in read_file(path).notes)


def test_names_on_lines_of_their_own_above_decimal_commas(tmp_path):
    """``I2`` is no row of numbers: found by the fuzzing of column meaning."""
    path = tmp_path / "a.dat"
    rows = (f"{e:.2f} {m:.6f} 1.0".replace(".", ",") for e, m in zip(E, MU))
    path.write_text("\n".join(["Data:", "energy", "mu", "I2", *rows]))
    np.testing.assert_allclose(read_file(path).mu, MU, atol=1e-6)


@pytest.mark.parametrize("form", ["12:00:01 {} {}", "{}eV {}", "| {} | {} |", "{} & {} \\\\"])
def test_lines_that_are_no_rows_are_shown(tmp_path, form):
    path = tmp_path / "a.dat"
    path.write_text("\n".join(["energy mu", *(form.format(e, round(m, 4)) for e, m in zip(E, MU))]))
    with pytest.raises(SpectrumError, match="not all is a number: '"):
        read_file(path)


@pytest.mark.parametrize("sign", ["\u2212", "\ufe63", "\uff0d"])
def test_minus_signs_of_spreadsheets_are_minus_signs(tmp_path, sign):
    path = written(tmp_path, "energy norm", E, MU - 0.8)
    path.write_text(path.read_text().replace("-", sign))
    np.testing.assert_allclose(read_file(path).mu, MU - 0.8, atol=1e-8)


@pytest.mark.parametrize(("where", "value"), [(20, 30.0), (33, 9.0), (45, -4.0)])
def test_a_glitch_of_one_point_moves_neither_edge_nor_step(where, value):
    plain = scan(300.0)
    mu = plain.mu.copy()
    at = int(np.searchsorted(plain.energy, 8333.0 - 30 + 2 * (where - 20)))
    mu[at] = value
    found = cleaned(Measured(plain.energy, mu))
    assert len(found.energy) == len(plain.energy) - 1
    assert f"at {plain.energy[at]:.1f} eV" in found.notes[-1]
    assert normalise(found).e0 == pytest.approx(normalise(plain).e0, abs=0.3)
    assert normalise(found).step == pytest.approx(normalise(plain).step, rel=0.02)


@pytest.mark.parametrize("width", [0.6, 1.0, 2.0])
def test_a_sharp_white_line_is_no_glitch(width):
    plain = scan(300.0)
    mu = plain.mu + 4.0 * np.exp(-(((plain.energy - 8335.0) / width) ** 2))
    assert not any("glitch" in n for n in cleaned(Measured(plain.energy, mu)).notes)


def scan(after, line=0.0, seed=1):
    """A step of one on a curved absorption, with a white line, to `after` eV past the edge."""
    x = np.concatenate([np.arange(-150, -30, 5.0), np.arange(-30, min(after, 60), 0.5),
                        np.arange(60, after, 2.0)])  # fmt: skip
    step = 0.5 + np.arctan(x / 1.5) / np.pi
    mu = 0.4 - 3e-4 * x + step * (1 - 4e-4 * x + 1.5e-7 * x**2)
    mu += line * np.exp(-(((x - 5) / 12) ** 2)) + 0.03 * step * np.sin(x / 9) * np.exp(-x / 60)
    rng = np.random.default_rng(seed)
    return Measured(8333.0 + x, mu + 1e-4 * rng.standard_normal(len(x)))


def test_a_long_scan_has_a_step_that_no_choice_of_ranges_moves():
    found = normalise(scan(900.0))
    assert found.step == pytest.approx(1.0, abs=0.02)
    assert found.step_off < 0.05
    assert not any("edge step ±" in n for n in found.notes)


@pytest.mark.parametrize(("after", "line"), [(60.0, 1.5), (100.0, 1.0), (80.0, 0.8)])
def test_a_short_scan_with_a_white_line_says_how_little_its_step_is_known(after, line):
    found = normalise(scan(after, line))
    assert found.step_off > 0.05
    assert abs(found.step - 1.0) < found.step_off * found.step
    assert any("by the choice of ranges" in n for n in found.notes)


def step_at(energy, *edges):
    return 0.4 + sum(0.5 + np.arctan((energy - e0) / 1.5) / np.pi for e0 in edges)


@pytest.mark.parametrize(
    ("edges", "name", "further"),
    [
        ((7120.0, 7715.0), "Fe K", "further steps at 77"),
        ((7715.0,), "Co K", ""),
        ((11104.0, 11116.0), "Ge K", ""),  # a feature 12 eV above the edge
        ((13450.0,), "Bi L3, far from its place", ""),  # 31 eV above it, 24 below that of Br
        ((13480.0,), "Br K", ""),
    ],
)
def test_a_second_edge_and_an_edge_far_from_its_place_are_named(tmp_path, edges, name, further):
    energy = np.arange(min(edges) - 120.0, max(edges) + 180.0, 1.0)
    spectrum = Measured(energy, step_at(energy, *edges))
    words = description(spectrum, tmp_path / "a.dat").split("; ")
    assert f", {name}, steepest" in words[0]
    assert further in "; ".join(words)
    assert ("further steps" in "; ".join(words)) == bool(further)
