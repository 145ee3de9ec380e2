"""True hybrid levels beside PBE: which defect is which, energies of charges, errors of each way."""

import json
import math
from pathlib import Path

import pytest

from defectra.core.errors import TableError
from defectra.studies.levels.hybrid import (
    HYBRID_COLUMNS,
    WAYS,
    Native,
    hybrid_rows,
    native_level,
    read_natives,
    sites_of,
)
from defectra.studies.levels.published import HSE, PBE

HEAD = ("AB,Type,Defect,Atom,Site,,Transition Levels ->,(+3/+2),(+2/+1),(+1/0),(0/-1),(-1/-2),"
        "(-2/-3),,Formation Energies ->,Delta_H (A-rich),Delta_H (B-rich)\n")  # fmt: skip


def native(site, formation, levels, impurity="Te"):
    return Native(site, impurity, formation, dict(zip((3, 2, 1, 0, -1, -2), levels)))


def test_energies_of_charges_differ_by_the_levels():
    one = native("M_i_A", 3.0, (-0.1, 0.1, 0.6, 1.0, 1.3, 2.2))
    for charge, level in one.levels.items():
        assert one.energy(charge - 1) - one.energy(charge) == pytest.approx(level)
    assert one.energy(0) == 3.0
    assert one.energy(2) == pytest.approx(3.0 - 0.6 - 0.1)


def test_the_site_of_lowest_energy_counts_at_each_charge():
    low_neutral = native("M_i_A", 3.0, (0, 0.2, 0.5, 1.0, 1.3, 2.2))
    low_positive = native("M_i_B", 3.2, (0, 0.3, 1.1, 1.2, 1.4, 2.3))
    site, level = native_level([low_neutral, low_positive], ("M_i_A", "M_i_B"), "Te", 1)
    assert site == "M_i_B"  # 3.2 - 1.1 is below 3.0 - 0.5
    assert level == pytest.approx(3.0 - 2.1)
    alone, own = native_level([low_neutral, low_positive], ("M_i_A",), "Te", 1)
    assert (alone, own) == ("M_i_A", pytest.approx(0.5))
    with pytest.raises(TableError, match="no published PBE level"):
        native_level([low_neutral], ("M_A",), "Te", 1)


@pytest.mark.parametrize(
    ("name", "sites"),
    [
        ("v_Cd", ("M_A",)), ("V_Te", ("M_B",)), ("Va_Te", ("M_B",)), ("Te_Cd", ("M_A",)),
        ("Cd_Te", ("M_B",)), ("Int_Te_3", ("M_i_A", "M_i_B", "M_i_neut")),
        ("Te_i_Td", ("M_i_A", "M_i_B", "M_i_neut")), ("v_Zn", ()), ("complex_1", ()),
    ],
)  # fmt: skip
def test_names_of_other_programs_are_placed_or_left_out(name, sites):
    assert sites_of("CdTe", name) == sites


def result(level, site="v_Cd", impurity="vacancy", charge=0, fidelity="HSE06, doped"):
    return {"host": "CdTe", "site": site, "impurity": impurity, "q_from": charge,
            "corrected_eV": level, "fidelity": fidelity, "gap_eV": 1.5}  # fmt: skip


HOSTS = [{"host": "CdTe", "vbm_pbe_eV": 3.2, "vbm_hse_eV": 2.8, "gap_hse_eV": 1.3}]


def test_each_way_and_its_error():
    foundry = [
        {"host_material": "CdS", "site": "M_Cd", "impurity": "V", "charge_from": 2.0,
         "ba_shift": 0.65, "host bandgap": 2.05, PBE: 0.0, HSE: -0.5}
    ]  # fmt: skip
    natives = {"CdTe": [native("M_A", 2.0, (-1, -0.7, -0.3, -0.1, 0.2, 1.9), "vacancy")]}
    rows = hybrid_rows(foundry, [result(0.5)], natives, HOSTS, 0.14)
    cds, cdte = rows
    assert all(set(r) == set(HYBRID_COLUMNS) for r in rows)
    assert (cdte["pbe_eV"], cdte["shift_eV"]) == (pytest.approx(-0.1), pytest.approx(0.4))
    assert cdte["plain_eV"] == pytest.approx(0.3)
    assert cdte["mba_eV"] == pytest.approx(0.3 + 0.14 * (-0.1 - 1.3))
    assert cdte["delta_eV"] == pytest.approx(-0.1 - 0.5)  # what CdS says, nothing of CdTe
    assert cds["delta_eV"] == pytest.approx(0.0 + 0.6)
    for row in rows:
        for way in WAYS:
            assert row[f"error_{way}_eV"] == pytest.approx(row[f"{way}_eV"] - row["hse_eV"])


def live(protocol, level, host="GaP", **more):
    method = "PBE" if protocol.endswith("_pbe") else "HSE06@PBE"
    return {"host": host, "site": "M_A", "impurity": "Sn", "q_from": 1, "q_to": 0, "atoms": 64,
            "protocol": protocol, "fidelity": f"{method}, 64 atoms, 1^3 k-points",
            "corrected_eV": level, "mark": "localised", **more}  # fmt: skip


