"""Edge, ranges, degree and step that the user of an Athena project chose are what is used."""

import numpy as np
import pytest

from defectra.spectra.athena_project import read
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured_spectrum import cleaned

E0 = 8333.0
X = np.concatenate([np.arange(-150, -30, 5.0), np.arange(-30, 60, 0.5), np.arange(60, 402, 2.0)])
SLOPE = 2e-3  # of the background, per eV
LARCH, DEMETER = "Using Larch version 0.9.74, Python 3.10", "Using Demeter 0.9.26 and Larch 1"


def project(after, stored, writer=DEMETER, rise=1.0):
    """A step at E0 whose height after the edge is `after` (function of eV), on a sloping line."""
    mu = 3.0 + SLOPE * X + np.where(X > 0, after(np.maximum(X, 0.0)), 0.0) * rise
    words = {"label": "a", "bkg_e0": E0, "bkg_pre1": -140, "bkg_pre2": -40, "bkg_nor1": 50,
             "bkg_nor2": 390, "bkg_nnorm": 3, **stored}  # fmt: skip
    args = ",".join(f"'{k}','{v}'" for k, v in words.items())
    lists = [
        f"@{n} = ({','.join(repr(str(v)) for v in a)});" for n, a in (("x", E0 + X), ("y", mu))
    ]
    lines = ["# Athena project file -- Demeter version 0.9.26", f"# {writer}", f"@args = ({args});"]
    return normalise(cleaned(read("\n".join([*lines, *lists, "[record]"]))[0]))


def line(x):
    return 1.0 + 1e-3 * x


def parabola(x):
    return 1.0 + 1e-3 * x - 2e-6 * x**2


def mean_of(function, first, last):
    return float(np.mean(function(X[(first <= X) & (last >= X)])))


@pytest.mark.parametrize(
    ("after", "stored", "writer", "step"),
    [
        (parabola, {}, DEMETER, 1.0),
        (line, {"bkg_nnorm": 2}, DEMETER, 1.0),
        # a constant above a background that slopes
        (line, {"bkg_nnorm": 1}, DEMETER, mean_of(line, 50, 390)),
        (line, {"bkg_nnorm": 1, "bkg_nor1": 100, "bkg_nor2": 200}, DEMETER,
         mean_of(line, 100, 200)),
        # Larch counts the degree, and in some versions the terms: the stored step decides
        (line, {"bkg_nnorm": 1}, LARCH, 1.0),
        (parabola, {"bkg_nnorm": 2, "bkg_step": 1.0}, LARCH, 1.0),
        (line, {"bkg_nnorm": 0}, LARCH, mean_of(line, 50, 389)),
        (line, {"bkg_nnorm": 1, "bkg_step": mean_of(line, 50, 389)}, LARCH,
         mean_of(line, 50, 389)),
        # points at the ends: the nearest ones (Ifeffit), the one before and not the last (Larch)
        (line, {"bkg_nnorm": 1, "bkg_nor1": 101.5, "bkg_nor2": 200.9}, DEMETER,
         mean_of(line, 102, 200)),
        (line, {"bkg_nnorm": 1, "bkg_nor1": 100.9, "bkg_nor2": 201.5}, DEMETER,
         mean_of(line, 100, 202)),
        (line, {"bkg_nnorm": 0, "bkg_nor1": 101.5, "bkg_nor2": 200.9}, LARCH,
         mean_of(line, 100, 198)),
    ],
)  # fmt: skip
def test_degree_and_ranges_of_a_project_give_its_step(after, stored, writer, step):
    found = project(after, stored, writer)
    assert found.step == pytest.approx(step, rel=1e-6)
    assert found.e0 == E0
    assert "edge and ranges as the project stores them" in found.notes
    assert not any("the project stores a step" in n for n in found.notes)


@pytest.mark.parametrize(("last", "linear"), [(80, True), (149, True), (151, False), (300, False)])
def test_a_parabola_over_less_than_100_ev_is_a_line(last, linear):
    def bent(x):
        return 1.0 + 4e-5 * x**2

    found = project(bent, {"bkg_nor1": 50, "bkg_nor2": last})
    x = X[(X >= 50) & (last >= X)]
    expected = float(np.polynomial.Polynomial.fit(x, bent(x), 1)(0.0)) if linear else 1.0
    assert found.step == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shift", [-7.5, 0.0, 4.0])
def test_the_stored_edge_is_on_the_axis_that_was_shifted(shift):
    """Athena shows and stores e0 after its shift: 25 public groups that can tell, all say so."""
    found = project(line, {"bkg_nnorm": 2, "bkg_eshift": shift, "bkg_e0": E0 + shift})
    assert found.e0 == E0 + shift
    assert found.step == pytest.approx(1.0, rel=1e-6)
    rise = found.energy[np.flatnonzero(found.mu > 0.5)[0]]
    assert abs(rise - found.e0) < 1


def test_a_fixed_step_stays():
    found = project(line, {"bkg_nnorm": 2, "bkg_fixstep": 1, "bkg_step": 0.8})
    assert found.step == 0.8
    above = found.energy > E0 + 100
    np.testing.assert_allclose(found.mu[above], 1 / 0.8, rtol=1e-6)
    assert any("fixed by the user" in n for n in found.notes)


@pytest.mark.parametrize(
    "stored",
    [
        {"bkg_pre1": -38, "bkg_pre2": -36},  # no energy between them
        {"bkg_nor1": 401, "bkg_nor2": 500},
    ],
)
def test_ranges_that_cannot_be_used_are_named(stored):
    found = project(line, stored)
    assert found.step == pytest.approx(1.0, rel=0.05)
    assert any(n.startswith("ranges of the project not used") for n in found.notes)
    assert "edge and ranges as the project stores them" not in found.notes


def test_a_stored_step_of_other_data_is_named():
    found = project(line, {"bkg_nnorm": 2, "bkg_step": 2.05})
    assert found.step == pytest.approx(1.0, rel=1e-6)
    assert any("the project stores a step of 2.05" in n for n in found.notes)
