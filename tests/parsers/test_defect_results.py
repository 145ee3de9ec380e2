"""Defect levels of others: VASP folders of any host, results of doped and pydefect, tables."""

import csv
import gzip
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from in_one_call import cells_of_folder, levels_of_folder

from defectra.core.errors import EngineError, TableError
from defectra.core.records import Origin
from defectra.defects.energy_levels import ChargedEnergies, level_rows
from defectra.defects.energy_tables import Mapped, levels_of_table
from defectra.defects.point_defects import identify
from defectra.defects.program_results import levels_of_files, levels_of_results
from defectra.engines.vasp.states import capacity, states
from defectra.studies.levels.tables import COMPUTED_LEVELS

CASES = Path(__file__).resolve().parents[1] / "data" / "defects"
DIELECTRIC = 10 * np.eye(3)


# --- VASP folders ---------------------------------------------------------------------------


def test_missing_potentials_are_no_correction_never_zero():
    (row,), _ = levels_of_folder(CASES / "l01_vasp_levels_no_outcar", "CdTe", DIELECTRIC, 0.14)
    assert row["bare_eV"] == pytest.approx(0.4)
    assert row["mark"] == "not corrected"
    assert math.isnan(row["corrected_eV"])
    assert math.isnan(row["freysoldt_eV"])
    assert "no correction possible" in row["message"]
    cells = cells_of_folder(CASES / "l01_vasp_levels_no_outcar", "CdTe", DIELECTRIC)
    charged = next(c for c in cells if c["charge"])
    assert math.isnan(charged["efnv_eV"])
    assert math.isnan(charged["corrected_above_bulk_eV"])


@pytest.mark.parametrize("lacks", ["bulk", "Cu_Cd_m1"])
def test_one_outcar_that_is_missing_is_enough(tmp_path, lacks):
    shutil.copytree(CASES / "l02_vasp_levels_fermi_not_near_zero/near_zero", tmp_path / "runs")
    (tmp_path / "runs" / lacks / "OUTCAR").unlink()
    (row,), _ = levels_of_folder(tmp_path / "runs", "CdTe", DIELECTRIC, 0.14)
    assert (row["mark"], math.isnan(row["corrected_eV"])) == ("not corrected", True)


def test_bands_may_lie_anywhere():
    folder = CASES / "l02_vasp_levels_fermi_not_near_zero"
    for name in ("near_zero", "moved_5eV"):
        cells = cells_of_folder(folder / name, "CdTe", DIELECTRIC)
        assert {c["gap_eV"] for c in cells} == {1.5}


class Bands:
    """Eigenvalues of an invented run: k-points x bands, spins apart."""

    def __init__(self, spins, weights, **parameters):
        self.parameters = parameters
        self.actual_kpoints_weights = weights
        self.eigenvalues = {
            k: np.stack(2 * [np.asarray(s, float)], -1) for k, s in enumerate(spins)
        }
        for table in self.eigenvalues.values():
            table[..., 1] = 0.5  # occupations tell nothing here


@pytest.mark.parametrize(
    ("spins", "flags", "electrons", "holds", "edges"),
    [
        ([[[-9, -8, -5], [-9, -7, -6]]], {}, 4, 2, (-7, -6)),
        ([[[-9, -8, -5], [-9, -7, -6]]], {"LSORBIT": True}, 2, 1, (-7, -6)),
        ([[[-9, -8, -5], [-9, -7, -6]]], {"LNONCOLLINEAR": True}, 1, 1, (-9, -8)),
        ([[[7, 8, 12], [7, 8, 13]], [[7, 11, 12], [7, 11, 13]]], {}, 3, 1, (8, 11)),
        ([[[-9, -8, -5], [-9, -8, -6]]], {}, 3, 2, (-8, -8)),  # a metal: no gap
    ],
    ids=["closed shell", "spin-orbit", "non-collinear", "spin-polarised", "odd"],
)
def test_band_edges_by_electron_count(spins, flags, electrons, holds, edges):
    run = Bands(spins, [0.25, 0.75], **flags)
    assert capacity(run) == holds
    found = states(run, electrons)
    assert (found["vbm_eV"], found["cbm_eV"]) == edges


def test_too_few_bands_are_reported():
    with pytest.raises(EngineError, match="too few bands"):
        states(Bands([[[-9, -8]]], [1.0]), 4)


