"""Nearest atoms across the faces of a cell, in cells of any shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
Indices = NDArray[np.int64]


def nearest_pairs(
    matrix: Vectors, coords: Vectors, radius: float, most: int
) -> tuple[Indices, Indices, NDArray[np.float64]]:
    """Pairs of atoms within a radius: first, second, distance in Å; images of an atom itself count.

    The cell is reduced first: neighbours do not depend on the vectors that span the lattice, but
    in a skewed cell they lie many cells away. Time and memory grow with the number of atoms alone.

    Parameters
    ----------
    matrix
        Lattice vectors as rows, Å.
    coords
        Fractions, one row for each atom, of any cell.
    most
        Of each atom at most so many pairs, the shortest; bounds what atoms in one place cost.
    """
    from pymatgen.core import Lattice
    from scipy.spatial import cKDTree

    reduced = np.asarray(Lattice(matrix).get_lll_reduced_lattice().matrix)
    inside = (coords % 1.0) @ matrix @ np.linalg.inv(reduced) % 1.0
    images, owner, home = _images(reduced, inside, radius)
    found, at = cKDTree(images).query(
        inside @ reduced, k=min(most + 1, len(images)), distance_upper_bound=radius
    )
    found, at = found.reshape(len(coords), -1), at.reshape(len(coords), -1)
    first, column = np.nonzero(np.isfinite(found))
    image = at[first, column]
    other = ~(home[image] & (owner[image] == first))
    return first[other], owner[image[other]], found[first, column][other]


def _images(
    matrix: Vectors, inside: Vectors, radius: float
) -> tuple[Vectors, Indices, NDArray[np.bool_]]:
    """Places of all atoms in the cell or near it, whose they are, and which lie inside."""
    margin = radius * np.linalg.norm(np.linalg.inv(matrix), axis=0)
    reach = np.ceil(margin).astype(int)
    places, owners, homes = [], [], []
    for index in np.ndindex(*(2 * reach + 1)):
        shift = np.array(index) - reach
        moved = inside + shift
        near = ((moved > -margin - 1e-9) & (moved < 1 + margin + 1e-9)).all(axis=1)
        places.append(moved[near] @ matrix)
        owners.append(np.flatnonzero(near))
        homes.append(np.full(near.sum(), not shift.any()))
    return np.vstack(places), np.concatenate(owners), np.concatenate(homes)
