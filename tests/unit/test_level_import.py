"""Published level tables: the good ones are read, each broken copy is explained in one sentence."""

import csv
import math

import pytest

from defectra.core.errors import TableError
from defectra.defects.alignment import plain, valence_shift
from defectra.studies.levels.band_alignment import alignment_rows
from defectra.studies.levels.hosts import COLUMNS, describe, read_hosts
from defectra.studies.levels.published import (
    FOUNDRY,
    HSE,
    PBE,
    VACANCY,
    read_foundry,
    read_impurities,
    read_natives,
)

HEADS = ["AB", "Type", "Site", "Impurity", "", "(+3/+2)", "(+2/+1)", "(+1/0)"]
HEADS += ["(0/-1)", "(-1/-2)", "(-2/-3)"]
GOOD = ["ZnSe", "II-VI", "M_A", "Ga", "", "-0.8", "0.1", "1.0", "1.5", "2.0", "2.5"]


def write(path, *lines):
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(lines)
    return path


def test_a_good_row_has_six_levels_with_falling_charge(tmp_path):
    rows, left_out = read_impurities(write(tmp_path / "t.csv", HEADS, GOOD))
    assert [r["q_from"] for r in rows] == [3, 2, 1, 0, -1, -2]
    assert rows[2]["level_eV"] == 1.0
    assert left_out == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({5: "", 6: "", 7: "", 8: "", 9: "", 10: ""}, "no levels"),
        ({7: ""}, "a level is blank"),
        ({10: "0"}, "a zero that breaks the order"),
        ({2: "M_i_old"}, "none of M_A"),
        ({3: "Ab"}, "no chemical element"),
        ({1: "V-III"}, "none of II-VI"),
        ({0: "zinc selenide"}, "host of one or two elements"),
    ],
)
def test_unusable_rows_are_left_out_with_a_reason(tmp_path, change, reason):
    bad = [change.get(k, v) for k, v in enumerate(GOOD)]
    rows, left_out = read_impurities(write(tmp_path / "t.csv", HEADS, bad))
    assert rows == []
    assert reason in left_out[0]["reason"]
    assert left_out[0]["source_row"] == 2


def test_a_zero_in_its_place_is_a_level(tmp_path):
    fine = [{6: "0.0"}.get(k, v) for k, v in enumerate(GOOD)]
    rows, _ = read_impurities(write(tmp_path / "t.csv", HEADS, fine))
    assert rows[1]["level_eV"] == 0.0


def test_duplicates_count_once_and_contradictions_are_errors(tmp_path):
    rows, left_out = read_impurities(write(tmp_path / "t.csv", HEADS, GOOD, GOOD))
    assert len(rows) == 6
    assert "duplicate" in left_out[0]["reason"]
    other = [*GOOD[:-1], "2.9"]
    with pytest.raises(TableError, match=r"line 3.*twice"):
        read_impurities(write(tmp_path / "u.csv", HEADS, GOOD, other))


def test_a_missing_column_and_a_word_for_a_number_are_errors(tmp_path):
    with pytest.raises(TableError, match=r"\(-2/-3\)' is missing"):
        read_impurities(write(tmp_path / "t.csv", HEADS[:-1], GOOD[:-1]))
    bad = [{7: "n/a"}.get(k, v) for k, v in enumerate(GOOD)]
    with pytest.raises(TableError, match=r"line 2, \(\+1/0\): 'n/a' is not a number"):
        read_impurities(write(tmp_path / "t.csv", HEADS, bad))


def test_published_tables(mirror):
    folder = mirror / "levels" / "ai_semiconductors"
    if not folder.is_dir():
        pytest.skip("the mirror holds no levels")
    rows, left_out = read_impurities(folder / "DFT_impurities.csv")
    assert (len(rows), len({r["host"] for r in rows})) == (876 * 6, 34)
    assert len(left_out) == 1440 - 876
    natives, odd = read_natives(folder / "DFT_native_defects.csv")
    assert len(natives) == 308 * 6
    assert VACANCY in {r["impurity"] for r in natives}
    assert sorted(r["reason"][:4] for r in odd) == ["'Ab'", "'Ab'", "'Ab'", "a ze"]


UNITS = {"host bandgap": "_[eV]", "host lattice constant": "_[Ang.]", PBE: "_[eV]", HSE: "_[eV]"}
FOUNDRY_HEADS = [name + UNITS.get(name, "") for name in FOUNDRY]
ROWS = [
    "CdS Cd S V Cd 3 M_Cd 2 1 2.05 5.94 8.9 0.6515 0.3645 0.177805 0 -0.534395".split(),
    "CdS Cd S In Cd 3 M_Cd 2 1 2.05 5.94 8.9 0.6515 -0.1827 -0.089122 -0.48 -0.44835".split(),
]


def test_mba_rule_reproduces_the_published_rows_to_all_digits(tmp_path):
    rows, _ = read_foundry(write(tmp_path / "f.csv", FOUNDRY_HEADS, *ROWS))
    for r in alignment_rows(rows, 0.14):
        assert r["mba_eV"] == pytest.approx(r["published_mba_eV"], abs=1e-9)
        assert r["plain_eV"] == pytest.approx(r["pbe_eV"] + 0.6515)
    errors = [abs(r["error_mba_eV"]) for r in alignment_rows(rows, 0.14)]
    raw = [abs(r["error_pbe_eV"]) for r in alignment_rows(rows, 0.14)]
    assert errors == pytest.approx([0.898895, 0.26565])
    assert raw == pytest.approx([0.534395, 0.03165])


