"""Plain statistics of a speckle pattern, the inputs of the baseline: nothing is recovered.

Radial moments, contrast and rings of the visible intensity, and the correlation of neighbouring
pixels (size and shape of a speckle).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.studies.speckle.physical_inputs import BATCH, FLOOR, PhysicalInputs

Floats = NDArray[np.float64]
ORDERS = (1, 2, 3, 4)
ZONES = 5  # annuli of equal width for the speckle contrast
LAGS = (1, 2, 3, 4, 6)  # kept pixels


def moments_and_correlation(patterns: NDArray[np.floating], inputs: PhysicalInputs) -> Floats:
    """Statistics of upper halves of patterns, shape (n, features)."""
    parts = range(0, len(patterns), BATCH)
    return np.vstack([_some(patterns[k : k + BATCH], inputs) for k in parts])


def _some(patterns: NDArray[np.floating], inputs: PhysicalInputs) -> Floats:
    seen = np.asarray(patterns, np.float64) * inputs.visible
    share = seen / inputs.total(seen)[:, None, None]
    flat, weight = share.reshape(len(share), -1), inputs.weight.ravel()
    far = inputs.distance.ravel() / inputs.detector.half
    radial = [flat @ (weight * far**order) for order in ORDERS]
    rings = np.log(flat @ inputs.kept_rings.T + FLOOR)
    contrast = _contrasts(flat, inputs)
    return np.column_stack([*radial, *contrast, *_correlations(share), rings])


def _contrasts(flat: Floats, inputs: PhysicalInputs) -> list[Floats]:
    """Mean square over squared mean, whole and in annuli."""
    zone = np.minimum(ZONES * inputs.distance / (inputs.detector.half + 1), ZONES).astype(int)
    masks = [inputs.visible, *(inputs.visible & (zone == k) for k in range(ZONES))]
    found = []
    for mask in masks:
        own = (inputs.weight * mask).ravel() / np.sum(inputs.weight * mask)
        found.append(np.log((flat**2 @ own + FLOOR**2) / (flat @ own + FLOOR) ** 2))
    return found


def _correlations(share: Floats) -> list[Floats]:
    """Mean product of pixels at a lag over the mean square, along rows and columns."""
    square = np.mean(share**2, axis=(1, 2))
    found = []
    for lag in LAGS:
        for one, other in (
            (share[:, lag:], share[:, :-lag]),
            (share[:, :, lag:], share[:, :, :-lag]),
        ):
            found.append(np.mean(one * other, axis=(1, 2)) / square)
    return found
