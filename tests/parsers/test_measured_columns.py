"""What a measured column is by its name, columns that are chosen, scans apart, commas."""

import numpy as np
import pytest
from in_one_call import read_file
from made_scan import ENERGY, I0, MU, write

from defectra.cli.main import main
from defectra.spectra import column_formula as formula
from defectra.spectra.column_names import Role, column
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_columns import choice
from defectra.spectra.measured_formats import read_scans
from defectra.spectra.measured_spectrum import SpectrumError


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
