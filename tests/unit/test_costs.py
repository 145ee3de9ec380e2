"""Laws of cost: recovered from planted numbers, read back, and in step with the archive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from defectra.campaign import costs
from defectra.campaign.costs import (
    ALONE,
    ATOMS,
    OTHER_EDGE,
    SAME_EDGE,
    Law,
    Measured,
    dump,
    fit,
    load,
    sharing,
)
from defectra.campaign.measured_costs import laws_by_folder
from defectra.core.errors import ConfigError
from defectra.core.records import CALCULATIONS, GEOMETRIES
from defectra.core.store import Archive

LAW = Law("feff", "fast", ALONE, 30.0, 1.5, 0.1, 0.0, 1.2, 180.0, 50, (20, 60))


def planted(law: Law, noise: float = 0.0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    draw = np.random.default_rng(1)
    cells, rows = [], []
    for k, atoms in enumerate(range(20, 61)):
        cells.append(
            {"geometry_id": f"g{k}", "species": ["O"] * atoms, "status": "ok", "cpu_s": 0.0}
            | {"protocol": "vegard"}
        )
        seconds = law.cpu(atoms) * np.exp(noise * draw.standard_normal())
        rows.append(
            {"calculation_id": f"c{k}", "geometry_id": f"g{k}", "engine": "feff", "status": "ok"}
            | {"protocol": "fast", "edge": "K", "shared_from": "", "cpu_s": seconds}
            | {"wall_s": 1.2 * seconds, "max_rss_mb": 100.0 + k}
        )
    return rows, cells


def test_planted_law_is_recovered() -> None:
    rows, cells = planted(LAW)
    (found,) = fit(rows, cells)
    assert found.key == LAW.key
    assert found.seconds == pytest.approx(30.0, abs=0.01)
    assert found.exponent == pytest.approx(1.5)
    assert found.wall == pytest.approx(1.2)
    assert (found.memory_mb, found.count, found.atoms) == (140.0, 41, (20, 60))
    assert found.cpu(int(ATOMS)) == pytest.approx(30.0, abs=0.01)


def test_sum_over_noisy_rows_is_kept_and_the_error_covers_the_exponent() -> None:
    rows, cells = planted(LAW, noise=0.3)
    (found,) = fit(rows, cells)
    total = sum(row["cpu_s"] for row in rows)
    predicted = sum(found.cpu(len(cell["species"])) for cell in cells)
    assert predicted == pytest.approx(total, rel=0.01)
    assert abs(found.exponent - 1.5) < 3 * found.error
    assert found.scatter == pytest.approx(0.3, rel=0.3)


def test_failed_rows_and_few_rows_make_no_law() -> None:
    rows, cells = planted(LAW)
    assert fit(rows[:7], cells) == []
    assert fit([row | {"status": "failed"} for row in rows], cells) == []


def test_of_one_size_four_rows_make_a_law_without_an_exponent() -> None:
    rows, cells = planted(LAW, noise=0.2)
    same = [cell | {"species": ["O"] * 36} for cell in cells]
    (found,) = fit(rows[:4], same)
    assert (found.count, found.exponent, found.atoms) == (4, 0.0, (36, 36))
    assert found.cpu(36) == pytest.approx(np.mean([r["cpu_s"] for r in rows[:4]]), rel=1e-3)
    assert fit(rows[:3], same) == []


def test_sharing_is_reported_by_the_edge_of_the_owner() -> None:
    edges = {"a": "K"}
    assert sharing({"shared_from": "", "edge": "K"}, edges) == ALONE
    assert sharing({"shared_from": "a", "edge": "K"}, edges) == SAME_EDGE
    assert sharing({"shared_from": "a", "edge": "L3"}, edges) == OTHER_EDGE


def test_written_laws_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "costs.yaml"
    path.write_text(dump([LAW], "nothing"), encoding="utf-8")
    assert load(path) == {LAW.key: LAW}


@pytest.mark.parametrize("text", ["", "laws: [{engine: x}]", "laws: 3", ": ["])
def test_damaged_table_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "costs.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="make costs"):
        load(path)


def test_shipped_table_predicts_the_archive(root: Path) -> None:
    """It need not be fitted to the last row, but must not have gone stale."""
    laws = load(root / "workflow" / "costs.yaml")
    archive = Archive(root / "resources" / "archive")
    rows, cells = archive.read(CALCULATIONS), archive.read(GEOMETRIES)
    atoms = {cell["geometry_id"]: len(cell["species"]) for cell in cells}
    edges = {row["calculation_id"]: row["edge"] for row in rows}
    known = [r for r in rows if r["geometry_id"] in atoms and r["cpu_s"] > 0]
    keys = [(r["engine"], r["protocol"], sharing(r, edges)) for r in known]
    pairs = [(r, laws[k]) for r, k in zip(known, keys) if k in laws]
    assert len(pairs) > 0.9 * len(known)
    predicted = sum(law.cpu(atoms[row["geometry_id"]]) for row, law in pairs)
    assert predicted == pytest.approx(sum(row["cpu_s"] for row, _ in pairs), rel=0.2)
    assert max(row["max_rss_mb"] for row, _ in pairs) < 1.2 * max(law.memory_mb for _, law in pairs)


def test_an_engine_brings_its_own_law_and_the_shared_table_wins(tmp_path, monkeypatch) -> None:
    runs = [Measured(("synthetic_patterns", "counted", ALONE), 10890 * k, 1e-3 * k, 1e-3 * k, 90.0)
            for k in range(1, 10)]  # fmt: skip
    (folder,) = found = laws_by_folder(runs, set())
    assert folder == "synthetic"
    (law,) = found[folder]
    assert law.cpu(10890 * 4) == pytest.approx(4e-3, rel=0.02)  # small seconds keep their digits
    assert laws_by_folder(runs, {law.key}) == {}
    assert laws_by_folder(runs[:7], set()) == {}
    own, shared = tmp_path / "own.yaml", tmp_path / "shared.yaml"
    own.write_text(dump([law, LAW], "runs"))
    shared.write_text(dump([replace(LAW, seconds=99.0)], "archive"))
    monkeypatch.setattr(costs, "own_tables", lambda: [own])
    laws = costs.load_with_own(shared)
    assert (laws[LAW.key].seconds, laws[law.key]) == (99.0, law)
    assert costs.texts(shared) == shared.read_text() + "\n" + own.read_text()


def test_tables_of_engines_can_be_read() -> None:
    tables = costs.own_tables()
    assert tables
    assert all(costs.load(path) for path in tables)
