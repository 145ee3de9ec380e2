"""Layered R-3m LiMO2: ideal lattice of all NMC (lithium nickel manganese cobalt oxide) cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures.periodic import distances

HOST = "layered"
SUBLATTICES = ("Li", "M", "O")
VACANCY = "X"

# Metal at 0, lithium at 1/2: oxygen (6c) at z = 0.259 lies nearer to the metal plane (1/3).
# Reference cell of the ideal lattice (Å); identities never depend on it, only geometries do.
A_REFERENCE, C_REFERENCE, Z_OXYGEN = 2.870, 14.220, 0.2590


@dataclass(frozen=True, eq=False)
class IdealLattice:
    """Undecorated supercell.

    Attributes
    ----------
    lattice
        Row vectors, Å, shape (3, 3).
    coords
        Fractional coordinates, shape (n, 3), lithium sites first, then metals, then oxygen.
    sublattice
        Index into :data:`SUBLATTICES` of each site, shape (n,).
    permutations
        Symmetry operations of the undecorated supercell as site permutations, shape (g, n):
        operation k carries site i onto site ``permutations[k, i]``.
    matrix
        Supercell matrix on the primitive rhombohedral cell, shape (3, 3).
    """

    lattice: NDArray[np.float64]
    coords: NDArray[np.float64]
    sublattice: NDArray[np.int64]
    permutations: NDArray[np.int64]
    matrix: NDArray[np.int64]

    @cached_property
    def fractional(self) -> list[tuple[float, ...]]:
        """`coords` as numbers that all rows of a campaign share."""
        return [tuple(row) for row in self.coords.tolist()]

    def sites_of(self, name: str) -> NDArray[np.int64]:
        """Indices of the sites of sublattice `name`."""
        return np.flatnonzero(self.sublattice == SUBLATTICES.index(name))

    def distances(
        self, site: int, others: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Distance (Å) of a site to the nearest image of each of `others`, shape (n,)."""
        points = self.coords[np.asarray(others, dtype=int)]
        return distances(self.lattice, self.coords[site], points)[0]


def primitive(a: float = A_REFERENCE, c: float = C_REFERENCE) -> NDArray[np.float64]:
    """Primitive rhombohedral lattice vectors (rows, Å) of the hexagonal constants `a`, `c`."""
    hexagonal = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]])
    obverse = np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3.0
    return obverse @ hexagonal


@lru_cache(maxsize=8)
def ideal_lattice(repeats: tuple[int, int, int] = (5, 2, 1)) -> IdealLattice:
    """Ideal layered supercell, `repeats` of the primitive cell (5 x 2 x 1 = 40 atoms)."""
    matrix = np.diag(repeats)
    fractional = {
        "Li": [np.array([0.5, 0.5, 0.5])],
        "M": [np.zeros(3)],
        "O": [np.full(3, Z_OXYGEN), np.full(3, 1 - Z_OXYGEN)],
    }
    shifts = [np.array(s) for s in np.ndindex(*repeats)]
    coords, sublattice = [], []
    for index, name in enumerate(SUBLATTICES):
        for base in fractional[name]:
            for shift in shifts:
                coords.append((base + shift) / np.array(repeats))
                sublattice.append(index)
    lattice = matrix @ primitive()
    positions, kinds = np.array(coords) % 1.0, np.array(sublattice)
    return IdealLattice(lattice, positions, kinds, _permutations(lattice, positions, kinds), matrix)


def repeats_for(metals: int) -> tuple[int, int, int]:
    """Supercell with `metals` metal sites: 5 x 2 x 1 for 10.

    Raises
    ------
    StructureError
        If the number has no supercell in this study.
    """
    known = {3: (3, 1, 1), 4: (2, 2, 1), 6: (3, 2, 1), 9: (3, 3, 1), 10: (5, 2, 1), 12: (3, 2, 2)}
    if metals not in known:
        raise StructureError(
            f"no supercell with {metals} metal sites; allowed: {', '.join(map(str, known))}"
        )
    return known[metals]


def _permutations(
    lattice: NDArray[np.float64], coords: NDArray[np.float64], kinds: NDArray[np.int64]
) -> NDArray[np.int64]:
    import spglib

    cell: Any = (lattice, coords, kinds + 1)
    found = spglib.get_symmetry(cell, symprec=1e-4)
    if found is None:
        raise StructureError("spglib finds no symmetry in the ideal lattice")
    rows = []
    for rotation, translation in zip(found["rotations"], found["translations"]):
        image = (coords @ rotation.T + translation) % 1.0
        delta = image[:, None, :] - coords[None, :, :]
        distance = np.abs(delta - np.round(delta)).max(axis=2)
        rows.append(distance.argmin(axis=1))
        if distance.min(axis=1).max() > 1e-4:
            raise StructureError("a symmetry operation does not map the ideal lattice onto itself")
    return np.unique(np.array(rows), axis=0)
