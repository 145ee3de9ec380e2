"""Converged potentials: planted errors of a protocol, planted changes, blocks without spectra."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.core.config import load, own_or_shipped
from defectra.core.records import Metric
from defectra.learn.crossval import TARGETS
from defectra.spectra.align import points
from defectra.structures.geometry import vegard
from defectra.studies.nmc.blocks.campaign import drawn
from defectra.studies.nmc.blocks.convergence import (
    ALIKE,
    ALL_EDGES,
    COLUMNS,
    COMPARED,
    CONVERGED,
    DIFFERENCE,
    DISTANCE,
    FAST,
    FAST_SITES,
    MEAN,
    SIZE,
    WITHOUT,
    Spectra,
    compare,
)
from defectra.studies.nmc.blocks.design import tasks
from defectra.studies.nmc.blocks.shells import on_grid
from defectra.studies.nmc.blocks.sites import pairs_of
from defectra.studies.nmc.blocks.tables import RAW, block_design
from defectra.studies.nmc.checks import Tables, checks

CONFIG = load(own_or_shipped())
GRIDS, SPEC = CONFIG.nmc.edges, CONFIG.nmc.blocks
COUNT, WITH = 5, 3  # blocks, blocks with converged spectra
EDGES = ("O K", "Mn K")
PLACES = {"vacancy": -6.0, "antisite": 8.0}  # eV from the step: where a defect adds a band


@pytest.fixture(scope="module")
def blocks():
    return [b for b, _ in zip(drawn(CONFIG), range(COUNT))]


@pytest.fixture(scope="module")
def cells(blocks):
    return {r["structure_id"]: vegard(r) for b in blocks for r in b.rows.values()}


def site(block, arm, task, sign=1.0, error=0.0):
    """Step, peak, a band of the defect that `sign` may turn over, an `error` of the protocol."""
    grid = GRIDS[f"{task['element']} {task['edge']}"]
    energy = np.arange(grid.start - grid.shift - 5, grid.stop - grid.shift + 5, 0.2)
    x = energy - energy.mean()
    mu = 1 / (1 + np.exp(-x)) + np.exp(-((x / 3) ** 2)) + 0.03 * np.sin(x / 3 + block.number)
    mu = mu + error * np.exp(-(((x - 2) / 2) ** 2)) + 0.05
    if arm in PLACES:
        mu = mu + sign * 0.1 * np.exp(-(((x - PLACES[arm]) / 3) ** 2))
    return energy, mu


def planted(blocks, **of_converged):
    """Spectra of every task of some blocks by both protocols, the second one at fewer sites."""
    fast, converged = {}, {}
    for block in blocks:
        arms = {block.rows[a]["structure_id"]: a for a in reversed(block.rows)}
        for task in tasks(block, SPEC):
            key = task["structure_id"], f"{task['element']} {task['edge']}", task["site"]
            if key[1] not in EDGES:
                continue
            arm = arms[key[0]]
            fast[key] = site(block, arm, task)
            number = sum(k[:2] == key[:2] for k in converged)
            if block.number < WITH and number < SPEC.converged_sites[task["element"]]:
                converged[key] = site(block, arm, task, **of_converged)
    return Spectra(fast, converged, GRIDS)


def arms_of(blocks, spectra):
    """Rows of the arms, each edge the mean of its `campaign` sites."""
    out = []
    for block in blocks:
        for arm, row in block.rows.items():
            labels = {t.column: float(arm == t.column) if t.is_class else 0.25 for t in TARGETS}
            means = {}
            for edge in EDGES:
                own = [c for k, c in spectra.fast.items() if k[:2] == (row["structure_id"], edge)]
                mean = np.mean([on_grid(c, GRIDS[edge]) for c in own[:1]], axis=0)
                means[f"{RAW}{edge}"] = mean.tolist()
            about = {"block": block.number, "arm": arm, "structure_id": row["structure_id"]}
            out.append({**about, "group": row["family"], **labels, **means})
    return out


def compared(blocks, cells, spectra):
    rows = arms_of(blocks, spectra)
    converged = [r for r in rows if r["block"] < WITH]
    return compare(block_design(CONFIG), rows, converged, spectra, cells, 1, 3)


def values(rows, block=MEAN, **key):
    return [r for r in rows if r["block"] == block and all(r[k] == v for k, v in key.items())]


def test_equal_protocols_have_no_distance_and_the_same_changes(blocks, cells):
    rows = compared(blocks, cells, planted(blocks))
    assert all(set(r) == set(COLUMNS) for r in rows)
    assert {r["edge"] for r in values(rows, statistic=DISTANCE)} == set(EDGES)
    for row in values(rows, statistic=DISTANCE):
        assert (row["value"], row["n"]) == (0, WITH)
    for row in values(rows, statistic=ALIKE):
        assert row["value"] == pytest.approx(1)
    sizes = [values(rows, statistic=SIZE, spectra=s) for s in (FAST_SITES, CONVERGED)]
    assert [r["value"] for r in sizes[0]] == [r["value"] for r in sizes[1]]
    assert all(0.005 < r["value"] < 0.2 for r in sizes[0])
    for metric in (Metric.WIN_RATE, Metric.AUROC):
        for name in (FAST, FAST_SITES, CONVERGED):
            found = values(rows, statistic=str(metric), edge=ALL_EDGES, spectra=name)
            assert [(r["value"] > 0.9, r["n"]) for r in found] == [(True, WITH)] * 2


def test_an_error_of_the_protocol_comes_back(blocks, cells):
    """It moves the pristine spectrum, and stands in no change."""
    rows = compared(blocks, cells, planted(blocks, error=0.4))
    edge = "O K"
    block, grid = blocks[0], GRIDS[edge]
    task = next(t for t in tasks(block, SPEC) if t["element"] == "O")
    plain, moved = (on_grid(site(block, "pristine", task, error=e), grid) for e in (0.0, 0.4))
    want = np.linalg.norm(plain - moved) / np.linalg.norm(moved)
    (found,) = values(rows, str(block.number), statistic=DISTANCE, edge=edge)
    assert found["value"] == pytest.approx(want)
    assert all(r["value"] > 0.95 for r in values(rows, statistic=ALIKE))


def test_the_opposite_change_is_not_detected(blocks, cells):
    rows = compared(blocks, cells, planted(blocks, sign=-1.0))
    assert all(r["value"] < -0.95 for r in values(rows, statistic=ALIKE))
    won = {
        r["spectra"]: r["value"]
        for r in values(rows, statistic="win_rate", edge=ALL_EDGES, subject="vacancy against "
                        "pristine")
    }  # fmt: skip
    assert won[FAST] > 0.95
    assert won[CONVERGED] < 0.1
    assert won[DIFFERENCE] == pytest.approx(won[CONVERGED] - won[FAST_SITES])


def test_blocks_without_converged_spectra_are_counted_and_one_block_has_no_interval(blocks, cells):
    spectra = planted(blocks)
    whole = {r["statistic"]: r["value"] for r in compared(blocks, cells, spectra)}
    assert (whole[COMPARED], whole[WITHOUT]) == (WITH, COUNT - WITH)
    antisite = blocks[1].rows["antisite"]["structure_id"]
    lost = {k: c for k, c in spectra.converged.items() if k[:2] != (antisite, "Mn K")}
    lost = {k: c for k, c in lost.items() if k[0] != blocks[2].rows["vacancy"]["structure_id"]}
    rows = compared(blocks, cells, Spectra(spectra.fast, lost, GRIDS))
    counts = {r["statistic"]: r["value"] for r in rows if r["block"] == MEAN}
    assert counts == {COMPARED: 1, WITHOUT: COUNT - 1}
    assert {r["block"] for r in rows} == {MEAN, str(blocks[0].number)}
    nothing = compared(blocks, cells, Spectra(spectra.fast, {}, GRIDS))
    assert [r["value"] for r in nothing] == [0, COUNT]
    assert compare(block_design(CONFIG), [], [], spectra, cells, 1, 3) == []


@pytest.mark.parametrize(
    ("value", "lo", "verdict"), [(0.9, 0.6, "holds"), (0.9, 0.4, "open"), (0.2, 0.1, "fails")]
)
def test_the_check_reads_the_pairs_won_on_converged_spectra_by_all_edges(value, lo, verdict):
    about = {"statistic": "win_rate", "subject": "vacancy against pristine", "n": 3}
    wanted = {"edge": ALL_EDGES, "spectra": CONVERGED, "block": MEAN}
    own = {**about, **wanted, "value": value, "lo": lo, "hi": min(value + 0.2, 1.0)}
    others = [  # none of these is what the check is about
        own | {"value": 1.0 - value, "lo": 0.0, "hi": 1.0, **other}
        for other in ({"edge": "O K"}, {"spectra": FAST}, {"spectra": FAST_SITES}, {"block": "7"},
                      {"statistic": "auroc"})
    ]  # fmt: skip
    found = {r["check_id"]: r for r in checks(Tables(convergence=[*others, own]))}
    row = found["vacancy_converged"]
    assert (row["ours"], row["n"], row["verdict"]) == (value, 3, verdict)
    assert found["antisite_converged"]["verdict"] == "open"
    assert "fewer than two blocks" in found["antisite_converged"]["check"]


def test_a_change_is_that_of_sites_that_stand_in_both_arms(blocks, cells):
    """Another site in one arm alone has another spectrum: it is in no change."""
    spectra, block = planted(blocks), blocks[0]
    pairs = [p for p in pairs_of(block, "vacancy", SPEC, cells) if p.edge == "O K"]
    lone = next(p for p in pairs if p.pristine in spectra.converged)
    energy, mu = spectra.fast[lone.pristine]
    odd = energy, mu + np.exp(-(((energy - energy.mean() - 9) / 2) ** 2))
    name = (*lone.pristine[:2], "O of no other arm")
    changed = [{**own, name: odd} for own in (spectra.fast, spectra.converged)]
    found = compared(blocks, cells, Spectra(*changed, GRIDS))
    before = compared(blocks, cells, spectra)
    key = {"statistic": SIZE, "edge": "O K", "subject": "vacancy minus pristine"}
    assert values(found, str(block.number), **key) == values(before, str(block.number), **key)


def test_the_grid_of_every_edge_holds_its_planted_spectrum(blocks):
    fast = planted(blocks[:1]).fast
    assert {"Mn K", "O K"} <= {edge for _, edge, _ in fast}
    for (_, edge, _), curve in fast.items():
        assert curve[0][0] + GRIDS[edge].shift < points(GRIDS[edge])[0]
