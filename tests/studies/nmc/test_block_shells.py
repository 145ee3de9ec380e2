"""Change over the distance from a defect: planted changes in drawn blocks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from defectra.core.claims import Estimate
from defectra.core.config import load, own_or_shipped
from defectra.structures.geometry import vegard
from defectra.studies.nmc.blocks.campaign import drawn
from defectra.studies.nmc.blocks.claims import smallest
from defectra.studies.nmc.blocks.shells import FALL, SHELLS, shell_of, shells, site_changes
from defectra.studies.nmc.blocks.sites import pairs_of
from defectra.studies.nmc.blocks.tables import block_design
from defectra.studies.nmc.checks import Tables, checks
from defectra.studies.nmc.figures.shells import plot_shells

CONFIG = load(own_or_shipped())
COUNT = 6


@pytest.fixture(scope="module")
def blocks():
    return [b for b, _ in zip(drawn(CONFIG), range(COUNT))]


@pytest.fixture(scope="module")
def cells(blocks):
    rows = {row["structure_id"]: row for block in blocks for row in block.rows.values()}
    return {name: vegard(row) for name, row in rows.items()}


def planted(blocks, cells, change):
    """Spectra of one peak; the defect arm's is wider by `change` of the distance."""
    out = {}
    for block in blocks:
        for arm in ("vacancy", "antisite"):
            for pair in pairs_of(block, arm, CONFIG.nmc.blocks, cells):
                grid = CONFIG.nmc.edges[pair.edge]
                energy = np.arange(grid.start - grid.shift - 5, grid.stop - grid.shift + 5, 0.2)
                peak = np.exp(-(((energy - energy.mean()) / 3) ** 2))
                step = 1 / (1 + np.exp(-(energy - energy.mean())))
                out[pair.pristine] = energy, step + peak
                out[pair.defect] = energy, step + peak * (1 + change(pair.distance))
    return out


def found(blocks, cells, change):
    spectra = planted(blocks, cells, change)
    return site_changes(block_design(CONFIG), range(COUNT), spectra, cells, CONFIG.nmc.edges)


def test_sites_of_a_pair_are_the_same_place(blocks, cells):
    """Three metals are bonded to an oxygen; the touched sites themselves are no neighbours."""
    for block in blocks:
        near = Counter()
        pairs = {
            arm: list(pairs_of(block, arm, CONFIG.nmc.blocks, cells))
            for arm in ("vacancy", "antisite")
        }
        assert all(pairs.values())
        for pair in pairs["vacancy"]:
            near[pair.edge[:2]] += pair.distance < 2.5
            assert pair.distance > 1.7
        assert sum(near[m] for m in ("Ni", "Mn", "Co")) <= 3
        assert near["O "] == 0
        for pair in pairs["antisite"]:
            assert pair.distance > 1.7
            assert pair.pristine[0] != pair.defect[0]


def test_a_local_change_falls_and_a_change_of_the_cell_does_not(blocks, cells):
    local = shells(found(blocks, cells, lambda d: 0.5 * np.exp(-d / 1.5)))
    falls = [r for r in local if r["shell"] == FALL]
    assert {r["edge"] for r in falls} >= {"O K", "Mn K"}
    assert all(r["value"] > 0 for r in falls)
    for row in (r for r in shells(found(blocks, cells, lambda d: 0.1)) if r["shell"] == FALL):
        assert row["value"] == pytest.approx(0, abs=1e-6)


def test_a_near_site_of_the_same_sublattice_is_not_bonded():
    """A relaxed oxygen at 2.4 Å from a missing oxygen has no bond with it."""
    of_vacancy = {e: shell_of("vacancy", e, 2.4) for e in ("O K", "Ni K", "Li K")}
    assert of_vacancy == {"O K": "second neighbours", "Ni K": "bonded", "Li K": "bonded"}
    of_antisite = {e: shell_of("antisite", e, 2.4) for e in ("O K", "Ni K")}
    assert of_antisite == {"O K": "bonded", "Ni K": "second neighbours"}
    assert {shell_of(a, "O K", 5.0) for a in ("vacancy", "antisite")} == {"farther"}
    near = {"arm": "vacancy", "edge": "O K", "distance_A": 2.4}
    sites = [near | {"block": b, "change": 0.1 + 0.01 * b} for b in range(3)]
    assert [(r["shell"], r["n"]) for r in shells(sites)] == [("second neighbours", 3)]


def test_one_block_has_no_interval():
    site = {"arm": "vacancy", "edge": "Ni K", "distance_A": 2.0}
    for count in (1, 2):
        (row,) = shells([site | {"block": b, "change": 0.1 + b / 100} for b in range(count)])
        assert np.isfinite([row["lo"], row["hi"]]).all() == (count == 2)


def test_shells_hold_every_site_once_and_the_figure_is_drawn(blocks, cells, tmp_path):
    sites = found(blocks, cells, lambda d: 0.1)
    rows = shells(sites)
    assert sum(r["n_sites"] for r in rows if r["shell"] in SHELLS) == len(sites)
    plot_shells(sites, rows, tmp_path / "shells.png")
    plot_shells([], [], tmp_path / "none.png")
    assert (tmp_path / "shells.png").stat().st_size > 10_000
    assert (tmp_path / "none.png").exists()
    assert shells([]) == []


def test_an_edge_without_an_interval_decides_and_is_not_passed_over():
    """Two blocks give no interval: neither the smallest of several nor a check may skip it."""
    known, unknown = Estimate(0.3, 0.1, 0.5, 9), Estimate(0.05, float("nan"), float("nan"), 2)
    for several in ([known, unknown], [unknown, known]):
        found = smallest(several)
        assert found.value == 0.05
        assert np.isnan([found.lo, found.hi]).all()
    about = {"arm": "vacancy", "shell": FALL, "n": 2}
    rows = [
        about | {"edge": "Ni K", "value": 0.1, "lo": 0.05, "hi": 0.2},
        about | {"edge": "O K", "value": -0.1, "lo": float("nan"), "hi": float("nan")},
    ]
    for shown in (rows, rows[::-1]):
        found = next(r for r in checks(Tables(shells=shown))
                     if r["check_id"] == "vacancy_is_local")  # fmt: skip
        assert found["verdict"] == "open"
        assert "O K" in found["check"]
