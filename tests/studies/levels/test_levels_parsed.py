"""Levels of one's own runs join the published ones as training rows, or say why they do not."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from defectra.core.csvs import read_csv, write_csv
from defectra.core.store import read_table, write_table
from defectra.studies.levels.evaluate import assemble
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.parsed import GEOMETRY, parsed_rows
from defectra.studies.levels.published import CHARGES, LEVELS, read_impurities
from defectra.studies.levels.tables import COMPUTED_LEVELS

HEADS = ["AB", "Type", "Site", "Impurity", "", "(+3/+2)", "(+2/+1)", "(+1/0)"]
HEADS += ["(0/-1)", "(-1/-2)", "(-2/-3)"]
GOOD = ["ZnSe", "II-VI", "M_A", "Ga", "", "-0.8", "0.1", "1.0", "1.5", "2.0", "2.5"]
HOSTS = Path("resources/levels/hosts.csv")
LEVEL = {q: 0.3 * (3 - q) for q in CHARGES}


def levels(host: str = "ZnTe", impurity: str = "In", **change: Any) -> list[dict[str, Any]]:
    """Rows of parsed_levels.csv: one defect, its six levels."""
    text = {c.name for c in COMPUTED_LEVELS.columns if c.type == "string"}
    empty: dict[str, Any] = {n: "" if n in text else 0.1 for n in COMPUTED_LEVELS.names}
    own = {"host": host, "site": "M_A", "impurity": impurity, "mark": "localised", "status": "ok",
           "fidelity": "PBE, parsed from VASP 6.4.2", "atoms": 64}  # fmt: skip
    return [
        empty | own | {"q_from": q, "q_to": q - 1, "level_eV": LEVEL[q]} | change for q in CHARGES
    ]


@pytest.fixture
def published(tmp_path: Path) -> list[dict[str, Any]]:
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([HEADS, GOOD])
    return read_impurities(tmp_path / "t.csv")[0]


def joined(
    computed: list[dict[str, Any]],
    published: list[dict[str, Any]],
    folder: Path,
    declared: str = GEOMETRY,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Through the files between the two steps."""
    write_csv(folder / "parsed_levels.csv", computed, COMPUTED_LEVELS.names)
    rows = read_csv(folder / "parsed_levels.csv", COMPUTED_LEVELS.names)
    keys = {(r["host"], r["site"], r["impurity"]) for r in published}
    new, left_out = parsed_rows(rows, keys, read_hosts(HOSTS), declared)
    write_table(folder / "levels.parquet", published + new, LEVELS)
    return read_table(folder / "levels.parquet", LEVELS), [r["reason"] for r in left_out]


def test_a_new_impurity_trains_and_is_not_scored(
    published: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows, left_out = joined(levels(), published, tmp_path)
    assert left_out == []
    data = assemble(rows, read_hosts(HOSTS))
    assert data.keys == [("ZnSe", "M_A", "Ga"), ("ZnTe", "M_A", "In")]
    assert data.scored.tolist() == [True, False]
    assert data.family == ["II-VI", "II-VI"]
    assert data.labels[1] == pytest.approx([LEVEL[q] for q in CHARGES])


@pytest.mark.parametrize(
    ("change", "declared", "reason"),
    [
        ({"fidelity": "HSE06, parsed from VASP 6.4.2"}, GEOMETRY, "fidelities do not mix"),
        ({}, "parsed", "set levels.live.parsed_geometry: relaxed"),
        ({"mark": "not corrected"}, GEOMETRY, "no corrected level (+3/+2)"),
        ({"level_eV": float("nan")}, GEOMETRY, "wants all six"),
        ({"site": "M_i_old"}, GEOMETRY, "none of M_A"),
        ({"host": "ZnSe", "impurity": "Ga"}, GEOMETRY, "is in the table already"),
        ({"host": "MgO"}, GEOMETRY, "add its lattice constant and gap"),
    ],
)
def test_what_must_not_join_says_why(
    published: list[dict[str, Any]],
    tmp_path: Path,
    change: dict[str, Any],
    declared: str,
    reason: str,
) -> None:
    rows, left_out = joined(levels(**change), published, tmp_path, declared)
    assert len(rows) == len(published)
    assert [reason in text for text in left_out] == [True]


def test_five_levels_are_not_six_and_two_functionals_are_two_sets(
    published: list[dict[str, Any]], tmp_path: Path
) -> None:
    mixed = [*levels()[:3], *levels(fidelity="LDA, parsed from VASP 6.4.2")[3:]]
    rows, left_out = joined(mixed, published, tmp_path)
    assert len(rows) == len(published)
    assert any("no corrected level (0/-1), (-1/-2), (-2/-3)" in text for text in left_out)
