"""Blocks in cells of a second potential: what carries over, and what would not."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.core.config import load
from defectra.learn.crossval import TARGETS
from defectra.spectra.align import points
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.campaign import drawn, families_of_block, second_relaxer
from defectra.studies.nmc.blocks.second_relaxer import (
    CORRELATION,
    DIFFERENCE,
    FIRST,
    SECOND,
    VOLUME,
    compare,
)

EDGE = "O K"
GRIDS = {EDGE: Grid(start=520, stop=560, step=0.1)}
ARMS = ("pristine", "vacancy", "antisite")
CENTRES = {"vacancy": 535.0, "antisite": 545.0}


def arm(block, name, seen_as, generator):
    """A row whose spectrum carries the band of the defect that `seen_as` says."""
    energy = points(GRIDS[EDGE])
    mu = 1 + 0.02 * generator.normal() * np.sin(energy / 3)
    if seen_as in CENTRES:
        mu = mu + 0.5 * np.exp(-(((energy - CENTRES[seen_as]) / 3) ** 2))
    labels = {t.column: float(name == t.column) if t.is_class else 0.25 for t in TARGETS}
    return {
        "block": block, "arm": name, "group": f"family {block}", "structure_id": f"{block}{name}",
        **labels, f"raw: {EDGE}": list(mu / mu.mean() / 40),
    }  # fmt: skip


def rows(blocks, seed, seen_as=lambda name: name):
    generator = np.random.default_rng(seed)
    return [arm(b, a, seen_as(a), generator) for b in range(blocks) for a in ARMS]


def cells(blocks, per_vacancy):
    return [
        {"structure_id": f"{b}{a}", "protocol": p, "volume": 350 + b + (a == "vacancy") * change}
        for p, change in per_vacancy.items()
        for b in range(blocks)
        for a in ("pristine", "vacancy")
    ]


def value(found, **key):
    return next(r for r in found if all(r[k] == v for k, v in key.items()))


def test_the_same_defect_in_other_cells_is_detected_and_another_one_is_not():
    change = {"chgnet": 4.0, "sevennet": -1.0}
    alike = compare(rows(8, 0), rows(4, 1), cells(4, change), GRIDS, 0)
    won = value(alike, statistic="win_rate", subject="vacancy against pristine", cells=SECOND)
    assert (won["value"], won["n"]) == (1.0, 4)
    same = value(alike, statistic=CORRELATION, subject=f"{EDGE}: vacancy minus pristine")
    assert same["value"] > 0.95
    exchanged = {"pristine": "vacancy", "vacancy": "pristine", "antisite": "antisite"}
    other = compare(rows(8, 0), rows(4, 1, exchanged.get), cells(4, change), GRIDS, 0)
    lost = value(other, statistic="win_rate", subject="vacancy against pristine", cells=SECOND)
    kept = value(other, statistic="win_rate", subject="vacancy against pristine", cells=FIRST)
    assert (lost["value"], kept["value"]) == (0.0, 1.0)
    gap = value(other, statistic="auroc", subject="vacancy against pristine", cells=DIFFERENCE)
    assert gap["value"] == -1.0
    volumes = {r["cells"]: r["value"] for r in alike if r["statistic"] == VOLUME}
    assert volumes == pytest.approx({FIRST: 4.0, SECOND: -1.0, DIFFERENCE: -5.0})


def test_one_common_block_gives_no_number():
    assert compare(rows(8, 0), rows(1, 1), [], GRIDS, 0) == []
    assert compare(rows(8, 0), [], [], GRIDS, 0) == []


def test_the_second_potential_asks_for_the_same_sites_in_other_cells():
    config = load()
    first, second = (next(drawn(c)) for c in (config, second_relaxer(config)))
    assert list(second.rows) == list(ARMS)
    for name in ARMS:
        assert first.rows[name]["structure_id"] == second.rows[name]["structure_id"]
    asked = {r["arm"]: r["geometry_protocol"] for r in second.table}
    assert asked == dict.fromkeys(ARMS, "sevennet-cell")
    free, *spectra = families_of_block(second_relaxer(config), second)
    given = list(free.chain(lambda _: None))
    assert [(r.engine, r.input["row"]["defect"]) for r in given] == [
        (engine, defect)
        for engine in ("chgnet", "sevennet")
        for defect in ("pristine", "oxygen_vacancy")
    ]
    assert len(spectra) == len(ARMS)


def test_sevennet_relaxes_lithium_nickel_oxide_near_its_measured_volume():
    pytest.importorskip("sevenn")
    from defectra.engines.sevennet.run import relax
    from defectra.engines.sevennet.settings import SevennetProtocol
    from defectra.structures.geometry import vegard

    row = next(drawn(load())).rows["pristine"]
    start = vegard(row)
    found = relax(row, "sevennet", SevennetProtocol(fmax=0.3), start)
    assert found["status"] == "ok"
    assert found["volume"] == pytest.approx(start["volume"], rel=0.06)
