"""Headers of further beamlines: names, instruments and units; an edge step with its interval."""

import numpy as np
import pytest

from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured_formats import read_file
from defectra.spectra.measured_spectrum import Measured, SpectrumError, cleaned

E = np.concatenate([np.arange(8230, 8320, 10.0), np.arange(8320, 8420, 2.0),
                    np.arange(8420, 8700, 10.0)])  # fmt: skip
X = E - 8345.0
MU = 0.3 + 0.8 * (0.5 + np.arctan(X / 1.5) / np.pi)
I0 = 1e5 + 300 * np.cos(X / 11)
IT = I0 * np.exp(-MU)
IF = I0 * 0.1 * MU
REF = np.log(IT / (IT * np.exp(-0.4 * MU[::-1])))


def written(folder, head, *columns):
    path = folder / "a.dat"
    rows = "\n".join(" ".join(f"{v:.7f}" for v in row) for row in zip(*columns))
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
        ("# energy normrefer normfluor", (E, REF, MU), MU),
    ],
)
def test_names_of_beamlines(tmp_path, head, columns, wanted):
    found = cleaned(read_file(written(tmp_path, head, *columns)))
    np.testing.assert_allclose(found.energy, E, atol=1e-3)
    np.testing.assert_allclose(found.mu, wanted, rtol=1e-5)


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
