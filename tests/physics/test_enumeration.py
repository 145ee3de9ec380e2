"""Counts and orderings against brute force, published numbers and an independent group."""

from collections import Counter
from itertools import combinations_with_replacement, permutations, product
from math import factorial, prod

import numpy as np
import pytest
import spglib
from hypothesis import given, settings
from hypothesis import strategies as st

from defectra.structures import prototypes, supercells
from defectra.structures.colouring_problem import Problem
from defectra.structures.colourings import enumerate_all, orderings, pose
from defectra.structures.crystal import build
from defectra.structures.supercells import unique_rows

HEXAGONAL = np.array([[1, -1, 0], [0, 1, -1], [1, 1, 1]])
CUBIC = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
CELLS = {8: (1, 1, 1), 16: (1, 1, 2), 24: (1, 1, 3), 32: (1, 2, 2), 64: (2, 2, 2)}


def telluride(atoms):
    return supercells.by_matrix(prototypes.rocksalt(6.4, "Pb", "Te"), np.diag(CELLS[atoms]) @ CUBIC)


def nickelate(*repeats):
    return supercells.by_matrix(prototypes.layered(), np.diag(repeats) @ HEXAGONAL)


# J. Cheminform. 8, 17 (2016), table 2.
PUBLISHED = {
    2: {8: 1, 16: 8, 24: 34, 32: 153, 64: 404582},
    4: {8: 1, 16: 4, 24: 9, 32: 33, 64: 8043},
    8: {16: 1, 32: 5, 64: 71},
}


@pytest.mark.parametrize(
    ("share", "atoms", "count"), [(x, n, c) for x, row in PUBLISHED.items() for n, c in row.items()]
)
def test_published_tellurides(share, atoms, count):
    cell = telluride(atoms)
    sites = atoms // 2
    wanted = {"A": {"A": sites // share, "Pb": sites - sites // share}}
    problem = pose(cell, wanted)
    assert problem.count() == count
    if count < 10000:
        found = orderings(cell, wanted)
        assert len(np.unique(found.words, axis=0)) == count
        assert found.multiplicity.sum() == problem.raw


@pytest.mark.parametrize(
    ("repeats", "wanted", "count", "raw"),
    [
        ((2, 2, 1), {"Ni": 6, "Mn": 6}, 17, 924),
        ((2, 2, 1), {"Ni": 4, "Mn": 4, "Co": 4}, 301, 34650),
        ((3, 2, 1), {"Ni": 9, "Mn": 9}, 1387, 48620),
        ((2, 2, 2), {"Ni": 12, "Mn": 12}, 10496, 2704156),
    ],
)
def test_published_layered(repeats, wanted, count, raw):
    found = orderings(nickelate(*repeats), {"M": wanted})
    assert len(found) == found.total == count
    assert found.multiplicity.sum() == found.raw == raw


def test_garnet_sites_that_enumlib_missed():
    """Enumlib issue 48: half of 16a in Ia-3d has 7 orderings, 4 of which were found."""
    database = spglib.get_symmetry_from_database(530)
    body = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2
    points = []
    for x in ([0, 0, 0], [-0.0302, 0.0512, 0.1499]):
        images = database["rotations"] @ np.array(x) + database["translations"]
        primitive = (images @ np.linalg.inv(body)) % 1.0
        rounded = np.round(primitive, 6) % 1.0
        points.append(rounded[np.sort(np.unique(rounded, axis=0, return_index=True)[1])])
    labels = ["M"] * len(points[0]) + ["O"] * len(points[1])
    crystal = build("garnet", 11.6 * body, np.vstack(points), labels, labels, symprec=1e-3)
    assert crystal.spacegroup == 230
    assert labels.count("M") == 8
    found = orderings(supercells.by_matrix(crystal, (1, 1, 1)), {"M": {"Al": 4, "Ga": 4}})
    assert len(found) == 7
    assert found.multiplicity.sum() == 70


def test_perovskite_compositions():
    """Perovskites with 8 B sites: 19,305 compositions, 17,955 without pattern (3, 3, 1, 1)."""
    mixes = [Counter(m) for m in combinations_with_replacement("CSBGTP", 8)]
    odd = [m for m in mixes if sorted(m.values()) == [1, 1, 3, 3]]
    assert (15 * len(mixes), 15 * (len(mixes) - len(odd))) == (19305, 17955)


def brute(group, blocks, palette):
    """Orbits and their sizes by making every word."""
    parts = [sorted(set(permutations(own))) for own in palette]
    words = {sum(p, ()) for p in product(*parts)}
    sizes = []
    while words:
        word = np.array(next(iter(words)))
        orbit = {tuple(word[g].tolist()) for g in group}
        assert orbit <= words
        sizes.append(len(orbit))
        words -= orbit
    return sorted(sizes)


def closed(generators, n):
    group = {tuple(range(n))}
    while True:
        new = {tuple(np.array(g)[list(h)].tolist()) for g in group for h in generators} - group
        if not new:
            return np.array(sorted(group), dtype=np.int32)
        group |= new


@st.composite
def problems(draw):
    few = st.lists(st.integers(1, 5), min_size=1, max_size=2)
    sizes = draw(few.filter(lambda s: prod(map(factorial, s)) <= 150))
    amounts, palette, colours, start, blocks = [], [], [], 0, []
    for size in sizes:
        cuts = sorted(draw(st.lists(st.integers(0, size), max_size=2)))
        own = tuple(sorted(b - a for a, b in zip([0, *cuts], [*cuts, size]) if b > a))
        amounts.append(own)
        numbers = range(len(palette), len(palette) + len(own))
        colours.append(tuple(numbers))
        palette += [f"s{k}" for k in numbers]
        blocks.append(slice(start, start + size))
        start += size
    count = draw(st.integers(0, 2))
    generators = [
        [i for b in blocks for i in draw(st.permutations(range(b.start, b.stop)))]
        for _ in range(count)
    ]
    group = closed(generators, start)
    return Problem(
        np.arange(start), tuple(blocks), tuple(palette), tuple(colours), tuple(amounts), group
    )


@settings(max_examples=100, deadline=None)
@given(problems())
def test_any_group_as_by_brute_force(problem):
    palette = [
        [c for c, n in zip(colours, amounts) for _ in range(n)]
        for colours, amounts in zip(problem.colours, problem.amounts)
    ]
    expected = brute(problem.permutations, problem.blocks, palette)
    assert problem.count() == len(expected)
    words, weights = enumerate_all(problem, len(expected))
    assert sorted(weights.tolist()) == expected
    orbits = {min(tuple(w[g].tolist()) for g in problem.permutations) for w in words}
    assert len(orbits) == len(expected)


PARENTS = [
    prototypes.rocksalt(5.6),
    prototypes.wurtzite(3.25, 5.2),
    prototypes.layered(),
    prototypes.layered_monoclinic(),
    prototypes.perovskite(6.2),
]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(PARENTS),
    st.lists(st.integers(-2, 2), min_size=9, max_size=9).filter(
        lambda m: 1 <= abs(round(np.linalg.det(np.reshape(m, (3, 3))))) <= 6
    ),
)
def test_group_is_that_of_spglib(crystal, matrix):
    """The integer construction agrees with the float search of spglib on the whole supercell."""
    cell = supercells.by_matrix(crystal, np.reshape(matrix, (3, 3)))
    kinds = list(dict.fromkeys(cell.sublattices))
    numbers = [kinds.index(s) + 1 for s in cell.sublattices]
    found = spglib.get_symmetry((cell.lattice, cell.coords, numbers), symprec=1e-4)
    rows = []
    for rotation, shift in zip(found["rotations"], found["translations"]):
        delta = (cell.coords @ rotation.T + shift)[:, None] - cell.coords[None]
        rows.append(np.abs(delta - np.round(delta)).max(axis=2).argmin(axis=1))
    expected = unique_rows(np.array(rows, dtype=np.int32))
    assert np.array_equal(cell.permutations, expected)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(PARENTS), st.integers(1, 5), st.data())
