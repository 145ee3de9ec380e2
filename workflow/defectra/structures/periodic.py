"""Distances in a periodic cell of any shape: the one place where the nearest image is looked for.

By pymatgen, which reduces the cell first (Lenstra, Lenstra and Lovász) and then looks at the 27
images around. Images of the given cell alone are not enough where it is skewed: 30 of the 780
pairs of the 5 x 2 x 1 cell of study `nmc` would be up to 2.2 Å too long. ASE's ``find_mic`` takes
a distance below half of the shortest given vector for the nearest image, in a skewed cell wrongly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.core.errors import StructureError

if TYPE_CHECKING:
    from pymatgen.core import Lattice

Floats = NDArray[np.float64]
FLAT = 1e-9  # volume relative to that of a box with the same edges; a smaller one is no cell


def distances(lattice: ArrayLike, points: ArrayLike, others: ArrayLike) -> Floats:
    """Distance of each point to the nearest image of each of the others, Å, shape (m, n).

    Parameters
    ----------
    lattice
        Vectors in rows, Å, shape (3, 3).
    points, others
        Fractional coordinates, in the cell or not, shapes (m, 3) and (n, 3).

    Raises
    ------
    StructureError
        If the vectors span no volume, or are no numbers.
    """
    cell = _cell(_key(lattice))
    one, two = (np.array(p, dtype=float).reshape(-1, 3) for p in (points, others))
    return np.asarray(cell.get_all_distances(one, two), dtype=float)


def shortest(lattice: ArrayLike, shifts: ArrayLike) -> Floats:
    """Shortest periodic image of each shift, cartesian, Å, shape (n, 3).

    Parameters
    ----------
    lattice
        Vectors in rows, Å, shape (3, 3).
    shifts
        Differences of fractional coordinates, shape (n, 3).

    Raises
    ------
    StructureError
        As of :func:`distances`.
    """
    from pymatgen.util.coord import pbc_shortest_vectors

    given = np.array(shifts, dtype=float).reshape(-1, 3)
    found = pbc_shortest_vectors(_cell(_key(lattice)), np.zeros((1, 3)), given)
    return np.asarray(found, dtype=float)[0]


def repeat(lattice: ArrayLike) -> float:
    """Distance of a site to its nearest periodic image, Å.

    Raises
    ------
    StructureError
        As of :func:`distances`.
    """
    from ase.geometry import minkowski_reduce

    reduced = minkowski_reduce(_cell(_key(lattice)).matrix)[0]
    return float(np.linalg.norm(reduced, axis=1).min())


def _key(lattice: ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(lattice, dtype=float).reshape(9).tolist())


@lru_cache(maxsize=256)
def _cell(numbers: tuple[float, ...]) -> Lattice:
    from pymatgen.core import Lattice

    rows = np.array(numbers).reshape(3, 3)
    box = float(np.prod(np.linalg.norm(rows, axis=1)))
    if not np.isfinite(rows).all() or abs(float(np.linalg.det(rows))) <= FLAT * box:
        raise StructureError(f"the vectors of the cell span no volume: {rows.tolist()}")
    return Lattice(rows)