def test_own_cells_stand_beside_the_same_cells_by_pbe():
    hosts = [{**HOSTS[0], "host": "GaP"}]
    rows = [
        live("hybrid", 1.4),
        live("hybrid_pbe", 1.0, mark="shallow"),
        live("hybrid_pbe", 0.2, atoms=16),  # another cell
        live("hybrid", 1.9, impurity="Ge"),  # without PBE
        live("hybrid", math.nan, impurity="Si"),
        live("hybrid_pbe", 0.5, impurity="Si"),
        live("fast", 0.9),
        live("hybrid", 1.4, host="MgO"),
        live("hybrid_pbe", 1.0, host="MgO"),  # a host whose edges are not known
    ]
    (only,) = hybrid_rows([], [], {}, hosts, 0.14, rows)
    assert set(only) == set(HYBRID_COLUMNS)
    assert (only["hse_eV"], only["pbe_eV"]) == (1.4, 1.0)
    assert only["plain_eV"] == pytest.approx(1.0 + 0.4)
    assert only["error_plain_eV"] == pytest.approx(0.0)
    assert "shallow by PBE" in only["remark"]


def test_self_consistency_at_the_zone_centre_is_added_to_the_level_of_the_denser_mesh():
    hosts = [{**HOSTS[0], "host": h} for h in ("GaP", "AlP")]
    rows = [
        *(live(p, v) for p, v in (("hybrid", 1.4), ("hybrid_pbe", 1.0))),
        *(live(p, v) for p, v in (("zone_centre", 2.1), ("self_consistent", 1.8))),
        *(live(p, v, host="AlP") for p, v in (("hybrid", 1.5), ("hybrid_pbe", 1.1))),
        live("zone_centre", 2.0, host="AlP"),
        live("self_consistent", 1.0, host="AlP", atoms=16),  # another cell
        live("self_consistent", math.nan, host="AlP"),  # one that failed
    ]
    known, without = hybrid_rows([], [], {}, hosts, 0.14, rows)
    assert known["hse_eV"] == pytest.approx(1.4 - 0.3)
    assert known["error_pbe_eV"] == pytest.approx(-0.1)
    assert "on PBE orbitals 1.40 eV" in known["remark"]
    assert known["source"] == "own cells, HSE06, 64 atoms"
    assert without["hse_eV"] == 1.5
    assert "HSE06@PBE" in without["source"]


def test_what_is_no_hybrid_or_has_no_partner_is_passed_over():
    natives = {"CdTe": [native("M_A", 2.0, (-1, -0.7, -0.3, -0.1, 0.2, 1.9), "vacancy")]}
    results = [
        result(0.5, fidelity="PBE, doped"),
        result(math.nan),
        result(0.5, site="v_Te"),
        result(0.5) | {"host": "MgO"},
    ]
    assert hybrid_rows([], results, natives, HOSTS, 0.14) == []
    (lone,) = hybrid_rows([], [result(0.5)], natives, HOSTS, 0.14)
    assert math.isnan(lone["delta_eV"])  # no other host to learn from


def test_natives_are_read_with_their_energy_and_incomplete_ones_are_not(tmp_path):
    text = HEAD + (
        "CdTe,II-VI,V_Cd,V,M_A,,,-0.98,-0.69,-0.35,-0.04,0.25,1.9,,,2.67,1.72\n"
        "CdTe,II-VI,Te_i_A,Te,M_i_A,,,-0.12,0.06,0.63,0.97,1.35,,,,4.16,3.21\n"
        "ZnO,II-VI,V_Zn,V,M_A,,,-1.46,-0.92,-0.27,0.34,1.11,3.13,,,6.27,3.01\n"
    )
    (tmp_path / "natives.csv").write_text(text)
    (only,) = read_natives(tmp_path / "natives.csv", "CdTe")
    assert (only.site, only.impurity, only.formation) == ("M_A", "vacancy", 2.67)
    assert only.levels[-1] == 0.25
    (tmp_path / "renamed.csv").write_text(text.replace("Delta_H (A-rich)", "dH"))
    with pytest.raises(TableError, match="Delta_H"):
        read_natives(tmp_path / "renamed.csv", "CdTe")


def test_published_results_of_cdte_are_hybrid_levels(mirror):
    """Energies and corrections as stored: (0/-1) of the cadmium vacancy, by hand."""
    from defectra.defects.program_results import levels_of_results

    path = Path(mirror) / "levels/doped/CdTe/CdTe_example_thermo.json"
    rows = levels_of_results(path, 0.14)[0]
    natives = {"CdTe": read_natives(
        Path(mirror) / "levels/ai_semiconductors/DFT_native_defects.csv", "CdTe")}  # fmt: skip
    found = {(r["impurity"], r["q_from"]): r for r in hybrid_rows([], rows, natives, HOSTS, 0.14)}
    assert set(found) == {("vacancy", 0), ("vacancy", -1), ("Te", 2)}
    entries = json.loads(path.read_text())
    assert entries["vbm"] == pytest.approx(1.6465)
    by_hand = -209.48229917 + 0.22491819633 + 211.44626875 - entries["vbm"]
    assert found["vacancy", 0]["hse_eV"] == pytest.approx(by_hand, abs=1e-6)
    assert found["vacancy", 0]["pbe_eV"] == pytest.approx(-0.04)
    assert found["vacancy", -1]["hse_eV"] < found["vacancy", 0]["hse_eV"]  # negative U
