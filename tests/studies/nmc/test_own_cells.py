"""Vacancies in cells of their own: which arms are asked about, and what carries over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.pages.nmc_results import left_out
from defectra.core.config import load
from defectra.learn.crossval import TARGETS
from defectra.spectra.align import points
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.campaign import drawn, families_of_block, main, own_cells
from defectra.studies.nmc.blocks.own_cells import (
    BY_CELL,
    BY_DEFECT,
    FREE,
    OWN,
    SAME_CELL,
    SAME_VOLUME,
    SCALED,
    SHAPE,
    VOLUME,
    compare,
    shape_change,
)
from defectra.studies.nmc.checks import Tables, checks

EDGE = "O K"
GRIDS = {EDGE: Grid(start=520, stop=560, step=0.1)}


# Cells of 12 blocks: V* is longer along c by 1 % and shorter along a and b by half of it.
CELLS = [
    {"structure_id": f"{block}{name}", "lattice": list(np.diag(edges).ravel())}
    for block in range(12)
    for name, edges in (
        (OWN, 5 * np.exp([-0.005, -0.005, 0.01])),
        (SCALED, np.array([5.0, 5.0, 5.0])),
    )
]


def arm(block, name, band, generator):
    """A row whose spectrum has a band of so much more area where the vacancy has it."""
    energy = points(GRIDS[EDGE])
    mu = 1 + 0.02 * generator.normal() * np.sin(energy / 3)
    mu = mu + band * np.exp(-(((energy - 535) / 3) ** 2))
    labels = {t.column: float(t.name in name) if t.is_class else 0.25 for t in TARGETS}
    return {
        "block": block, "arm": name, "group": f"family {block}", "structure_id": f"{block}{name}",
        **labels, f"raw: {EDGE}": list(mu / mu.mean() / 40),
        "volume": 100.0 + block + 3 * (name == OWN),
    }  # fmt: skip


def rows(bands, blocks, seed):
    generator = np.random.default_rng(seed)
    return [arm(b, a, band, generator) for b in range(blocks) for a, band in bands.items()]


FIRST = {"pristine": 0.0, "lithium": 0.0, "vacancy": 0.5, "antisite": 0.0}


def value(found, statistic, subject):
    keys = ("statistic", "subject")
    return next(r for r in found if tuple(r[k] for k in keys) == (statistic, subject))


def test_a_vacancy_that_shows_in_its_own_cell_is_detected_and_one_that_does_not_is_not():
    learnt = rows(FIRST, 8, 0)
    found = compare(learnt, rows({OWN: 0.5, SCALED: 0.0}, 4, 1), CELLS, GRIDS, 0, repeats=2)
    for subject in (SAME_VOLUME, FREE, SAME_CELL):
        won = value(found, "win_rate", subject)
        assert (won["value"], won["n"]) == (1.0, 4)
    hidden = compare(learnt, rows({OWN: 0.0, SCALED: 0.5}, 4, 1), CELLS, GRIDS, 0, repeats=2)
    assert value(hidden, "win_rate", SAME_VOLUME)["value"] == 0
    assert value(hidden, "win_rate", SAME_CELL)["value"] == 1
    assert value(found, BY_CELL, EDGE)["value"] < value(found, BY_DEFECT, EDGE)["value"] / 3
    assert value(hidden, BY_CELL, EDGE)["value"] > value(found, BY_CELL, EDGE)["value"]
    volume = value(found, VOLUME, "")
    assert (volume["value"], volume["unit"]) == (pytest.approx(3), "Å³")
    shape = value(found, SHAPE, "")
    assert (shape["value"], shape["unit"]) == (pytest.approx(100 * 0.005 * 2**0.5), "%")


def test_a_rotation_and_a_larger_cell_have_the_same_shape():
    generator = np.random.default_rng(2)
    cell = 5 * np.eye(3) + generator.normal(size=(3, 3))
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    assert shape_change(cell, 1.3 * cell @ turn) == pytest.approx(0, abs=1e-12)
    stretch = turn.T @ np.diag(np.exp([0.02, 0.0, -0.02])) @ turn
    assert shape_change(cell, 0.9 * cell @ stretch) == pytest.approx(0.02 * (2 / 3) ** 0.5)


def test_the_check_follows_the_pairs_of_the_same_volume():
    def verdict(of):
        own = {r["check_id"]: r for r in checks(Tables(own_cells=of))}
        return own["vacancy_own_cell"]["verdict"]

    learnt, plain, turned = rows(FIRST, 8, 0), {OWN: 0.5, SCALED: 0.0}, {OWN: 0.0, SCALED: 0.5}
    shows, hides = rows(plain, 8, 1), rows(turned, 8, 2)
    mostly_seen = [*(r for r in shows if r["block"] > 0), *(r for r in hides if r["block"] == 0)]
    mostly_not = [*(r for r in hides if r["block"] > 0), *(r for r in shows if r["block"] == 0)]
    assert verdict(compare(learnt, mostly_seen, CELLS, GRIDS, 0, repeats=2)) == "holds"
    assert verdict(compare(learnt, mostly_not, CELLS, GRIDS, 0, repeats=2)) == "fails"
    assert verdict([]) == "open"


@pytest.mark.parametrize(("blocks", "says"), [(4, "open"), (5, "holds")])
def test_pairs_that_are_all_won_have_the_exact_interval(blocks, says):
    learnt = rows(FIRST, 6, 0)
    found = compare(learnt, rows({OWN: 0.5, SCALED: 0.0}, blocks, 1), CELLS, GRIDS, 0, repeats=1)
    won = value(found, "win_rate", SAME_VOLUME)
    assert (won["value"], won["hi"], won["n"]) == (1.0, 1.0, blocks)
    chance = binomtest(blocks, blocks, won["lo"], alternative="greater").pvalue
    assert chance == pytest.approx(0.05)
    verdicts = {r["check_id"]: r["verdict"] for r in checks(Tables(own_cells=found))}
    assert verdicts["vacancy_own_cell"] == says


def test_one_common_block_gives_no_number():
    learnt = rows(FIRST, 8, 0)
    assert compare(learnt, rows({OWN: 0.5, SCALED: 0.0}, 1, 1), CELLS, GRIDS, 0) == []
    assert compare(learnt, [], CELLS, GRIDS, 0) == []
    assert compare([], rows({OWN: 0.5, SCALED: 0.0}, 4, 1), CELLS, GRIDS, 0) == []


def test_blocks_that_failed_are_said_and_those_that_nobody_began_are_not():
    reasons = ["not computed yet", "not computed yet: 3 of 22 spectra of arm pristine_volume",
               "arm vacancy_own_cell: every site failed of Co K"]  # fmt: skip
    missing = [{"block": k, "reason": reason} for k, reason in enumerate(reasons)]
    assert left_out(missing) == f"Begun blocks that are left out: block 2, {reasons[2]}."
    assert left_out(missing[:2]) == "Begun blocks that are left out: none."


def test_the_same_blocks_are_asked_for_with_the_cell_of_the_vacancy_relaxed():
    config = load()
    first, own = (next(drawn(c)) for c in (config, own_cells(config)))
    assert list(own.rows) == [OWN, SCALED]
    assert own.rows[OWN]["structure_id"] == first.rows["vacancy"]["structure_id"]
    assert own.rows[SCALED]["structure_id"] == first.rows["pristine"]["structure_id"]
    asked = {r["arm"]: r["geometry_protocol"] for r in own.table}
    assert asked == {OWN: "chgnet", SCALED: "chgnet-volume"}
    assert not own.converged
    spectra = families_of_block(own_cells(config), own)
    given = next(iter(spectra[0].chain(lambda _: None)))
    assert given.input["row"]["defect"] == "oxygen_vacancy"  # the cell of the vacancy comes first


def test_export_asks_for_the_part_of_the_archive(monkeypatch, capsys, tmp_path):
    words = ["campaign", "export", "--own-cells", "--work", str(tmp_path)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "export needs --into" in capsys.readouterr().err