def test_charged_defects_of_y2ti2o5s2(mirror):
    """doped 93c8b99: eFNV 0.12699, Freysoldt 0.11670, sum 0.04176 eV; multiplicities 1 and 2."""
    pytest.importorskip("pydefect", reason="extra `levels` is not installed")
    folder = mirror / "levels/doped/YTOS"
    if not folder.is_dir():
        pytest.skip("the mirror holds no runs")
    tensor = np.diag([40.72, 40.72, 25.24])
    found = {c["charge"]: c for c in cells_of_folder(folder, "Y2Ti2O5S2", tensor)}
    fluorine = found[1]
    assert fluorine["efnv_eV"] == pytest.approx(0.12699, abs=1e-3)
    assert fluorine["freysoldt_eV"] == pytest.approx(0.11670, abs=1e-3)
    assert fluorine["corrected_above_bulk_eV"] == pytest.approx(0.04176, abs=1e-3)
    assert (fluorine["impurity"], fluorine["site"], fluorine["multiplicity"]) == ("F", "O 2a", 1)
    assert (found[-1]["site"], found[-1]["multiplicity"]) == ("interstitial", 2)
    assert math.isnan(found[-1]["freysoldt_eV"])  # no LOCPOT there
    assert 0.5 < fluorine["gap_eV"] < 1.5


def row_of(cell, **more):
    return {
        "lattice": cell.lattice.matrix.ravel().tolist(),
        "species": [s.specie.symbol for s in cell],
        "coords": cell.frac_coords.ravel().tolist(),
        **more,
    }


@pytest.mark.parametrize(
    ("group", "lengths", "angles", "species", "coords", "host"),
    [
        ("Fm-3m", (4.2, 4.2, 4.2), (90, 90, 90), ["Mg", "O"], [[0, 0, 0], [0.5] * 3], "MgO"),
        ("Pm-3m", (3.9, 3.9, 3.9), (90, 90, 90), ["Sr", "Ti", "O"],
         [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]], "SrTiO3"),
        ("P6_3mc", (3.2, 3.2, 5.2), (90, 90, 120), ["Ga", "N"],
         [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.377]], "GaN"),
        ("P2_1/c", (5.1, 5.2, 5.3), (90, 99, 90), ["Zr", "O", "O"],
         [[0.28, 0.04, 0.21], [0.07, 0.33, 0.34], [0.45, 0.76, 0.48]], "ZrO2"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["substitution", "vacancy", "interstitial"])
def test_a_defect_is_reported_in_any_lattice(group, lengths, angles, species, coords, host, kind):
    from pymatgen.core import Lattice, Structure

    unit = Structure.from_spacegroup(
        group, Lattice.from_parameters(*lengths, *angles), species, coords
    )
    bulk = unit.make_supercell(2, in_place=False)
    own = bulk.copy()
    target = next(i for i, s in enumerate(own) if s.specie.symbol == species[-1])
    if kind == "substitution":
        own.replace(target, "F")
    elif kind == "vacancy":
        own.remove_sites([target])
    else:
        own.append("F", [0.125, 0.13, 0.14])
    rng = np.random.default_rng(0)
    moved = own.copy()
    for k in range(len(moved)):
        moved.translate_sites([k], rng.normal(0, 0.05, 3), frac_coords=False)
    found = identify(row_of(moved), row_of(bulk), host)
    assert found.impurity == ("vacancy" if kind == "vacancy" else "F")
    assert found.multiplicity > 0
    if kind == "interstitial":
        assert "i" in found.site
    else:
        assert found.multiplicity <= round(len(unit))
        where = bulk.lattice.get_all_distances([found.centre], bulk.frac_coords)[0]
        assert bulk[int(where.argmin())].specie.symbol == species[-1]
        assert where.min() < 1e-3


# --- results of doped and pydefect ----------------------------------------------------------


def test_doped_thermodynamics_of_cdte(mirror):
    path = mirror / "levels/doped/CdTe/CdTe_example_thermo.json"
    if not path.is_file():
        pytest.skip("the mirror holds no results")
    rows, left_out = levels_of_results(path, 0.14)
    reported = {(r["site"], r["q_from"], r["q_to"]): r["level_eV"] for r in rows}
    # E(-1) + 0.22492 - E(0) - VBM and so on, with the energies of the file
    assert reported["v_Cd", 0, -1] == pytest.approx(0.5424, abs=1e-4)
    assert reported["v_Cd", -1, -2] == pytest.approx(0.3986, abs=1e-4)
    assert np.mean([reported["v_Cd", 0, -1], reported["v_Cd", -1, -2]]) == pytest.approx(
        0.470, abs=1e-3
    )
    assert reported["Int_Te_3", 2, 1] == pytest.approx(0.0350, abs=1e-4)
    # the file calls it HSE06; its INCAR has AEXX = 0.345 and LSORBIT
    exact = "HSE06, 0.345 of exact exchange with spin-orbit coupling, doped"
    assert {r["fidelity"] for r in rows} == {exact}
    assert all(set(r) == set(COMPUTED_LEVELS.names) for r in rows)
    assert len(left_out) == 2  # one charge alone


