"""Defect levels out of tables of a user's own, and charges that are stable nowhere."""

import csv
import re

import numpy as np
import pytest

from defectra.core.errors import TableError
from defectra.core.records import Origin
from defectra.defects.energy_levels import ChargedEnergies, level_rows
from defectra.defects.energy_tables import Mapped, levels_of_table
from defectra.studies.levels.tables import COMPUTED_LEVELS

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
