"""Melting of ice by the Allen-Cahn equation: a phase field whose interfaces shrink and recede.

dφ/dt = m (ε² ∇²φ − W'(φ)) − 3 d φ (1 − φ) with W = φ² (1 − φ)² / 2, on a grid that repeats (Allen
and Cahn, Acta Metall. 27, 1085 (1979)). Without drive d a circle shrinks by its curvature alone,
dA/dt = −2π m ε², whatever its size; a straight front recedes by 3 d ε.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOBILITY = 1.0
WIDTH = 1.5  # ε, pixels
STEP = 0.1  # of time; stable below 1 / (4 m ε²)


def laplacian(field: Floats) -> Floats:
    """Second derivatives on a grid that repeats, pixels of length 1."""
    return np.asarray(
        sum(np.roll(field, shift, axis) for axis in (0, 1) for shift in (1, -1)) - 4 * field
    )


def melted(field: Floats, duration: float, drive: float) -> Floats:
    """Field after a time.

    Parameters
    ----------
    field
        1 in ice, 0 in water, shape (h, w).
    duration
        In units of 1 / mobility.
    drive
        Undercooling of the water, negative of what freezes: above 0 ice melts.
    """
    steps = max(1, int(np.ceil(duration / STEP)))
    step = duration / steps
    for _ in range(steps):
        well = field * (1 - field) * (1 - 2 * field)
        change = MOBILITY * (WIDTH**2 * laplacian(field) - well)
        field = field + step * (change - 3 * drive * field * (1 - field))
    return np.clip(field, 0.0, 1.0)


def crystals(size: int, count: int, rng: np.random.Generator) -> Floats:
    """Hexagonal plates at random, smoothed to the width of the interface, shape (size, size)."""
    axis = np.arange(size) + 0.5
    y, x = np.meshgrid(axis, axis, indexing="ij")
    found = np.zeros((size, size))
    for _ in range(count):
        middle = rng.uniform(0, size, 2)
        radius, turn = rng.uniform(0.18, 0.36) * size, rng.uniform(0, np.pi / 3)
        dy, dx = ((v - m + size / 2) % size - size / 2 for v, m in ((y, middle[0]), (x, middle[1])))
        angles = turn + np.pi / 3 * np.arange(6)
        away = np.max([dx * np.cos(a) + dy * np.sin(a) for a in angles], axis=0)
        found = np.maximum(found, 0.5 * (1 - np.tanh((away - radius) / (2 * WIDTH))))
    return found


def movie(size: int, frames: int, rng: np.random.Generator) -> Floats:
    """Phase field of each frame of a melting, shape (frames, size, size)."""
    field = melted(crystals(size, int(rng.integers(2, 5)), rng), 2.0, 0.0)
    drive = rng.uniform(0.02, 0.06)
    out = []
    for _ in range(frames):
        out.append(field)
        field = melted(field, rng.uniform(0.8, 1.2) * 40.0 / frames, drive)
    return np.array(out)