def doped(**changes):
    entry = {
        "defect": {"@class": "Substitution", "site": {"species": [{"element": "Cu"}]}},
        "bulk_entry": {"energy": -40.0, "composition": {"Cd": 8, "Te": 8}},
        "calculation_metadata": {},
    }
    entries = {}
    for charge, energy, fix in ((0, -39.0, {}), (-1, -38.2, {"kumagai": 0.1})):
        name = f"Cu_Cd_{charge}"
        cell = {"energy": energy, "parameters": {"run_type": "PBE"}}
        own = {"name": name, "charge_state": charge, "corrections": fix, "sc_entry": cell}
        entries[name] = {**entry, **own}
    entries["Cu_Cd_-1"].update(changes)
    return {"@class": "DefectThermodynamics", "defect_entries": entries, "vbm": 0.5,
            "band_gap": 1.5, "bulk_formula": "CdTe"}  # fmt: skip


def test_a_doped_result_that_lacks_something(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(doped()))
    (row,), _ = levels_of_results(path, 0.14)
    assert row["level_eV"] == pytest.approx(0.8 + 0.1 - 0.5)
    path.write_text(json.dumps(doped(corrections={})))
    (row,), _ = levels_of_results(path, 0.14)
    assert (row["mark"], row["level_eV"]) == ("not corrected", pytest.approx(0.3))
    assert math.isnan(row["corrected_eV"])
    path.write_text(json.dumps(doped(sc_entry={"energy": 0.0})))
    rows, left_out = levels_of_results(path, 0.14)
    assert (rows, "blank" in left_out[0]["reason"]) == ([], True)
    for text in ("{", '{"@class": "Structure"}', '{"@class": "DefectThermodynamics"}', "[]",
                 json.dumps(doped(charge_state="x"))):  # fmt: skip
        path.write_text(text)
        with pytest.raises(EngineError, match=r"a\.json"):
            levels_of_results(path, 0.14)


def entries_of_doped(said=None, **changes):
    """The dictionary of entries that doped's parser leaves; `said`: of the second entry."""
    entries = doped(**changes)["defect_entries"]
    for name, entry in entries.items():
        edges = {"vbm": 0.5, "band_gap": 1.5} | ((said or {}) if name.endswith("-1") else {})
        entry |= {"@class": "DefectEntry", "calculation_metadata": edges}
    return entries


def hybrid(fraction):
    return {"LHFCALC": True, "AEXX": fraction, "HFSCREEN": 0.2}


def test_the_entries_of_doped_beside_its_thermodynamics_are_the_same_levels_once(tmp_path):
    thermo, entries = tmp_path / "CdTe_thermo.json", tmp_path / "CdTe_defect_dict.json.gz"
    thermo.write_text(json.dumps(doped()))
    entries.write_bytes(gzip.compress(json.dumps(entries_of_doped()).encode()))
    alone, _ = levels_of_results(entries, 0.14)
    rows, left_out = levels_of_files([thermo, entries], 0.14)
    assert [(r["host"], r["site"], r["level_eV"]) for r in rows] == [
        (r["host"], r["site"], r["level_eV"]) for r in alone
    ]
    assert [x["reason"] for x in left_out] == ["also in CdTe_thermo.json"]


@pytest.mark.parametrize(
    ("said", "changes", "words"),
    [
        ({"vbm": 0.51}, {}, "other band edges"),
        ({"band_gap": None}, {}, "states no vbm and gap"),
        ({}, {"name": "Cu_Cd_-2"}, "charge_state is -1"),
        ({"mismatching_INCAR_tags": [["ENCUT", 300, 400]]}, {}, "INCAR (ENCUT) differ"),
        ({"run_metadata": {"defect_incar": hybrid(0.3), "bulk_incar": hybrid(0.25)}},
         {"sc_entry": {"energy": -38.2, "parameters": {"run_type": "HSE06"}},
          "bulk_entry": {"energy": -40.0, "composition": {"Cd": 8, "Te": 8},
                         "parameters": {"run_type": "HSE06"}}}, "0.3 of exact exchange against"),
        ({}, {"corrections": {"freysoldt_charge_correction": 0.1}}, ""),
    ],
)  # fmt: skip
def test_what_entries_of_doped_say_against_each_other(tmp_path, said, changes, words):
    path = tmp_path / "defect_dict.json"
    path.write_text(json.dumps(entries_of_doped(said, **changes)))
    try:
        rows, left_out = levels_of_results(path, 0.14)
    except EngineError as error:
        rows, left_out = [], [{"reason": str(error)}]
    text = "; ".join([x["reason"] for x in left_out] + [r["message"] for r in rows])
    assert words in text
    assert bool(rows) == ("differ from the bulk" in text or not words)


