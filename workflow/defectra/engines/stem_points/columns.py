"""Atomic columns of a crystal seen along the beam: of a cell, or of two grains of zinc blende.

HAADF: high-angle annular dark field, the image that heavy columns make bright (about Z^1.7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError

Floats = NDArray[np.float64]
EXPONENT = 1.7  # of the atomic number in the intensity of a column (Pennycook and Jesson 1991)
SAME = 0.05  # A; atoms that are nearer to each other in projection are one column


@dataclass(frozen=True)
class Columns:
    """Columns of one period along the interface.

    Attributes
    ----------
    x, y
        Position, A, shape (n,): along the interface, and upwards away from it (0 at the interface).
    weight
        Brightness, shape (n,): sum of Z^1.7 over the atoms of the column, the mean column 1.
    upper
        Whether it belongs to the upper grain, shape (n,).
    period
        Repeat length along x, A.
    """

    x: Floats
    y: Floats
    weight: Floats
    upper: NDArray[np.bool_]
    period: float

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest column, A."""
        return float(self.y.min()), float(self.y.max())

    def as_json(self) -> dict[str, Any]:
        """Plain JSON of it, which :func:`columns_of_json` reads."""
        return {
            "x": np.round(self.x, 5).tolist(),
            "y": np.round(self.y, 5).tolist(),
            "weight": np.round(self.weight, 6).tolist(),
            "upper": [int(u) for u in self.upper],
            "period": round(self.period, 6),
        }


def columns_of_json(data: Mapping[str, Any]) -> Columns:
    """Columns of their plain JSON.

    Raises
    ------
    EngineError
        ``bad_columns`` if it describes none.
    """
    try:
        x, y, weight = (np.asarray(data[k], np.float64) for k in ("x", "y", "weight"))
        upper, period = np.asarray(data["upper"], bool), float(data["period"])
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError("bad_columns", f"columns cannot be read ({error})") from None
    same = x.ndim == 1 and x.shape == y.shape == weight.shape == upper.shape
    if not same or not len(x) or period <= 0 or not np.isfinite([*x, *y, *weight]).all():
        raise EngineError("bad_columns", "columns of different length, none, or without a period")
    return Columns(x, y, weight, upper, period)


def project(positions: Floats, numbers: NDArray[np.int64], period: float, middle: float) -> Columns:
    """Columns of atoms, seen along the first axis; the interface lies at height `middle`.

    Parameters
    ----------
    positions
        Shape (n, 3), A: along the beam, along the interface, upwards.
    numbers
        Atomic numbers, shape (n,).
    period
        Repeat length along the interface, A.
    """
    from scipy.spatial import cKDTree

    flat = np.column_stack([positions[:, 1] % period, positions[:, 2] - middle])
    bright = numbers.astype(float) ** EXPONENT
    taken = np.full(len(flat), -1)
    tree = cKDTree(flat)
    for k, near in enumerate(tree.query_ball_point(flat, SAME)):
        if taken[k] < 0:
            free = [n for n in near if taken[n] < 0]
            taken[free] = k
    _, where = np.unique(taken, return_inverse=True)
    weight = np.bincount(where, bright)
    share = bright / weight[where]
    x, y = (np.bincount(where, flat[:, k] * share).astype(np.float64) for k in (0, 1))
    return Columns(x, y, weight / weight.mean(), y >= 0, period)


def zinc_blende(
    lattice: float, numbers: tuple[int, int], angle: float, width: float, low: float, high: float
) -> tuple[Floats, Floats, Floats]:
    """Columns of zinc blende along [110], turned counter-clockwise by `angle` degrees.

    At 0 degrees [001] points up. Dumbbells are lattice / 4 long along [001].

    Returns
    -------
    x, y (A) and Z^1.7 of the columns with 0 <= x < width and low <= y < high.
    """
    cell = np.array([[lattice / np.sqrt(2), 0.0], [0.0, lattice]])
    sites = ((0.0, 0.0, numbers[0]), (0.5, 0.5, numbers[0]),
             (0.0, 0.25, numbers[1]), (0.5, 0.75, numbers[1]))  # fmt: skip
    far = int(2 * (width + abs(low) + abs(high)) / cell[0, 0]) + 2
    i, j = (g.ravel() for g in np.meshgrid(np.arange(-far, far + 1), np.arange(-far, far + 1)))
    points = [np.column_stack([i + u, j + v]) @ cell for u, v, _ in sites]
    bright = np.repeat([float(z) ** EXPONENT for *_, z in sites], len(i))
    turn = np.radians(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    x, y = (np.concatenate(points) @ matrix.T).T
    edge = 1e-6
    keep = (x >= -edge) & (x < width - edge) & (y >= low - edge) & (y < high - edge)
    return x[keep], y[keep], bright[keep]


def bicrystal(
    lattice: float,
    numbers: tuple[int, int],
    angles: tuple[float, float],
    period: float,
    height: float,
    gap: float = 0.0,
) -> Columns:
    """Two grains of zinc blende along [110], the upper one above the line y = 0.

    Parameters
    ----------
    lattice
        Lattice constant, A.
    numbers
        Atomic numbers of the two sublattices.
    angles
        Of the upper and the lower grain, degrees counter-clockwise.
    period
        Repeat length along the interface, A; a grain that does not have it is cut at its ends.
    height
        Of each grain, A.
    gap
        Between the lowest column of the upper and the highest of the lower grain, beyond 1 A.
    """
    upper = zinc_blende(lattice, numbers, angles[0], period, 0.0, height)
    lower = zinc_blende(lattice, numbers, angles[1], period, -height, 0.0)
    if not len(upper[0]) or not len(lower[0]):
        raise EngineError("bad_columns", f"no column in {period:g} by {height:g} A")
    y_upper = upper[1] - upper[1].min() + 0.5 + gap / 2
    y_lower = lower[1] - lower[1].max() - 0.5 - gap / 2
    x, y = np.concatenate([upper[0], lower[0]]), np.concatenate([y_upper, y_lower])
    weight = np.concatenate([upper[2], lower[2]])
    return Columns(x, y, weight / weight.mean(), y >= 0, period)
