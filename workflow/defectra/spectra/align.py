"""Energy alignment: one declared shift for each element and edge, never fitted to a sample."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.errors import TableError
from defectra.settings.nmc import Grid


def grid_of(grids: Mapping[str, Grid], element: str, edge: str) -> Grid:
    """Declared grid of an element and edge.

    Raises
    ------
    TableError
        If the config declares none.
    """
    name = f"{element} {edge}"
    if name not in grids:
        raise TableError(f"edges: no grid for {name!r}; declared: {', '.join(grids)}")
    return grids[name]


def points(grid: Grid) -> NDArray[np.float64]:
    """Energies of a declared grid, eV, both ends included where the step allows."""
    count = int(np.floor((grid.stop - grid.start) / grid.step + 1e-6)) + 1
    return grid.start + grid.step * np.arange(count, dtype=np.float64)


def aligned(energy: ArrayLike, grid: Grid) -> NDArray[np.float64]:
    """Energies of the engine (eV) on the declared axis of `grid`."""
    return np.add(np.asarray(energy, np.float64), grid.shift)


def covered(energy: ArrayLike, grid: Grid) -> float:
    """Fraction of a grid between the first and last of aligned energies, 0 to 1."""
    axis = np.asarray(energy, np.float64)
    overlap = min(axis[-1], grid.stop) - max(axis[0], grid.start)
    return float(max(0.0, overlap) / (grid.stop - grid.start))
