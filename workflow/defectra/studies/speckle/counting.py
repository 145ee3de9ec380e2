"""Counting disks without any training: direct beam over scattered intensity.

The direct beam of N equal disks has N² times the intensity of one disk, the sum over a detector N
times (the interference of different disks averages out over their distances): the ratio is N times
a constant of the form factor. Unequal disks break it: their ratio gives the total area.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from defectra.engines.speckle.scattering import disk_form_factor
from defectra.studies.speckle.physical_inputs import Physical, PhysicalInputs

Floats = NDArray[np.float64]
SMALLEST, LARGEST = 40.0, 160.0  # pixels, of a radius that is fitted


def ratio_of_one(inputs: PhysicalInputs, radius: float) -> float:
    """Direct beam of one disk over its whole intensity on the detector."""
    squared = _one_disk(inputs, radius)
    return float((np.pi * radius**2) ** 2 / np.sum(squared * inputs.weight))


def count_disks(found: Physical, inputs: PhysicalInputs, radius: float | Floats) -> Floats:
    """Number of equal disks, not rounded, shape (n,).

    Parameters
    ----------
    radius
        Of the disks, pixels; one, or one for each pattern.
    """
    radii = np.broadcast_to(np.asarray(radius, np.float64), len(found.forward))
    constants = {r: ratio_of_one(inputs, float(r)) for r in np.unique(radii)}
    return found.forward / np.array([constants[r] for r in radii])


def fit_radius(found: Physical, inputs: PhysicalInputs) -> Floats:
    """Radius of equal disks from the rings of each pattern, pixels, shape (n,).

    The square roots of rings and of those of one disk are brought together by least squares: they
    weigh all rings alike where the number of speckles is large. Rings of the inner third are left
    out: there disks that keep their distance scatter less than independent ones.
    """
    grid = np.arange(SMALLEST, LARGEST + 1, 2.0)
    models = np.sqrt([_ring_shape(inputs, r) for r in grid])
    return np.array([_fit(np.sqrt(rings), grid, models, inputs) for rings in found.rings])


def _fit(roots: Floats, grid: Floats, models: Floats, inputs: PhysicalInputs) -> float:
    roots = roots[-models.shape[1] :] / np.linalg.norm(roots[-models.shape[1] :])
    best = grid[np.argmax(models @ roots / np.linalg.norm(models, axis=1))]

    def distance(radius: float) -> float:
        model = np.sqrt(_ring_shape(inputs, radius))
        return float(np.sum((model / np.linalg.norm(model) - roots) ** 2))

    low, high = max(best - 2, SMALLEST), min(best + 2, LARGEST)
    return float(minimize_scalar(distance, bounds=(low, high), method="bounded").x)


def _ring_shape(inputs: PhysicalInputs, radius: float) -> Floats:
    rings = inputs.kept_rings @ _one_disk(inputs, radius).ravel()
    return np.asarray(rings[len(rings) // 3 :])


def _one_disk(inputs: PhysicalInputs, radius: float) -> Floats:
    turn = 2 * np.pi / inputs.detector.period
    return disk_form_factor(inputs.distance * turn, radius) ** 2
