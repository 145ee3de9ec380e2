"""Nearest images in cells of any shape, against a search far enough to find them all."""

import hashlib

import numpy as np
import pytest

from defectra.core.config import load
from defectra.core.errors import StructureError
from defectra.structures import periodic, prototypes
from defectra.structures.layered import ideal_lattice
from defectra.structures.supercells import Supercell
from defectra.studies.nmc.blocks.design import blocks

SKEWED = 4.0 * np.array([[1, 0, 0], [8.3, 1, 0], [-5.4, 6.7, 1]])


def searched(lattice, shifts, reach):
    """Lengths of the shortest images, of all within `reach` cells along each vector."""
    images = np.array(list(np.ndindex(*(2 * np.array(reach) + 1)))) - reach
    shifts = shifts - np.round(shifts)
    return np.array([np.linalg.norm((s + images) @ lattice, axis=1).min() for s in shifts])


def test_distances_in_a_strongly_skewed_cell():
    shifts = np.random.default_rng(1).uniform(-2, 2, (40, 3))
    wanted = searched(SKEWED, shifts, (37, 5, 1))
    assert periodic.distances(SKEWED, np.zeros(3), shifts)[0] == pytest.approx(wanted)
    assert np.linalg.norm(periodic.shortest(SKEWED, shifts), axis=1) == pytest.approx(wanted)
    naive = np.linalg.norm((shifts - np.round(shifts)) @ SKEWED, axis=1)
    assert (naive > wanted + 0.1).any()  # what a copy of this function did
    moved = periodic.shortest(SKEWED, shifts) @ np.linalg.inv(SKEWED) - shifts
    assert moved == pytest.approx(np.round(moved), abs=1e-9)  # by lattice vectors


@pytest.mark.parametrize("repeats", [(5, 2, 1), (3, 3, 1)])
def test_every_pair_of_the_layered_cell(repeats):
    ideal = ideal_lattice(repeats)
    sites = np.arange(len(ideal.coords))
    found = np.array([ideal.distances(s, sites) for s in sites])
    pairs = np.triu_indices(len(sites), 1)
    wanted = searched(ideal.lattice, ideal.coords[pairs[0]] - ideal.coords[pairs[1]], (4, 4, 4))
    assert found[pairs] == pytest.approx(wanted)


def test_supercell_that_is_asked_for_in_a_skewed_basis():
    crystal = prototypes.rocksalt(5.6)
    straight = Supercell(crystal, np.diag([2, 2, 2]))
    skewed = Supercell(crystal, np.array([[2, 0, 0], [14, 2, 0], [-12, 18, 2]]))
    sites = np.arange(len(straight.coords))
    for site in (0, 5):
        assert skewed.distances(site, sites) == pytest.approx(straight.distances(site, sites))
    assert skewed.shortest_image == pytest.approx(straight.shortest_image)


def test_nearest_copy_of_a_cell():
    assert periodic.repeat(SKEWED) == pytest.approx(4.0)
    thin = [[9.0, 0, 0], [44.0, 1, 0], [0, 0, 9.0]]  # five cells along the first, one back
    assert periodic.repeat(thin) == pytest.approx(np.sqrt(2))
    assert periodic.repeat(np.diag([3.0, 4.0, 5.0])) == pytest.approx(3.0)


@pytest.mark.parametrize("last", [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [np.nan, 0.0, 1.0]])
def test_vectors_without_a_volume(last):
    with pytest.raises(StructureError, match="span no volume"):
        periodic.distances([[1, 0, 0], [0, 1, 0], last], np.zeros(3), np.ones(3) / 2)


def test_no_points():
    assert periodic.distances(np.eye(3), np.empty((0, 3)), np.zeros((2, 3))).shape == (0, 2)
    assert periodic.distances(np.eye(3), np.zeros((2, 3)), np.empty((0, 3))).shape == (2, 0)


def test_structures_of_the_blocks_stay(root):
    """All 80 blocks: their calculations are in the archive under these names."""
    config = load(root / "config" / "archive.yaml")
    study = config.nmc
    found = blocks(study.blocks, study.structures.metals, config.seed, 80)
    names = [row["structure_id"] for block in found for row in block.table]
    assert len(names) == 80 * len(study.blocks.arms)
    digests = [hashlib.sha256(" ".join(names[:n]).encode()).hexdigest()[:16] for n in (12, 320)]
    assert digests == ["2124d8d329aea343", "2e2c00153bfc6346"]  # before this module
