"""Counting noise: what a detector that counts photons sees of a pattern."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.studies.speckle.physical_inputs import PhysicalInputs

Floats = NDArray[np.float64]


def counted(
    patterns: NDArray[np.floating],
    photons: float | Floats,
    inputs: PhysicalInputs,
    rng: np.random.Generator,
) -> Floats:
    """Numbers of photons, Poisson-distributed, on upper halves of patterns.

    The two Friedel mates of a pixel are counted separately and added, so that a pixel of the upper
    half holds the photons of both; the centre is as bright as it is.

    Parameters
    ----------
    patterns
        Intensities, shape (n, rows, columns).
    photons
        Mean number of photons of a pattern outside of the hidden centre, one or one for each.

    Returns
    -------
    Mean number of the two mates, shape as `patterns`.
    """
    scale = np.broadcast_to(photons, len(patterns)) / inputs.total(patterns)
    expected = np.asarray(patterns, np.float64) * scale[:, None, None]
    return rng.poisson(expected * inputs.weight) / inputs.weight
