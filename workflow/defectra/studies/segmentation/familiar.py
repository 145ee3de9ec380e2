"""Whether a frame is one of those that the networks know: electrons and power spectrum.

A counted frame has the power of its shot noise at every frequency, which is its number of
electrons; what stands above it are fringes, water and the cell. A photograph, a page of text or a
frame of another pixel size has another spectrum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RINGS = 16  # of the spectrum, from one wave in the frame to two pixels
LEAST = 1e-3  # of the power over that of shot noise, for the logarithm
STEP = 2  # tiles overlap by one part of so many
COMPONENTS = 6  # axes of the domain


def tiles(values: NDArray[np.floating], size: int) -> tuple[Floats, list[tuple[int, int]]]:
    """Squares of a frame that overlap by half, shape (n, size, size), and their first pixels."""
    starts = [_starts(length, size) for length in values.shape]
    at = [(row, column) for row in starts[0] for column in starts[1]]
    return np.array([values[r : r + size, c : c + size] for r, c in at], float), at


def _starts(length: int, size: int) -> list[int]:
    inner = list(range(0, length - size, size // STEP))
    return [*inner, length - size]


def joined(
    found: NDArray[np.floating], at: list[tuple[int, int]], shape: tuple[int, int]
) -> Floats:
    """Mean of what overlapping tiles say of each pixel.

    Parameters
    ----------
    found
        Shape (members, tiles, size, size).

    Returns
    -------
    Shape (members, h, w).
    """
    size = found.shape[-1]
    total, often = np.zeros((len(found), *shape)), np.zeros(shape)
    for k, (row, column) in enumerate(at):
        where = (slice(row, row + size), slice(column, column + size))
        total[:, where[0], where[1]] += found[:, k]
        often[where] += 1
    return total / often


def described(counts: NDArray[np.floating]) -> Floats:
    """Logarithms of the mean electrons, and of the power over shot noise by frequency.

    Parameters
    ----------
    counts
        Electrons, shape (n, size, size).

    Returns
    -------
    Shape (n, 1 + RINGS).
    """
    x = np.asarray(counts, float)
    mean = np.maximum(x.mean(axis=(1, 2)), LEAST)
    power = np.abs(np.fft.fft2(x - x.mean(axis=(1, 2), keepdims=True))) ** 2
    size = x.shape[-1]
    axis = np.fft.fftfreq(size) * size
    away = np.hypot(axis[:, None], axis[None, :])
    ring = np.minimum((away - 0.5) / (size / 2) * RINGS, RINGS).astype(int)
    ring = np.where(away > 0, ring, RINGS)  # the mean, and the corners, are of no ring
    share = power.reshape(len(x), -1) / (size**2 * mean[:, None])
    sums = np.array([np.bincount(ring.ravel(), each, RINGS + 1)[:RINGS] for each in share])
    of_ring = np.maximum(np.bincount(ring.ravel(), minlength=RINGS + 1)[:RINGS], 1)
    return np.column_stack([np.log(mean), np.log(np.maximum(sums / of_ring, LEAST))])
