"""The bulk repeated to the cell of a defect: cells, potentials, strain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError

if TYPE_CHECKING:
    from pymatgen.core import Structure

TILES = 1.5e-3  # of a vector of the bulk: more is another cell


def structure(row: Mapping[str, Any]) -> Structure:
    """Cell of a row as pymatgen sees it."""
    from pymatgen.core import Structure

    lattice = np.reshape(row["lattice"], (3, 3))
    return Structure(lattice, row["species"], np.reshape(row["coords"], (-1, 3)))


def tiled(bulk: Mapping[str, Any], like: Mapping[str, Any]) -> tuple[Structure, list[float]]:
    """Bulk repeated to the cell of a defect, with the potential of each atom.

    Raises
    ------
    EngineError
        ``mixed_cells`` if the bulk cell does not tile that of the defect.
    """
    small = structure(bulk)
    small.add_site_property("potential", list(bulk["potentials_V"]))
    large = small.make_supercell(repeats(bulk, like), in_place=False)
    return large, [float(v) for v in large.site_properties["potential"]]


def repeated(bulk: Mapping[str, Any], like: Mapping[str, Any]) -> Structure:
    """Bulk repeated to the cell of a defect.

    Raises
    ------
    EngineError
        ``mixed_cells`` if the bulk cell does not tile that of the defect.
    """
    return structure(bulk).make_supercell(repeats(bulk, like), in_place=False)


def repeats(bulk: Mapping[str, Any], like: Mapping[str, Any]) -> NDArray[np.int64]:
    """How often each vector of the bulk stands in those of a cell, shape (3, 3).

    Raises
    ------
    EngineError
        ``mixed_cells`` if the bulk cell does not tile that of the defect.
    """
    target, small = (np.reshape(r["lattice"], (3, 3)) for r in (like, bulk))
    matrix = target @ np.linalg.inv(small)
    off = float(np.abs(matrix - np.round(matrix)).max())
    if not off < TILES:
        raise EngineError(
            "mixed_cells",
            "the bulk cell does not tile the cell of the defect: repeated to it, a vector is "
            f"{off:.2%} of one of the bulk too long or too short; relax the atoms in that lattice",
        )
    return np.round(matrix).astype(np.int64)


def lattice_in_bulk(bulk: Mapping[str, Any], like: Mapping[str, Any]) -> list[float]:
    """Lattice vectors of the bulk repeated to the cell of a defect, Å, in a row.

    Raises
    ------
    EngineError
        ``mixed_cells`` if the bulk cell does not tile that of the defect.
    """
    vectors = repeats(bulk, like) @ np.reshape(bulk["lattice"], (3, 3))
    return [float(v) for v in vectors.ravel()]


def strain_of(bulk: Mapping[str, Any], like: Mapping[str, Any]) -> float:
    """Largest strain of the cell of a defect against the bulk repeated to it.

    Raises
    ------
    EngineError
        ``mixed_cells`` if the bulk cell does not tile that of the defect.
    """
    ideal = np.reshape(lattice_in_bulk(bulk, like), (3, 3))
    change = np.linalg.inv(ideal) @ np.reshape(like["lattice"], (3, 3))
    return float(np.abs(np.linalg.svd(change, compute_uv=False) - 1).max())
