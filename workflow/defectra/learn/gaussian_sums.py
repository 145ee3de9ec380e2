"""Sums of Gaussians fitted to many spectra: Levenberg-Marquardt, compiled, non-negative.

Height, centre and width of every Gaussian are free. The Jacobian is analytic, one iteration costs
a 60 x 60 matrix and its Cholesky factor instead of sixty function calls. Heights cannot fall
below zero: one that is zero and would fall is held in that iteration. An even row of Gaussians
with fitted heights is the start. (The fit of a similar spectrum as start was tried and is worse:
it begins closer, but in narrow valleys.)
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from defectra.learn.cholesky import solve

Floats = NDArray[np.float64]

REACH = 8.0  # widths beyond which a Gaussian counts as zero: exp(-32) = 1e-14
NARROWEST = 0.6  # grid steps
WIDEST = 0.5  # of the grid
STILL = 1e-6  # relative fall of the sum of squares below which the fit stands still


def fit(spectra: Floats, start: Floats, iterations: int) -> Floats:
    """Fit Gaussians to each spectrum on an even grid.

    Parameters
    ----------
    spectra
        Shape (n, g), finite.
    start
        Gaussians to begin with: height, centre, standard deviation (grid steps, from the first
        point); shape (count, 3) for all, or (n, count, 3).
    iterations
        At most so many steps of Levenberg-Marquardt; fewer if the residual stands still.

    Returns
    -------
    ndarray
        Shape (n, count, 3): height (unit of the spectra, not negative), centre, width, each
        Gaussian where it was in `start`.
    """
    values = np.ascontiguousarray(spectra, dtype=np.float64)
    shape = (len(values), *np.shape(start)[-2:])
    out = np.array(np.broadcast_to(start, shape), dtype=np.float64)
    _fit_all(values, iterations, out)
    return out


def even_start(spectra: Floats, count: int) -> Floats:
    """Evenly spaced Gaussians whose heights alone are fitted (non-negative), (n, count, 3)."""
    values = np.ascontiguousarray(spectra, dtype=np.float64)
    points = values.shape[1]
    step = (points - 1) / (count - 1)
    out = np.empty((len(values), count, 3))
    out[:, :, 1] = np.linspace(0.0, points - 1.0, count)
    out[:, :, 2] = 0.8 * step
    shape = np.exp(-0.5 * ((np.arange(points) - out[0, :, 1:2]) / out[0, :, 2:3]) ** 2)
    overlaps, right = shape @ shape.T, values @ shape.T
    heights = np.clip(right / overlaps.sum(axis=1), 0.0, None)
    for _ in range(60):  # coordinate descent, all spectra at once
        for k in range(count):
            gradient = right[:, k] - heights @ overlaps[k]
            heights[:, k] = np.clip(heights[:, k] + gradient / overlaps[k, k], 0.0, None)
    out[:, :, 0] = heights
    return out


def evaluate(peaks: Floats, points: int) -> Floats:
    """Sum of Gaussians on the grid; `peaks` of shape (n, count, 3), answer (n, points)."""
    x = np.arange(points, dtype=np.float64)
    out = np.zeros((len(peaks), points))
    for k in range(peaks.shape[1]):
        height, centre, width = (peaks[:, k, i, None] for i in range(3))
        out += height * np.exp(-0.5 * ((x[None, :] - centre) / width) ** 2)
    return out


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _fit_all(values, iterations, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count, points = out.shape[1], values.shape[1]
    size = 3 * count
    slope, trial_slope = np.zeros((size, points)), np.zeros((size, points))
    factor = np.zeros((size, size))
    for i in range(len(values)):
        _one(values[i], out[i], iterations, factor, slope, trial_slope)


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _one(values, peaks, iterations, factor, slope, trial_slope):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    rest, trial_rest = np.empty(len(values)), np.empty(len(values))
    step, trial = np.empty(3 * len(peaks)), np.empty_like(peaks)
    more = np.empty(3 * len(peaks))
    cost = _slopes(values, peaks, slope, rest)
    damping = 1e-3
    for _ in range(iterations):
        normal = np.dot(slope, slope.T)
        right = np.dot(slope, rest)
        _hold(peaks, normal, right)
        before, improved = cost, False
        for _ in range(5):
            for k in range(len(more)):
                more[k] = damping * normal[k, k] + 1e-13
            if solve(normal, more, factor, right, step):
                _move(peaks, step, len(values), trial)
                new = _slopes(values, trial, trial_slope, trial_rest)
                if new < cost:
                    cost, improved = new, True
                    peaks[:] = trial
                    slope[:] = trial_slope
                    rest[:] = trial_rest
                    damping = max(damping * 0.1, 1e-10)
                    break
            damping *= 8.0
        if not improved or before - cost < STILL * before:
            break


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _slopes(values, peaks, slope, rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Derivatives for height, centre and log width, what is left, and its sum of squares."""
    points = len(values)
    rest[:] = values
    slope[:] = 0.0
    for k in range(len(peaks)):
        height, centre, width = peaks[k]
        low = max(0, int(centre - REACH * width))
        high = min(points, int(centre + REACH * width) + 2)
        for j in range(low, high):
            u = (j - centre) / width
            g = math.exp(-0.5 * u * u)
            slope[3 * k, j] = g
            slope[3 * k + 1, j] = height * g * u / width
            slope[3 * k + 2, j] = height * g * u * u
            rest[j] -= height * g
    total = 0.0
    for j in range(points):
        total += rest[j] * rest[j]
    return total


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _hold(peaks, normal, right):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Take heights that are zero and would fall out of the equations."""
    for k in range(len(peaks)):
        row = 3 * k
        if peaks[k, 0] <= 0.0 and right[row] <= 0.0:
            right[row] = 0.0
            normal[row, :] = 0.0
            normal[:, row] = 0.0
            normal[row, row] = 1.0


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _move(peaks, step, points, trial):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Parameters after a step, inside their bounds; a step is at most a width long."""
    for k in range(len(peaks)):
        height, centre, width = peaks[k]
        trial[k, 0] = max(height + step[3 * k], 0.0)
        shift = min(max(step[3 * k + 1], -width), width)
        trial[k, 1] = min(max(centre + shift, -0.5 * points), 1.5 * points)
        stretch = min(max(step[3 * k + 2], -0.5), 0.5)
        trial[k, 2] = min(max(width * math.exp(stretch), NARROWEST), WIDEST * points)
