"""Gaussians of any sign fitted as far as they go: variable projection, compiled.

Heights are linear: for given centres and widths they follow from least squares. What is left is
fitted in 40 instead of 60 numbers, with the Jacobian of Kaufman (BIT 15, 49, 1975; Golub and
Pereyra, Inverse Problems 19, R1, 2003), damped in the metric of the widths: a centre moves in
units of its width, a width by its logarithm. From narrow Gaussians, half a spacing wide, it goes
further than from wide ones, and so does Levenberg-Marquardt on all sixty.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from defectra.learn.cholesky import solve

Floats = NDArray[np.float64]

NARROW = 0.5  # spacings: standard deviation of the Gaussians that the fit starts from
STILL = 1e-6  # relative fall of the sum of squares below which the fit stands still
TRIES = 25  # of a larger damping in one iteration
UP, DOWN, FIRST = 4.0, 0.3, 1e-6  # damping: factor after a failure, after a success, at first
LEAST_WIDTH = 0.5  # grid steps


def narrow_start(count: int, points: int) -> Floats:
    """Centres and widths (grid steps) of evenly spaced Gaussians, shape (count, 2)."""
    step = (points - 1) / (count - 1)
    return np.column_stack([np.linspace(0.0, points - 1.0, count), np.full(count, NARROW * step)])


def fit_free(spectra: Floats, count: int, iterations: int) -> Floats:
    """Fit Gaussians with heights of any sign to each spectrum on an even grid.

    Parameters
    ----------
    spectra
        Shape (n, g), finite.
    iterations
        At most; fewer if the residual stands still.

    Returns
    -------
    ndarray
        Shape (n, count, 3): height, centre, width (grid steps).
    """
    values = np.ascontiguousarray(spectra, dtype=np.float64)
    start = narrow_start(count, values.shape[1])
    out = np.empty((len(values), count, 3))
    _fit_all(values, start, iterations, out)
    return out


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _fit_all(values, start, iterations, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count, points = len(start), values.shape[1]
    now, then = np.empty((2, count, points)), np.empty((2, count, points))
    triangle, other = np.zeros((count, count)), np.zeros((count, count))
    slope, factor = np.empty((2 * count, points)), np.zeros((2 * count, 2 * count))
    for i in range(len(values)):
        out[i, :, 1:] = start
        _one(values[i], out[i], iterations, now, then, triangle, other, slope, factor)


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _one(values, peaks, iterations, now, then, triangle, other, slope, factor):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    rest, trial_rest = np.empty(len(values)), np.empty(len(values))
    step, trial = np.empty(2 * len(peaks)), np.empty_like(peaks)
    more = np.empty(2 * len(peaks))
    cost = _project(values, peaks, now, triangle, rest)
    damping = FIRST
    for _ in range(iterations):
        _slopes(peaks, now, slope)
        normal, right = np.dot(slope, slope.T), np.dot(slope, rest)
        before, improved = cost, False
        for _ in range(TRIES):
            _damp(peaks, damping, more)
            if solve(normal, more, factor, right, step):
                _move(peaks, step, len(values), trial)
                new = _project(values, trial, then, other, trial_rest)
                if new < cost:
                    cost, improved = new, True
                    peaks[:] = trial
                    now[:] = then
                    rest[:] = trial_rest
                    damping = max(damping * DOWN, 1e-14)
                    break
            damping *= UP
        if not improved or before - cost < STILL * before:
            break


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _project(values, peaks, basis, triangle, rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Gaussians, their orthonormal basis, best heights, what is left, its sum of squares.

    Gram-Schmidt, done twice; one that depends on those before it is left out, height zero.
    """
    shape, unit = basis[0], basis[1]
    count, points = shape.shape
    for k in range(count):
        whole = 0.0
        for j in range(points):
            u = (j - peaks[k, 1]) / peaks[k, 2]
            shape[k, j] = math.exp(-0.5 * u * u)
            unit[k, j] = shape[k, j]
            whole += shape[k, j] * shape[k, j]
        for i in range(k):
            triangle[i, k] = 0.0
        for _ in range(2):
            for i in range(k):
                along = 0.0
                for j in range(points):
                    along += unit[i, j] * unit[k, j]
                triangle[i, k] += along
                for j in range(points):
                    unit[k, j] -= along * unit[i, j]
        own = 0.0
        for j in range(points):
            own += unit[k, j] * unit[k, j]
        length = math.sqrt(own) if own > 1e-20 * whole else 0.0
        triangle[k, k] = length
        for j in range(points):
            unit[k, j] = unit[k, j] / length if length > 0.0 else 0.0
    return _heights(values, peaks, unit, triangle, rest)


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _heights(values, peaks, unit, triangle, rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count, points = unit.shape
    rest[:] = values
    along = np.empty(count)
    for k in range(count):
        total = 0.0
        for j in range(points):
            total += unit[k, j] * rest[j]
        along[k] = total
        for j in range(points):
            rest[j] -= total * unit[k, j]
    for k in range(count - 1, -1, -1):
        total = along[k]
        for i in range(k + 1, count):
            total -= triangle[k, i] * peaks[i, 0]
        peaks[k, 0] = total / triangle[k, k] if triangle[k, k] > 0.0 else 0.0
    cost = 0.0
    for j in range(points):
        cost += rest[j] * rest[j]
    return cost


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _slopes(peaks, basis, slope):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Kaufman's: derivatives for centre and log width, what the basis spans taken out."""
    shape, unit = basis[0], basis[1]
    for k in range(len(peaks)):
        height, centre, width = peaks[k]
        for j in range(shape.shape[1]):
            u = (j - centre) / width
            value = height * shape[k, j] * u
            slope[2 * k, j] = value / width
            slope[2 * k + 1, j] = value * u
    slope[:, :] -= np.dot(np.dot(slope, unit.T), unit)


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _damp(peaks, damping, more):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """What is added to the diagonal: damping in the metric of the widths."""
    for k in range(len(peaks)):
        more[2 * k] = damping / (peaks[k, 2] * peaks[k, 2])
        more[2 * k + 1] = damping


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _move(peaks, step, points, trial):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Centres and widths after a step, inside their bounds; a step is 1.5 widths at most."""
    for k in range(len(peaks)):
        centre, width = peaks[k, 1], peaks[k, 2]
        shift = min(max(step[2 * k], -1.5 * width), 1.5 * width)
        trial[k, 1] = min(max(centre + shift, -0.3 * points), 1.3 * points)
        stretch = min(max(step[2 * k + 1], -0.7), 0.7)
        trial[k, 2] = min(max(width * math.exp(stretch), LEAST_WIDTH), 1.0 * points)