def test_sample_of_the_mirror(mirror):
    file = mirror / "levels/foundry_sample/foundry_defectlevels_first_rows.csv"
    if not file.is_file():
        pytest.skip("the mirror holds no levels")
    rows, left_out = read_foundry(file)
    assert len(rows) == 3
    assert left_out == []
    found = alignment_rows(rows, 0.14)
    assert [r["mba_eV"] for r in found[:2]] == pytest.approx([0.3645, -0.1827], abs=1e-9)
    assert math.isnan(found[2]["mba_eV"])


def test_valence_shift_is_positive_where_the_dearer_vbm_lies_deeper():
    assert valence_shift(5.0, 1.0, 4.6, 1.2) == pytest.approx(0.6)
    assert plain(0.2, 0.6) == pytest.approx(0.8)


def test_units_may_stand_anywhere_but_must_agree(tmp_path):
    moved = [
        {9: "[eV] host bandgap", 10: "host lattice constant [Ang.]"}.get(k, h)
        for k, h in enumerate(FOUNDRY_HEADS)
    ]
    rows, _ = read_foundry(write(tmp_path / "f.csv", moved, *ROWS))
    assert rows[0]["host bandgap"] == 2.05
    other = [{9: "host bandgap_[meV]"}.get(k, h) for k, h in enumerate(FOUNDRY_HEADS)]
    with pytest.raises(TableError, match="is in meV, expected eV"):
        read_foundry(write(tmp_path / "g.csv", other, *ROWS))
    none = [{9: "host bandgap"}.get(k, h) for k, h in enumerate(FOUNDRY_HEADS)]
    with pytest.raises(TableError, match="is in no unit, expected eV"):
        read_foundry(write(tmp_path / "h.csv", none, *ROWS))


def test_a_renamed_column_is_reported_with_the_nearest_name(tmp_path):
    renamed = [{12: "ba_shifts"}.get(k, h) for k, h in enumerate(FOUNDRY_HEADS)]
    with pytest.raises(TableError, match="'ba_shift' is missing; is it 'ba_shifts'"):
        read_foundry(write(tmp_path / "f.csv", renamed, *ROWS))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({13: "", 15: "", 16: ""}, "no levels"),
        ({7: "1"}, "one electron"),
        ({9: "0"}, "no gap"),
        ({9: ""}, "no gap"),
    ],
)
def test_unusable_foundry_rows(tmp_path, change, reason):
    bad = [change.get(k, v) for k, v in enumerate(ROWS[0])]
    rows, left_out = read_foundry(write(tmp_path / "f.csv", FOUNDRY_HEADS, bad, ROWS[1]))
    assert len(rows) == 1
    assert reason in left_out[0]["reason"]


def test_host_table_is_complete_and_sourced(root):
    hosts = read_hosts(root / "resources" / "levels" / "hosts.csv")
    assert len(hosts) == 34
    deep = {h: describe(h, hosts[h])["vbm"] for h in ("ZnO", "ZnS", "ZnSe", "ZnTe")}
    assert sorted(deep, key=deep.get) == ["ZnO", "ZnS", "ZnSe", "ZnTe"]  # common-cation rule


def test_conduction_band_lies_above_the_valence_band_in_every_host(root):
    hosts = read_hosts(root / "resources" / "levels" / "hosts.csv")
    for host, own in hosts.items():
        found = describe(host, own)
        assert found["cbm"] > found["vbm"], host


def test_our_own_numbers_win_over_literature_in_any_order(tmp_path):
    lines = [
        ["GaAs", "lattice", "5.6", "Å", "computed", "own"],
        ["GaAs", "lattice", "5.65", "Å", "literature", "book"],
        ["GaAs", "gap", "1.5", "eV", "literature", "book"],
    ]
    for order in (lines, lines[::-1]):
        found = read_hosts(write(tmp_path / "h.csv", COLUMNS, *order))
        assert found["GaAs"]["lattice"] == 5.6


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (["GaAs", "lattice", "565", "pm", "literature", "book"], "unit"),
        (["GaAs", "lattice", "0", "Å", "literature", "book"], "cannot be"),
        (["GaAs", "lattice", "x", "Å", "literature", "book"], "not a number"),
        (["GaAs", "lattice", "5.6", "Å", "literature", ""], "source"),
        (["GaAs", "colour", "1", "", "literature", "book"], "allowed"),
        (["GaAs", "lattice", "5.6", "Å", "literature", "book"], "has no gap"),
    ],
)
def test_broken_host_lines(tmp_path, line, word):
    with pytest.raises(TableError, match=word):
        read_hosts(write(tmp_path / "h.csv", COLUMNS, line))


def test_a_row_of_the_foundry_that_is_there_twice(tmp_path):
    rows, left_out = read_foundry(write(tmp_path / "f.csv", FOUNDRY_HEADS, *ROWS, ROWS[0]))
    assert len(rows) == len(ROWS)
    assert "duplicate" in left_out[0]["reason"]
