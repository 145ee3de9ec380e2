"""Measured photoluminescence as text: units, axes, decimal commas; what is unclear is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from defectra.studies.hbn import lines, measured

X = np.arange(560.0, 640.0, 0.5)
Y = np.round(100 + 1000 / (1 + (2 * (X - 590.7) / 8) ** 2), 1)


def _table(head: str, *columns: np.ndarray, sep: str = ",", decimal: str = ".") -> str:
    rows = zip(*columns, strict=True)
    body = "\n".join(sep.join(f"{v:.5f}".replace(".", decimal) for v in row) for row in rows)
    return f"{head}\n{body}\n"


READ = {
    "a laser above": _table("# laser 2.33 eV\nwavelength (nm),counts", X, Y),
    "a laser below": _table("wavelength (nm),counts\n# laser 2.33 eV", X, Y),
    "a laser alone": _table("# laser 2.33 eV", X, Y),
    "both axes": _table("Wavelength (nm),Energy (eV),Intensity", X, measured.HC / X, Y),
    "both axes, blanks": _table("λ / nm  E / eV  PL", X, measured.HC / X, Y, sep="  "),
    "axes of both": _table("nm,counts,nm,error", X, Y, X, np.sqrt(Y)),
    "energy first": _table("Energy (eV) Wavelength (nm) I", measured.HC / X, X, Y * X**2, sep=" "),
    "decimal commas": _table("Wavelength;Counts", X, Y, sep=";", decimal=","),
    "decimal commas, tabs": _table("nm\tI (532 nm)", X, Y, sep="\t", decimal=","),
}


@pytest.mark.parametrize("kind", READ)
def test_the_axis_is_the_first_column_and_no_axis_is_a_spectrum(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.csv").write_text(READ[kind])
    (found,) = measured.read(tmp_path / "a.csv")
    row = lines.fit(found, 2)
    assert row["status"] == "ok"
    assert row["center_eV"] == pytest.approx(2.099, abs=0.001)


UNCLEAR = {
    "energy of nm": (_table("Energy (eV),counts", X, Y), "numbers are of nm"),
    "nm of energies": (_table("nm,counts", measured.HC / X, Y), "numbers are of eV"),
    "both named": (_table("wavelength or energy,counts", X, Y), "numbers are of nm"),
    "micrometres": (_table("wavelength (µm),counts", X / 1000, Y), "numbers are of eV"),
    "micrometres alone": (_table("# x in µm", X / 1000, Y), "numbers are of eV"),
    "wavenumbers": (_table("Raman shift (cm-1),counts", X, Y), "numbers are of nm"),
    "meV": (_table("E (meV),counts", 1e6 * measured.HC / X / 1000, Y), "numbers are of nm|neither"),
    "swapped": (_table("counts,wavelength (nm)", Y + 150, X), "numbers are of nm"),
    "another axis": (_table("nm,counts,nm,counts", X, Y, X + 30, Y), "as an axis is"),
    "axes alone": (_table("nm,eV", X, measured.HC / X), "no column of intensity"),
    "below both": (_table("energy (eV),counts", X / 5000, Y), "neither"),
    "decimal commas between commas": (
        "\n".join(f"{k},5,{k + 3},2" for k in range(560, 600)), "columns or decimals"),
    "two tables": (_table("nm,counts", X, Y) * 2, "no table of 16 rows at least, alone"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNCLEAR)
def test_what_may_be_something_else_is_refused(tmp_path: Path, kind: str) -> None:
    content, told = UNCLEAR[kind]
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(measured.SpectrumError, match=told):
        measured.read(tmp_path / "a.csv")
