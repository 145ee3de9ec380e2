"""Rings about the direct beam of a pattern: profile, speckle contrast, first moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rings:
    """What rings one pixel wide hold.

    Attributes
    ----------
    mean
        Mean intensity of each ring, shape (rings,); ring r holds pixels at a distance of r to
        r + 1 from the direct beam.
    contrast
        Speckle contrast of each ring: standard deviation over mean, shape (rings,).
    first_moment
        Mean distance from the direct beam, weighted with the intensity, pixels. Distances are
        rounded down, as arXiv:2211.08194 does; corners of the detector count.
    """

    mean: Floats
    contrast: Floats
    first_moment: float


def distances(size: int) -> NDArray[np.int64]:
    """Distance of each pixel from the central one, rounded down, shape (size, size)."""
    axis = np.arange(size) - size // 2
    return np.floor(np.hypot(axis[:, None], axis[None, :])).astype(np.int64)


def rings_of(pattern: Floats) -> Rings:
    """Rings of a square pattern whose central pixel holds the direct beam.

    Rings that lie wholly on the detector are kept: ``size // 2`` of them and the direct beam.
    """
    number = distances(len(pattern)).ravel()
    values = np.asarray(pattern, dtype=np.float64).ravel()
    count = np.bincount(number)
    mean = np.bincount(number, values) / count
    spread = np.sqrt(np.bincount(number, (values - mean[number]) ** 2) / count)
    kept = len(pattern) // 2 + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = np.where(mean > 0, spread / mean, 0.0)
    moment = float(number @ values / values.sum())
    return Rings(mean[:kept], contrast[:kept], moment)
