"""Supercells of a crystal, and their symmetry as permutations of sites, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures import periodic
from defectra.structures.crystal import Crystal, site_images
from defectra.structures.integers import (
    Matrix,
    all_hermite,
    cell_index,
    cell_points,
    hermite,
    inequivalent_hermite,
)

LARGEST_INDEX = 400  # of the search for a cubic cell
LONGEST = 1e5  # Å between images
LARGEST_ENTRY = 10_000  # of a matrix that is asked for
LARGEST_GROUP = 200_000_000  # numbers in the permutations of a supercell (0.8 GB)


@dataclass(frozen=True)
class Supercell:
    """A supercell of a crystal.

    Attributes
    ----------
    crystal
        Parent.
    matrix
        Vectors in the primitive basis, rows, shape (3, 3); as asked for.

    Sites are numbered parent site by parent site, and within it by primitive cell in the order
    of :func:`defectra.structures.integers.cell_points` of the Hermite normal form, so that the
    numbering does not depend on the basis asked for.
    """

    crystal: Crystal
    matrix: Matrix

    @cached_property
    def hnf(self) -> Matrix:
        """Hermite normal form of the matrix."""
        return hermite(self.matrix)

    @property
    def index(self) -> int:
        """Number of primitive cells."""
        return int(np.prod(np.diag(self.hnf)))

    @property
    def lattice(self) -> NDArray[np.float64]:
        """Vectors of the supercell, rows, Å, shape (3, 3)."""
        return self.matrix @ self.crystal.lattice

    @cached_property
    def cells(self) -> Matrix:
        """Primitive cells, shape (index, 3)."""
        return cell_points(self.hnf)

    @cached_property
    def coords(self) -> NDArray[np.float64]:
        """Fractional coordinates in the supercell, shape (n, 3)."""
        primitive = self.crystal.coords[:, None, :] + self.cells[None, :, :]
        out = primitive.reshape(-1, 3) @ np.linalg.inv(self.matrix.astype(float))
        return np.where(np.abs(out - np.round(out)) < 1e-9, 0.0, out % 1.0)

    @cached_property
    def parent_sites(self) -> NDArray[np.int64]:
        """Site of the crystal that each site is an image of, shape (n,)."""
        return np.repeat(np.arange(len(self.crystal.coords)), self.index)

    @property
    def sublattices(self) -> tuple[str, ...]:
        """Sublattice of each site."""
        return tuple(self.crystal.sublattices[p] for p in self.parent_sites)

    @property
    def species(self) -> tuple[str, ...]:
        """Default species of each site."""
        return tuple(self.crystal.species[p] for p in self.parent_sites)

    def sites_of(self, sublattice: str) -> NDArray[np.int64]:
        """Indices of the sites of a sublattice."""
        parents = self.crystal.sites_of(sublattice)
        return np.flatnonzero(np.isin(self.parent_sites, parents))

    @cached_property
    def permutations(self) -> NDArray[np.int32]:
        """Space group of the undecorated supercell: row k carries site i onto ``[k, i]``.

        Shape (g, n), rows unique and sorted, so that the identity comes first.
        """
        point = [k for k, r in enumerate(self.crystal.rotations) if self._keeps(r)]
        return unique_rows(np.vstack([self.carry(k, self.hnf) for k in point]))

    def _keeps(self, rotation: Matrix) -> bool:
        return bool((hermite(self.hnf @ rotation.T) == self.hnf).all())

    def carry(self, operation: int, target: Matrix) -> NDArray[np.int32]:
        """Permutations that an operation of the crystal makes, with every translation.

        Parameters
        ----------
        operation
            Row of ``crystal.rotations``.
        target
            Hermite normal form of the rotated superlattice (another one than the own, if the
            operation does not keep it), whose numbering the images use.
        """
        images, shifts = self._images
        rotation = self.crystal.rotations[operation]
        turned = self.cells @ rotation.T
        site = images[operation]
        start = turned[None, :, :] + shifts[operation][:, None, :]
        cells = start[None] + cell_points(target)[:, None, None, :]
        where = cell_index(cells, target) + (site * self.index)[None, :, None]
        return where.reshape(len(cells), -1).astype(np.int32)

    @cached_property
    def _images(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return site_images(self.crystal)

    @cached_property
    def shortest_image(self) -> float:
        """Distance of a site to its nearest periodic image, Å."""
        return periodic.repeat(self.lattice)

    def distances(
        self, site: int, others: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Distance (Å) of a site to the nearest image of each of `others`."""
        points = self.coords[np.asarray(others, dtype=int)]
        return periodic.distances(self.lattice, self.coords[site], points)[0]