PBE, HSE = {"run_type": "PBE"}, {"run_type": "HSE06"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sc_entry": {"energy": -38.2, "parameters": HSE}}, "different functionals: HSE06, PBE"),
        (
            {"bulk_entry": {"energy": -41.0, "composition": {"Cd": 8, "Te": 8}, "parameters": HSE}},
            "PBE against a bulk of HSE06",
        ),
        (
            {"corrections": {"freysoldt_charge_correction": 0.1, "kumagai_charge_correction": 0.1}},
            "keep one of them",
        ),
        ({"corrections": {"kumagai_charge_correction": math.inf}}, "inf is no energy"),
        ({"sc_entry": {"energy": math.nan, "parameters": PBE}}, "blank"),
        ({"name": "Cu_Cd_0", "charge_state": 0}, "charge occurs twice"),
    ],
)
def test_doped_entries_that_do_not_go_together_make_no_level(tmp_path, changes, words):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(doped(**changes)))
    rows, left_out = levels_of_results(path, 0.14)
    assert rows == []
    assert words in "; ".join(x["reason"] for x in left_out)


@pytest.mark.parametrize("gap", [0.0, -0.3])
def test_a_result_without_a_gap_makes_no_level(tmp_path, gap):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(doped() | {"band_gap": gap}))
    rows, left_out = levels_of_results(path, 0.14)
    assert (rows, "is none" in left_out[0]["reason"]) == ([], True)


def test_a_summary_of_pydefect(tmp_path):
    pydefect = pytest.importorskip(
        "pydefect.analyzer.defect_energy", reason="extra `levels` is not installed"
    )
    energies = [pydefect.DefectEnergy(1.0, {"pc": 0.2, "alignment": 0.1}, False),
                pydefect.DefectEnergy(1.5, {"no correction": 0.0}, True)]  # fmt: skip
    summary = pydefect.DefectEnergySummary(
        "MgO", {"Va_O1": pydefect.DefectEnergies({"O": -1}, [1, 0], energies)}, {}, 4.5, 0.0, 4.6
    )
    path = tmp_path / "defect_energy_summary.json"
    path.write_text(summary.to_json() if hasattr(summary, "to_json") else "")
    (row,), _ = levels_of_results(path, 0.14)
    assert row["level_eV"] == pytest.approx(1.5 - 1.3)  # E(0) - E(+1), both at the VBM
    assert (row["site"], row["gap_eV"], row["protocol"]) == ("Va_O1", 4.5, "pydefect")
    assert "shallow at charge +0" in row["message"]


# --- tables of a user's own -----------------------------------------------------------------

HEADS = ["AB", "Defect", "gap", "VBM", "bulk", "E+1", "E0", "E-1", "C+1", "C-1"]
COLUMNS = Mapped(
    "AB", "Defect", "VBM", "gap", {1: "E+1", 0: "E0", -1: "E-1"}, {1: "C+1", -1: "C-1"}, "bulk",
    "HSE06",
)  # fmt: skip
GOOD = ["CdTe", "Cu_Cd", "1.5", "2.1", "-592.2", "-603.5", "-600.8", "-598.0", "0.12", "0.06"]


def table(tmp_path, *rows, heads=HEADS):
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([heads, *rows])
    return path


def test_a_table_with_declared_columns_makes_levels(tmp_path):
    rows, left_out = levels_of_table(table(tmp_path, GOOD), COLUMNS, 0.14)
    assert left_out == []
    reported = [(r["q_from"], r["q_to"], r["level_eV"]) for r in rows]
    assert reported == [
        (1, 0, pytest.approx(2.7 - 0.12 - 2.1)),
        (0, -1, pytest.approx(2.8 + 0.06 - 2.1)),
    ]
    assert {r["fidelity"] for r in rows} == {"HSE06, 3 charges of a table"}
    assert all(set(r) == set(COMPUTED_LEVELS.names) for r in rows)
    assert Origin.PARSED  # the table is one of parsed levels


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        (6, "0.00", "E0: 0 is a blank"),
        (7, "Not converged", "'Not converged' is no energy"),
        (5, "", "'an empty cell' is no energy"),
        (5, "nan", "'nan' is no energy"),
        (4, "0", "bulk: 0 is a blank"),
        (6, "-6oo.8", "is no energy"),
        (2, "0", "is no gap"),
        (3, "-", "is no number"),
        (9, "x", "C-1"),
        (1, "", "no name"),
        (6, "1_000", "is no energy"),
    ],
)
def test_rows_with_blanks_are_refused_one_by_one(tmp_path, place, text, expected):
    bad = [text if k == place else v for k, v in enumerate(GOOD)]
    other = [v if k != 1 else "As_Te" for k, v in enumerate(GOOD)]
    rows, left_out = levels_of_table(table(tmp_path, bad, other), COLUMNS, 0.14)
    assert {r["site"] for r in rows} == {"As_Te"}
    assert (left_out[0]["source"], expected in left_out[0]["reason"]) == ("t.csv line 2", True)


