"""Baseline without a network: logistic regression of each pixel on filtered frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from defectra.studies.segmentation.data import FRINGES, Frames, band

Floats = NDArray[np.float64]
SCALES = (1.0, 2.0, 4.0)  # pixels
BANDS = (FRINGES, (1.2, 2.0))  # of differences of Gaussians, whose local power is a feature


def features(x: NDArray[np.float32]) -> Floats:
    """Smoothed frames and local power of bands, shape (n, h, w, k)."""
    frames = np.asarray(x[:, 0], np.float64)
    out = [gaussian_filter(frames, (0, s, s)) for s in SCALES]
    for fine, coarse in BANDS:
        power = band(frames, fine, coarse) ** 2
        out += [np.log(gaussian_filter(power, (0, s, s)) + 1e-6) for s in SCALES[1:]]
    return np.stack(out, axis=-1)


def fitted(training: Frames, penalty: float = 1.0, rounds: int = 25) -> tuple[Floats, Floats]:
    """Weights, and mean and standard deviation of the features: Newton's method."""
    x = features(training.x).reshape(-1, len(SCALES) + 2 * (len(SCALES) - 1))
    y = training.truth.ravel().astype(float)
    scale = np.array([x.mean(axis=0), x.std(axis=0) + 1e-9])
    design = np.column_stack([np.ones(len(x)), (x - scale[0]) / scale[1]])
    weights = np.zeros(design.shape[1])
    ridge = penalty * np.eye(len(weights))
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (y - p) - ridge @ weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + ridge
        change = np.linalg.solve(hessian, gradient)
        weights = weights + change
        if np.abs(change).max() < 1e-8:
            break
    return weights, scale


def predicted(model: tuple[Floats, Floats], frames: Frames) -> NDArray[np.float32]:
    """Probability of ice, shape (n, h, w)."""
    weights, scale = model
    x = (features(frames.x) - scale[0]) / scale[1]
    return np.asarray(1 / (1 + np.exp(-(weights[0] + x @ weights[1:]))), np.float32)
