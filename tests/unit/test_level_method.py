"""Energies of VASP cells that were calculated differently make no level; units of tables."""

from pathlib import Path

import numpy as np
import pytest
from in_one_call import levels_of_folder

from defectra.core.errors import EngineError, TableError
from defectra.defects.energy_tables import Mapped, levels_of_table
from defectra.defects.program_results import levels_of_results
from defectra.structures.identity import atoms_of
from defectra.studies.levels.inputs import insert_impurity, supercell
from tests.vasp_files import write_run

HYBRID = (
    '<i type="logical" name="LHFCALC">F</i><i name="AEXX">0.0</i><i name="HFSCREEN">0.0</i>',
    '<i type="logical" name="LHFCALC">T</i><i name="AEXX">{}</i><i name="HFSCREEN">{}</i>',
)
U_OFF = '<i type="logical" name="LDAU">F</i>\n<v type="string" name="LDAUU">0</v>'
U_ON = (
    '<i type="logical" name="LDAU">T</i><v type="int" name="LDAUL">{}</v>'
    '<v name="LDAUU">{}</v><v name="LDAUJ">0 0 0</v>'
)
SPIN = ('<i type="int" name="NSW">', '<i type="logical" name="LSORBIT">T</i><i name="NSW">')


def setting(name: str, value: str, kind: str = "logical") -> tuple[str, str]:
    old = '<i type="int" name="NSW">'
    return old, f'<i type="{kind}" name="{name}">{value}</i>{old}'


POTENTIAL = ("PAW_PBE Te<", "PAW_PBE Te_h 06Sep2000<")


def write(root: Path, changes: dict[str, list[tuple[str, str]]]) -> None:
    """Bulk CdTe and Cu on Cd in two charges, with texts exchanged in some of the files."""
    for name, charge, energy in (("bulk", 0, -40.0), ("d0", 0, -39.0), ("d-1", -1, -38.2)):
        cell = supercell("CdTe", 6.6, 16)
        cell = cell if name == "bulk" else insert_impurity(cell, "M_A", "Cu")
        order = sorted(atoms_of(cell), key=lambda i: cell.species[i])
        species = [cell.species[i] for i in order]
        coords = cell.supercell.coords[order]
        write_run(root / name, cell.supercell.lattice, species, coords, charge, energy,
                  potentials=[-70.0] * 16)  # fmt: skip
        path = root / name / "vasprun.xml"
        text = path.read_text()
        for old, new in changes.get(name, []):
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text)


def hybrid(fraction: float, screening: float = 0.2) -> tuple[str, str]:
    return HYBRID[0], HYBRID[1].format(fraction, screening)


def hubbard(shells: str, values: str) -> tuple[str, str]:
    return U_OFF, U_ON.format(shells, values)


def levels(root: Path) -> tuple[list[dict], str]:
    rows, left_out = levels_of_folder(root, "CdTe", 10.0 * np.eye(3), 0.14)
    return rows, "; ".join(x["reason"] for x in left_out)


@pytest.mark.parametrize(
    ("bulk", "defect", "words"),
    [
        ([hybrid(0.25)], [hybrid(0.31)], "0.31 of exact exchange"),
        ([hybrid(0.25)], [hybrid(0.25, 0.11)], "screening 0.11"),
        ([SPIN], [], "with spin-orbit coupling"),
        ([], [POTENTIAL], "Te: PAW_PBE Te_h 06Sep2000, that of the bulk PAW_PBE Te"),
        # Cd Te, and Cd Cu Te, in the order of their types
        ([hubbard("2 -1", "3 0")], [hubbard("2 2 -1", "5 5 0")], "Cd: PAW_PBE Cd, U - J = 5 eV"),
        ([hubbard("2 -1", "3 0")], [hubbard("2 2 -1", "0 3 0")], "Cd: PAW_PBE Cd, that"),
        ([setting("LREAL", "F")], [setting("LREAL", "T")], "LREAL: True, that of the bulk False"),
        ([setting("LASPH", "T")], [setting("LASPH", "F")], "LASPH: False"),
        ([setting("PREC", "accura", "string")], [setting("PREC", "normal", "string")], "PREC: N"),
    ],
)
def test_cells_of_two_methods_make_no_level(
    tmp_path: Path, bulk: list, defect: list, words: str
) -> None:
    write(tmp_path, {"bulk": bulk, "d0": defect, "d-1": defect})
    rows, reasons = levels(tmp_path)
    assert rows == []
    assert words in reasons


