"""Strain that a periodic bicrystal of zinc blende puts on its grains along the interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.engines.stem_points.columns import Columns

Floats = NDArray[np.float64]
FAR = 4.0  # A; columns nearer to the interface or to the end of the cell are left out
_LARGEST = 0.04  # of the strains that are tried


def grain_strains(columns: Columns, path: str | Path) -> tuple[float, float]:
    """Strain of the upper and the lower grain along the interface, per cent.

    The repeat length of the cell is that of a lattice vector of each unstrained grain; which one,
    its columns tell: stretched by it and turned so that it lies along the interface, the lattice
    has to scatter in phase from all columns. The beam direction, [110], is unstrained and gives
    the lattice constant.

    Parameters
    ----------
    path
        File of the cell, whose first axis is a whole number of a / sqrt(2).
    """
    from defectra.structures.io import read_structure

    structure = read_structure(path)
    heights = np.sort(structure.cart_coords[:, 0] % structure.lattice.a)
    layers = 1 + int((np.diff(heights) > 0.5).sum())
    lattice = structure.lattice.a / layers * 2 * np.sqrt(2)  # two layers in a / sqrt(2)
    low, high = columns.reach
    parts = (
        (columns.y > FAR) & (columns.y < high - FAR),
        (columns.y < -FAR) & (columns.y > low + FAR),
    )
    found = [_strain(columns.x[p], columns.y[p], columns.period, float(lattice)) for p in parts]
    return found[0], found[1]


def _strain(x: Floats, y: Floats, period: float, lattice: float) -> float:
    """Strain of one grain, per cent: of the lattice vector that brings most columns in phase."""
    basis = np.array([[lattice / np.sqrt(2), 0.0], [0.0, lattice]])
    far = int(period / basis[0, 0] * 1.2) + 1
    steps = np.arange(0, 2 * far + 1) / 2
    best = (-1.0, float("nan"))
    for m in steps:
        for n in np.concatenate([-steps[::-1], steps]):
            if (m % 1) != (n % 1):  # the projected lattice is centred
                continue
            vector = np.array([m, n]) @ basis
            length = float(np.hypot(*vector))
            if length and abs(period / length - 1) < _LARGEST:
                score = _in_phase(x, y, vector, length, period, basis)
                best = max(best, (score, 100 * (period / length - 1)))
    return best[1]


def _in_phase(
    x: Floats, y: Floats, vector: Floats, length: float, period: float, basis: Floats
) -> float:
    cos, sin = vector / length
    along, up = x * length / period, y
    flat = np.column_stack([cos * along - sin * up, sin * along + cos * up])
    hkl = np.array([[1.0, 1.0], [-1.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    waves = hkl @ np.linalg.inv(basis).T
    return float(np.abs(np.exp(2j * np.pi * flat @ waves.T).mean(axis=0)).sum())
