"""Vacancies in larger cells: geometry of the cell, and planted changes with and without images."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from ase.geometry import get_distances

from defectra.core.config import load, own_or_shipped
from defectra.structures.geometry import vegard
from defectra.studies.nmc.blocks.campaign import drawn
from defectra.studies.nmc.blocks.design import tasks
from defectra.studies.nmc.blocks.images import (
    ALIKE,
    ARM,
    DOUBLE,
    LARGE,
    SMALL,
    LargeCells,
    compare,
    doubled,
    large_row,
    nearer_copy,
)
from defectra.studies.nmc.blocks.sites import pairs_of
from defectra.studies.nmc.blocks.tables import block_design

CONFIG = load(own_or_shipped())
COUNT = 3


@pytest.fixture(scope="module")
def blocks():
    return [b for b, _ in zip(drawn(CONFIG), range(COUNT))]


def shortest(lattice):
    shifts = [s for s in product(range(-4, 5), repeat=3) if any(s)]
    return min(float(np.linalg.norm(np.array(s) @ lattice)) for s in shifts)


def test_the_large_cell_is_the_same_crystal_with_one_vacancy(blocks):
    for block in blocks:
        plain, (row, hole) = block.rows["pristine"], large_row(block)
        small = np.array(plain["lattice"]).reshape(3, 3)
        large = np.array(row["lattice"]).reshape(3, 3)
        assert np.linalg.det(large) == pytest.approx(2 * np.linalg.det(small))
        assert shortest(small) == pytest.approx(5.0, abs=0.1)
        assert shortest(large) > 6.3
        assert plain["species"][hole] == "O"
        assert sorted([*row["species"], "O"]) == sorted(2 * plain["species"])
        lattice, coords = doubled(plain["lattice"], plain["coords"])
        distances = get_distances(coords @ lattice, cell=lattice, pbc=True)[1]
        own = np.array(plain["coords"]).reshape(-1, 3) @ small
        alone = get_distances(own, cell=small, pbc=True)[1]
        np.fill_diagonal(distances, np.inf)
        np.fill_diagonal(alone, np.inf)
        assert np.sort(distances.min(axis=1)).tolist() == pytest.approx(
            np.sort(np.tile(alone.min(axis=1), 2)).tolist()
        )
    assert round(abs(np.linalg.det(np.array(DOUBLE)))) == 2


def test_a_large_cell_starts_from_the_relaxed_pristine_one(blocks):
    """The start asked for holds the relaxed sites of the small cell, without the hole."""
    from defectra.studies.nmc.blocks.campaign import block_settings

    block = blocks[0]
    plain, large = block.rows["pristine"], large_row(block)
    ideal = np.array(plain["coords"]).reshape(-1, 3)
    moved = (ideal - 0.004) % 1.0  # sites at 0 cross a face of the cell
    assert (np.abs(moved - ideal) > 0.5).any()
    relaxed = vegard(plain) | {
        "lattice": [1.01 * v for v in vegard(plain)["lattice"]],
        "coords": [float(v) for v in moved.ravel()],
    }
    settings = block_settings(CONFIG, "feff", relax=True)
    cells = LargeCells(plain, large, settings.relaxations)
    asked = []

    def known(request):
        asked.append(request)
        return relaxed if request.about["structure_id"] == plain["structure_id"] else None

    found = cells.known(large[0]["structure_id"], "chgnet-cell", known)
    start = asked[-1].input["start"]
    assert found["status"] == "failed"  # not relaxed yet
    assert start["species"] == large[0]["species"]
    want = np.delete(doubled(plain["lattice"], ideal - 0.004)[1], large[1], axis=0)
    np.testing.assert_allclose(np.array(start["coords"]).reshape(-1, 3), want, atol=1e-12)
    assert start["volume"] == pytest.approx(2 * abs(np.linalg.det(_lattice(relaxed))))


def test_sites_keep_their_distance_from_the_vacancy(blocks):
    """A site is bonded to one image of the vacancy; the copy that is computed is bonded as well."""
    for block in blocks:
        plain, (_, hole) = block.rows["pristine"], large_row(block)
        cell = vegard(plain) | {"lattice": plain["lattice"], "coords": plain["coords"]}
        lattice, coords = doubled(plain["lattice"], plain["coords"])
        place = {
            (t["structure_id"], f"{t['element']} {t['edge']}", t["site"]): t["site_index"]
            for t in tasks(block, CONFIG.nmc.blocks)
        }
        pairs = list(pairs_of(block, ARM, CONFIG.nmc.blocks, {plain["structure_id"]: cell}))
        assert pairs
        for pair in pairs:
            copy = nearer_copy(plain, place[pair.pristine], hole)
            apart = coords[copy] - coords[hole]
            images = [(apart + shift) @ lattice for shift in product(range(-3, 4), repeat=3)]
            assert np.linalg.norm(images, axis=1).min() == pytest.approx(pair.distance, abs=1e-6)


def _lattice(row):
    return np.array(row["lattice"]).reshape(3, 3)


def planted(blocks, cells, factor):
    """A peak that the vacancy widens near it; in the large cell by `factor` of that."""
    small, large = {}, {}
    for block in blocks:
        name = large_row(block)[0]["structure_id"]
        for pair in pairs_of(block, ARM, CONFIG.nmc.blocks, cells):
            grid = CONFIG.nmc.edges[pair.edge]
            energy = np.arange(grid.start - grid.shift - 5, grid.stop - grid.shift + 5, 0.2)
            peak = np.exp(-(((energy - energy.mean()) / 3) ** 2))
            step = 1 / (1 + np.exp(-(energy - energy.mean())))
            change = 0.3 * np.exp(-pair.distance / 2)
            small[pair.pristine] = energy, step + peak
            small[pair.defect] = energy, step + peak * (1 + change)
            large[name, pair.edge, pair.pristine[2]] = energy, step + peak * (1 + factor * change)
    return small, large


def test_changes_of_both_cells_are_compared_by_shell(blocks):
    rows = {row["structure_id"]: row for b in blocks for row in b.rows.values()}
    cells = {name: vegard(row) for name, row in rows.items()}
    spectra = planted(blocks, cells, 0.5)
    common = (block_design(CONFIG), range(COUNT))
    found = compare(*common, *spectra, cells, CONFIG.nmc.edges)
    by = {(r["statistic"], r["shell"]): r["value"] for r in found}
    for shell in {shell for _, shell in by}:
        assert by[ALIKE, shell] > 0.99
        assert by[LARGE, shell] == pytest.approx(0.5 * by[SMALL, shell], rel=0.1)
    assert compare(*common, spectra[0], {}, cells, CONFIG.nmc.edges) == []