@pytest.mark.parametrize(
    ("bulk", "defect", "functional"),
    [
        ([], [], "PBE"),
        ([hybrid(0.31)], [hybrid(0.31)], "HSE06, 0.31 of exact exchange"),
        ([hybrid(0.25, 0.208)], [hybrid(0.25, 0.208)], "HSE06"),
        ([SPIN], [SPIN], "PBE with spin-orbit coupling"),
        ([setting("PREC", "accura", "string")], [setting("PREC", "Accurate", "string")], "PBE"),
        ([hubbard("2 -1", "3 0")], [hubbard("2 2 -1", "3 5 0")], "PBE+U"),  # U of Cu is its own
    ],
)
def test_cells_of_one_method_name_it(
    tmp_path: Path, bulk: list, defect: list, functional: str
) -> None:
    write(tmp_path, {"bulk": bulk, "d0": defect, "d-1": defect})
    rows, reasons = levels(tmp_path)
    assert [r["fidelity"].split(", parsed")[0] for r in rows] == [functional], reasons


@pytest.mark.parametrize("charge", ["0.5", "-0.5", "1.4"])
def test_a_fraction_is_no_charge(tmp_path: Path, charge: str) -> None:
    entry = (
        f'{{"charge_state": {charge}, "sc_entry": {{"energy": -1.0}}, '
        '"bulk_entry": {"energy": -2.0, "composition": {"Cd": 1}}}'
    )
    path = tmp_path / "a.json"
    path.write_text(
        f'{{"@class": "DefectThermodynamics", "defect_entries": {{"a": {entry}}}, "vbm": 0.5, '
        '"band_gap": 1.5}'
    )
    with pytest.raises(EngineError, match="no whole number"):
        levels_of_results(path, 0.14)


@pytest.mark.parametrize(
    "name",
    ["E0 (Ha)", "E0_Ry", "E0 [meV]", "E0 (eV/atom)", "E0 per atom", "E0 eV/f.u.", "E0 kJ/mol"],
)
def test_energies_in_other_units_are_refused(tmp_path: Path, name: str) -> None:
    columns = Mapped("=CdTe", "d", "vbm", "gap", {0: name, -1: "E-1 (eV)"})
    (tmp_path / "t.csv").write_text(f"d,vbm,gap,{name},E-1 (eV)\nCu_Cd,2.1,1.5,-600.8,-598.0\n")
    with pytest.raises(TableError, match="energies are read in eV of the whole cell"):
        levels_of_table(tmp_path / "t.csv", columns, 0.14)


@pytest.mark.parametrize(("factor", "far"), [(1.0, False), (27.2114, True), (1 / 16, True)])
def test_a_level_far_from_the_gap_is_no_level(tmp_path: Path, factor: float, far: bool) -> None:
    """One of two charges in Hartree, or per atom: -600.8 and -598.0 eV are right."""
    columns = Mapped("=CdTe", "d", "vbm", "gap", {0: "E0", -1: "E-1"})
    (tmp_path / "t.csv").write_text(f"d,vbm,gap,E0,E-1\nCu_Cd,2.1,1.5,-600.8,{-598 / factor}\n")
    (row,), _ = levels_of_table(tmp_path / "t.csv", columns, 0.14)
    assert (row["status"] == "failed") == far
    assert np.isnan(row["level_eV"]) == far
    assert ("in another unit" in row["message"]) == far
