"""Patterns on a polar grid: a rotation of the pattern is a shift along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from defectra.studies.stem4d.settings import Polar, Stem4dStudy

Floats = NDArray[np.float64]
INSIDE = 0.95  # of the detector, where the outermost ring lies


def polar(patterns: Floats, step: Floats, largest: float, grid: Polar, turn: float = 0.0) -> Floats:
    """Patterns on rings about the undiffracted beam, by linear interpolation.

    Parameters
    ----------
    patterns
        Shape (n, k_y, k_x), the undiffracted beam in pixel ``size // 2``.
    step
        Of the pixels, mrad, (y, x).
    largest
        Radius of the outermost ring, mrad.
    turn
        Angle, rad, by which the grid is turned: the pattern appears turned by ``-turn``.

    Returns
    -------
    Shape (n, radii, angles); angles run from +x counterclockwise towards +y.
    """
    radius = (np.arange(grid.radii) + 0.5) * largest / grid.radii
    angle = turn + 2 * np.pi * np.arange(grid.angles) / grid.angles
    middle = [size // 2 for size in patterns.shape[1:]]
    y = middle[0] + radius[:, None] * np.sin(angle) / step[0]
    x = middle[1] + radius[:, None] * np.cos(angle) / step[1]
    found = [map_coordinates(p, [y, x], order=1, mode="nearest") for p in patterns]
    return np.array(found)


def ring_weights(shape: tuple[int, int], step: Floats, largest: float, grid: Polar) -> Floats:
    """The same as a linear map: rings are ``patterns.reshape(n, -1) @ weights``.

    Returns
    -------
    Shape (k_y * k_x, radii * angles).
    """
    count = shape[0] * shape[1]
    impulses = np.eye(count).reshape(count, *shape)
    return polar(impulses, step, largest, grid).reshape(count, -1)


def left_out(study: Stem4dStudy) -> NDArray[np.bool_]:
    """Rings that are left out: those near the edge of the aperture, shape (radii,)."""
    largest, count = INSIDE * study.microscope.detector, study.polar.radii
    radius = (np.arange(count) + 0.5) * largest / count
    result: NDArray[np.bool_] = np.abs(radius - study.microscope.aperture) < study.polar.edge
    return result


@dataclass(frozen=True)
class Standard:
    """Square roots of counts, each ring less its mean, over one spread of a set of patterns.

    The mean of a ring is over all angles, so that a rotation stays a shift. One spread for all
    rings: the root has the same noise everywhere, and rings of few electrons are not blown up.

    Attributes
    ----------
    mean
        Shape (1, radii, 1).
    """

    mean: Floats
    spread: float

    @classmethod
    def of(cls, rings: Floats) -> Standard:
        """Of rings, shape (n, radii, angles)."""
        root = np.sqrt(np.maximum(rings, 0))
        mean = root.mean((0, 2), keepdims=True)
        return cls(mean, float((root - mean).std()) or 1.0)

    def __call__(self, rings: Floats) -> NDArray[np.float32]:
        """Standardised rings, same shape."""
        root = np.sqrt(np.maximum(rings, 0))
        return ((root - self.mean) / self.spread).astype(np.float32)
