"""Union of chunks, and the threshold of failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from defectra.campaign.gather import check_failures, unite
from defectra.campaign.parameters import worker_settings
from defectra.core.config import load
from defectra.core.errors import TableError
from defectra.core.records import CALCULATIONS, SPECTRA
from defectra.core.store import Row, read_table, write_table
from defectra.studies.nmc.parameters import pick, training_hash

ROOT = Path(__file__).resolve().parents[2]
BLANK = {"string": "", "int": 0, "float": 0.0}


def spectrum(name: str, mu: float) -> Row:
    return {
        "calculation_id": name,
        "energy_eV": [1.0, 2.0],
        "mu": [0.0, mu],
        "mu0": [0.0, 1.0],
        "edge_step": 1.0,
    }


def calculation(name: str, status: str) -> Row:
    row = {c.name: BLANK[c.type] for c in CALCULATIONS.columns}
    return row | {"calculation_id": name, "status": status, "error_class": "timeout"}


def test_union_has_one_row_for_each_key_from_the_first_chunk(tmp_path: Path) -> None:
    write_table(tmp_path / "a", [spectrum("x", 1.0), spectrum("y", 2.0)], SPECTRA)
    write_table(tmp_path / "b", [spectrum("y", 3.0), spectrum("z", 4.0)], SPECTRA)
    parts = [tmp_path / "a", tmp_path / "b"]
    assert unite(parts, tmp_path / "out", SPECTRA, ["calculation_id"]) == 3
    rows = read_table(tmp_path / "out", SPECTRA)
    assert [(r["calculation_id"], r["mu"][1]) for r in rows] == [("x", 1), ("y", 2), ("z", 4)]


def test_union_of_nothing_is_an_empty_table(tmp_path: Path) -> None:
    write_table(tmp_path / "a", [], SPECTRA)
    assert unite([tmp_path / "a"], tmp_path / "out", SPECTRA, ["calculation_id"]) == 0
    assert read_table(tmp_path / "out", SPECTRA) == []


def test_threshold_is_crossed_above_and_not_at_the_limit(tmp_path: Path) -> None:
    rows = [calculation(str(n), "failed" if n < 2 else "ok") for n in range(8)]
    write_table(tmp_path / "a", rows, CALCULATIONS)
    assert check_failures([tmp_path / "a"], 0.25) == 0.25
    with pytest.raises(TableError, match=r"2 of 8 calculations failed \(timeout 2 times"):
        check_failures([tmp_path / "a"], 0.24)


def test_leaves_change_with_what_they_carry_and_with_nothing_else() -> None:
    path = ROOT / "config" / "config.yaml"
    base = load(path)
    trees = load(path, {"nmc": {"model": {"trees": 7}}})
    fast = load(path, {"protocols": {"feff": {base.nmc.protocol: {"fms_radius": 4.9}}}})
    other = load(path, {"protocols": {"feff": {"stringent": {"fms_radius": 4.9}}}})
    assert worker_settings(base) == worker_settings(trees) == worker_settings(other)
    assert worker_settings(base) != worker_settings(fast)
    assert training_hash(base) == training_hash(trees) == training_hash(other)
    assert training_hash(base) != training_hash(fast)
    assert pick(base, "model") != pick(trees, "model")
    assert pick(base, "geometry") == pick(trees, "geometry")