def unique_rows(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Unique rows, sorted, by their bytes (big-endian keeps the order of numbers)."""
    packed = np.ascontiguousarray(rows.astype(">i4"))
    view = packed.view(np.dtype((np.void, packed.shape[1] * 4))).ravel()
    _, first = np.unique(view, return_index=True)
    return np.ascontiguousarray(rows[first])


def by_matrix(crystal: Crystal, matrix: Sequence[int] | Sequence[Sequence[int]]) -> Supercell:
    """Supercell of repeats ``(a, b, c)`` or of a 3 x 3 integer matrix on the primitive cell.

    Raises
    ------
    StructureError
        If the matrix is not made of integers, has volume 0, or is too large.
    """
    try:
        given = np.asarray(matrix, dtype=float)
    except ValueError:  # rows of different lengths
        given = np.zeros(0)
    if given.shape == (3,):
        given = np.diag(given)
    if given.shape != (3, 3) or not np.array_equal(given, np.round(given)):
        raise StructureError(f"supercell matrix {matrix!r}: three repeats or 3 x 3 integers")
    if np.abs(given).max() > LARGEST_ENTRY:
        raise StructureError(f"supercell matrix {matrix!r}: entries up to {LARGEST_ENTRY}")
    return _checked(Supercell(crystal, np.round(given).astype(np.int64)))


def _checked(cell: Supercell) -> Supercell:
    """Refuse a supercell whose symmetry would fill the memory, before it is made."""
    sites = len(cell.crystal.coords) * cell.index
    size = len(cell.crystal.rotations) * cell.index * sites
    if size > LARGEST_GROUP:
        raise StructureError(
            f"{cell.crystal.host}: a supercell of {cell.index} primitive cells, {sites} sites: its "
            f"symmetry is up to {size} numbers, at most {LARGEST_GROUP} are made; take a smaller "
            "one"
        )
    return cell


def by_atoms(crystal: Crystal, atoms: int) -> Supercell:
    """Most cubic supercell with exactly `atoms` sites (empty sublattices not counted).

    Raises
    ------
    StructureError
        If the number is no multiple of the primitive cell, or more than 400 of them.
    """
    per_cell = sum(s != "X" for s in crystal.species)
    if atoms < 1 or atoms % per_cell:
        near = max(1, round(atoms / per_cell)) * per_cell
        raise StructureError(
            f"{crystal.host}: no supercell of {atoms} atoms: the primitive cell has {per_cell}, "
            f"the nearest multiple is {near}"
        )
    if atoms // per_cell > LARGEST_INDEX:
        raise StructureError(
            f"{crystal.host}: {atoms} atoms are {atoms // per_cell} primitive cells; the search "
            f"for the most cubic cell ends at {LARGEST_INDEX}: give a matrix"
        )
    return _most_cubic(crystal, atoms // per_cell)


def by_distance(crystal: Crystal, distance: float) -> Supercell:
    """Most cubic supercell whose images are at least `distance` Å apart.

    Looked for up to 1.2 times the volume of a cube with that edge, of equally cubic ones the
    smallest; if there is none, the first index above that has one. Cells that are far from cubic
    could be smaller (down to 0.71 of the cube).

    Raises
    ------
    StructureError
        If more than 400 primitive cells would be needed.
    """
    if not 0 < distance < LONGEST:
        raise StructureError(f"images {distance} Å apart: a length below {LONGEST} Å is needed")
    volume = abs(float(np.linalg.det(crystal.lattice)))
    least = max(1, int(np.ceil(distance**3 / np.sqrt(2) / volume - 1e-9)))
    most = max(least, int(np.ceil(1.2 * distance**3 / volume)))
    if least > LARGEST_INDEX:
        raise StructureError(
            f"{crystal.host}: images {distance} Å apart need at least {least} primitive cells "
            f"({least * len(crystal.coords)} sites); the search ends at {LARGEST_INDEX}"
        )
    end = min(most, LARGEST_INDEX) + 1
    searches = [(range(least, end), r) for r in (0.9, 0.75, 0.0)]
    searches += [(range(k, k + 1), 0.0) for k in range(end, LARGEST_INDEX + 1)]
    for indices, roundness in searches:
        found = []
        for index in indices:
            reach = max(distance - 1e-6, roundness * (index * volume) ** (1 / 3))
            matrices = all_hermite(index)
            short = _short_vectors(crystal.lattice, reach)
            good = matrices[~_contains_any(matrices, short, index)]
            found += [(_skewness(crystal, m), index, m.ravel().tolist()) for m in good]
        if found:
            best = np.array(min(found)[2]).reshape(3, 3)
            return _checked(Supercell(crystal, _reduced(crystal, best)))
    raise StructureError(
        f"{crystal.host}: no supercell of at most {LARGEST_INDEX} primitive cells has images "
        f"{distance} Å apart"
    )


def of_index(crystal: Crystal, index: int) -> list[tuple[Supercell, int]]:
    """Symmetry-inequivalent supercells of an index, each with the size of its class."""
    classes = inequivalent_hermite(index, crystal.rotations)
    return [(Supercell(crystal, _reduced(crystal, m)), n) for m, n in classes]


def _short_vectors(lattice: NDArray[np.float64], distance: float) -> Matrix:
    """Non-zero integer vectors (one of each ±) shorter than `distance` Å."""
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    reach = np.floor(distance / heights).astype(int) + 1
    grid = np.array(list(np.ndindex(*(2 * reach + 1)))) - reach
    half = grid[len(grid) // 2 + 1 :]
    return half[np.linalg.norm(half @ lattice, axis=1) < distance]


def _contains_any(matrices: NDArray[np.int64], vectors: Matrix, index: int) -> NDArray[np.bool_]:
    """Does each superlattice contain one of the vectors?"""
    adjugate = np.round(np.linalg.inv(matrices.astype(float)) * index).astype(np.int64)
    inside = np.zeros(len(matrices), dtype=bool)
    for part in np.array_split(np.arange(len(matrices)), len(matrices) // 500 + 1):
        product = np.einsum("vi,hij->hvj", vectors, adjugate[part])
        inside[part] = (product % index == 0).all(axis=2).any(axis=1)
    return inside


def _most_cubic(crystal: Crystal, index: int) -> Supercell:
    """The cell whose reduced metric is nearest to that of a cube; ties by Hermite form.

    A cell with a vector below r edges has a skewness above 1 - r^2: those without are looked at
    first, and the others only if none of them is as good as that.
    """
    matrices = all_hermite(index)
    edge = (index * abs(float(np.linalg.det(crystal.lattice)))) ** (1 / 3)
    best: list[tuple[float, list[int]]] = []
    for roundness in (0.97, 0.9, 0.75, 0.0):
        short = _short_vectors(crystal.lattice, roundness * edge)
        good = matrices[~_contains_any(matrices, short, index)]
        best = sorted((_skewness(crystal, m), m.ravel().tolist()) for m in good)[:1]
        if best and best[0][0] < 1 - roundness**2 - 1e-3:
            break
    matrix = np.array(best[0][1]).reshape(3, 3)
    return _checked(Supercell(crystal, _reduced(crystal, matrix)))


def _skewness(crystal: Crystal, matrix: Matrix) -> float:
    vectors = _reduced(crystal, matrix) @ crystal.lattice
    edge = abs(np.linalg.det(vectors)) ** (1 / 3)
    return round(float(np.linalg.norm(vectors @ vectors.T / edge**2 - np.eye(3))), 3)


def _reduced(crystal: Crystal, matrix: Matrix) -> Matrix:
    from ase.geometry import minkowski_reduce

    _, transform = minkowski_reduce(matrix @ crystal.lattice)
    out = np.asarray(transform, dtype=np.int64) @ matrix
    return out if np.linalg.det(out) > 0 else -out
