"""One presentation (basis, origin, order of sites) for each crystal, whatever file it came in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

# Numbers are compared in steps of 0.01 Å (or 0.001 of a cell edge), with an offset that no
# length of a real input is likely to sit on, so that noise of 1e-8 does not cross a step.
STEP, OFFSET = 0.01, 0.381966
FRACTION = 1000


@dataclass(frozen=True)
class Presentation:
    """Canonical cell: vectors (rows, Å), fractional coordinates, species, digest of all three.

    `order` is the site of the given cell that each canonical site is.
    """

    lattice: Vectors
    coords: Vectors
    species: tuple[str, ...]
    digest: str
    order: tuple[int, ...]


def canonical_presentation(
    lattice: Vectors, coords: Vectors, species: Sequence[str]
) -> Presentation:
    """Canonical presentation of a primitive cell.

    Of all bases of shortest vectors the one with the smallest Gram matrix (in steps), then of
    those, and of all origins on an atom of the rarest species, the one with the smallest list
    of sites. Bases and origins that tie are related by symmetry.
    """
    from ase.geometry import minkowski_reduce

    start = np.asarray(minkowski_reduce(np.asarray(lattice, dtype=float))[0])
    inverse = np.linalg.inv(start)
    cartesian = np.asarray(coords, dtype=float) @ lattice
    rare = min(sorted(set(species)), key=lambda s: (list(species).count(s), s))
    origins = [i for i, s in enumerate(species) if s == rare]
    best: tuple[tuple[tuple[object, ...], ...], Vectors, list[int], Vectors] | None = None
    bases = _bases(start)
    for basis in bases:
        fractional = cartesian @ inverse @ np.linalg.inv(basis)
        for origin in origins:
            shifted = fractional - fractional[origin]
            key, order = _listing(shifted, species)
            if best is None or key < best[0]:
                best = (key, basis @ start, order, shifted)
    assert best is not None
    key, vectors, order, shifted = best
    text = repr((_gram(vectors), key))
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    names = tuple(species[i] for i in order)
    return Presentation(vectors, shifted[order] % 1.0, names, digest, tuple(order))


def _gram(vectors: Vectors) -> tuple[int, ...]:
    """Lengths and face diagonals of a basis, in steps: they fix it up to rotation."""
    a, b, c = vectors
    lengths = [np.linalg.norm(v) for v in (a, b, c, b + c, a + c, a + b)]
    return tuple(int(np.floor(x / STEP + OFFSET)) for x in lengths)


def _bases(start: Vectors) -> list[NDArray[np.int64]]:
    """Integer combinations of reduced vectors, right-handed, whose Gram matrix is smallest."""
    combos = np.array([v for v in product((-1, 0, 1), repeat=3) if any(v)], dtype=np.int64)
    best: tuple[int, ...] | None = None
    kept: list[NDArray[np.int64]] = []
    hand = np.sign(np.linalg.det(start))
    for basis in _independent(combos, np.linalg.norm(combos @ start, axis=1), hand):
        key = _gram(basis @ start)
        if best is None or key < best:
            best, kept = key, []
        if key == best:
            kept.append(basis)
    return kept


def _independent(
    combos: NDArray[np.int64], lengths: NDArray[np.float64], hand: float
) -> Iterator[NDArray[np.int64]]:
    steps = np.floor(lengths / STEP + OFFSET)
    for i, first in enumerate(combos):
        if steps[i] > steps.min():
            continue
        for j, second in enumerate(combos):
            normal = np.cross(first, second)
            if steps[j] < steps[i] or not normal.any():
                continue
            for k in np.flatnonzero((combos @ normal == hand) & (steps >= steps[j])):
                yield np.array([first, second, combos[k]])


def _listing(
    fractional: Vectors, species: Sequence[str]
) -> tuple[tuple[tuple[object, ...], ...], list[int]]:
    steps = np.floor(fractional * FRACTION + OFFSET).astype(np.int64) % FRACTION
    rows = [(s, *(int(v) for v in step)) for s, step in zip(species, steps)]
    order = sorted(range(len(rows)), key=rows.__getitem__)
    return tuple(rows[i] for i in order), order