def test_crystals_as_by_brute_force(crystal, index, data):
    """Several sublattices with vacancies of real supercells against making all words."""
    options = supercells.of_index(crystal, index)
    cell = options[data.draw(st.integers(0, len(options) - 1))][0]
    names = list(prototypes.occupied(crystal))[:2]
    wanted = {}
    for name in names:
        held = len(cell.sites_of(name))
        part = data.draw(st.integers(0, min(2, held)))
        wanted[name] = {"X": part, "Q": held - part}
    problem = pose(cell, wanted)
    palette = [
        [c for c, n in zip(colours, amounts) for _ in range(n)]
        for colours, amounts in zip(problem.colours, problem.amounts)
    ]
    if problem.raw > 20000 or max(len(p) for p in palette) > 8:
        return
    found = orderings(cell, wanted)
    assert sorted(found.multiplicity.tolist()) == brute(
        problem.permutations, problem.blocks, palette
    )


def test_more_than_64_sites():
    cell = supercells.by_matrix(prototypes.rocksalt(5.6), (5, 5, 3))
    found = orderings(cell, {"A": {"K": 1, "X": 1, "Na": 73}})
    assert found.multiplicity.sum() == 75 * 74
    assert len(found) == found.total


@pytest.mark.parametrize(
    ("crystal", "counts"),
    [
        (prototypes.rocksalt(5.6), [1, 2, 3, 7, 5, 10, 7, 20, 14, 18]),
        (prototypes.perovskite(6.0), [1, 3, 3, 9, 5, 13, 7, 24, 14, 23]),
    ],
)
def test_inequivalent_superlattices(crystal, counts):
    """Hart and Forcade, Phys. Rev. B 77, 224115 (2008), table IV: fcc and simple cubic."""
    for index, count in enumerate(counts, start=1):
        classes = supercells.of_index(crystal, index)
        assert len(classes) == count
        total = sum(n for _, n in classes)
        divisors = [d for d in range(1, index + 1) if index % d == 0]
        sigma = sum(a**2 * b for a in divisors for b in divisors if index % (a * b) == 0)
        assert total == sigma