@pytest.mark.parametrize(("first", "second"), [(5, 6), (6, 7), (5, 7)])
def test_one_energy_for_two_charges_is_refused(tmp_path, first, second):
    bad = [GOOD[first] if k == second else v for k, v in enumerate(GOOD)]
    rows, left_out = levels_of_table(table(tmp_path, bad), COLUMNS, 0.14)
    assert rows == []
    assert "copied to the other" in left_out[0]["reason"]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("CdTe,Cu_Cd,1,5,2.1,-592.2,-603.5,-600.8,-598.0,0.12,0.06", True),
        ("CdTe,Cu_Cd,1.5,2.1,-603.5,-600.8,-598.0,0.12,0.06", True),
        ("CdTe,Cu_Cd,1.5,2.1,-592.2,-603.5,-600.8,-598.0,0.12,0.06,,", False),
    ],
)
def test_a_row_whose_cells_are_moved_is_refused(tmp_path, line, wrong):
    path = tmp_path / "t.csv"
    path.write_text(",".join(HEADS) + "\n" + line + "\n")
    rows, left_out = levels_of_table(path, COLUMNS, 0.14)
    assert (len(rows), len(left_out)) == ((0, 1) if wrong else (2, 0))
    assert not wrong or "cells under 10 names" in left_out[0]["reason"]


def test_a_declared_column_must_be_there_once(tmp_path):
    with pytest.raises(TableError, match=r"'E-1' is missing; there are: AB"):
        levels_of_table(table(tmp_path, GOOD, heads=[*HEADS[:7], "Em1", *HEADS[8:]]), COLUMNS, 0.14)
    with pytest.raises(TableError, match="'E0' occurs twice"):
        levels_of_table(table(tmp_path, GOOD, heads=[*HEADS, "E0"]), COLUMNS, 0.14)


@pytest.mark.parametrize("seed", range(4))
def test_a_charge_that_is_stable_at_no_fermi_level_is_reported(seed):
    """Against the lowest energy at each of many Fermi levels; three charges, five, some missing."""
    rng = np.random.default_rng(seed)
    fermi = np.linspace(-30, 30, 120_001)
    met = 0
    for _ in range(30):
        charges = sorted(rng.choice(np.arange(-3, 4), rng.integers(3, 6), replace=False).tolist())
        energies = {q: float(rng.normal(5, 2)) for q in charges}
        lines = np.array([energies[q] + q * fermi for q in charges])
        stable = {charges[k] for k in np.unique(lines.argmin(axis=0))}
        found = ChargedEnergies("CdTe", "X", 0.0, 1.5, energies, dict.fromkeys(charges, 0.0),
                                "PBE", "table")  # fmt: skip
        rows = level_rows(found, 0.14)
        said = "; ".join(r["message"] for r in rows)
        reported = {int(q) for q in re.findall(r"charge ([-+]\d) is stable at no", said)}
        assert reported == set(charges) - stable
        for high, low, level in re.findall(r"level: ([-+]\d)/([-+]\d) at (\S+) eV", said):
            meeting = -(energies[int(high)] - energies[int(low)]) / (int(high) - int(low))
            assert float(level) == pytest.approx(meeting, abs=1e-3)
            met += 1
    assert met > 10


def test_a_charge_without_correction_is_marked(tmp_path):
    rows = level_rows(
        ChargedEnergies("CdTe", "Cu_Cd", 0.0, 1.5, {0: -1.0, -1: -0.5}, {}, "PBE", "table"), 0.14
    )
    assert [(r["mark"], r["level_eV"]) for r in rows] == [("not corrected", 0.5)]


def test_a_gap_in_another_unit_makes_no_level(tmp_path):
    bad = ["1500" if k == 2 else v for k, v in enumerate(GOOD)]
    rows, left_out = levels_of_table(table(tmp_path, bad), COLUMNS, 0.14)
    assert rows == []
    assert "a gap of 1500 eV is none" in left_out[0]["reason"]
