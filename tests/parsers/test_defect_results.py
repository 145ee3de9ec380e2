"""Defect levels out of the results of doped and pydefect."""

import gzip
import json
import math

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.defects.program_results import levels_of_files, levels_of_results
from defectra.studies.levels.tables import COMPUTED_LEVELS


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
