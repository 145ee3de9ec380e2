"""Oscillators on a periodic grid that turn each other: the Kuramoto model with a kernel.

``d theta / dt = cos theta (w * sin theta) - sin theta (w * cos theta)``, which is
``sum_k w_k sin(theta_{j+k} - theta_j)`` (arXiv:2311.14196); ``*`` is a periodic correlation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.engines.coherent.integrate import integrated

Floats = NDArray[np.float64]
SIDE = 11  # of the kernel, points


def log_kernel(coupling: float, width: float) -> Floats:
    """Negative Laplacian of a Gaussian, times a coupling, with an empty centre.

    Parameters
    ----------
    coupling
        1/time.
    width
        Standard deviation of the Gaussian, points of the grid.

    Returns
    -------
    Shape (11, 11), 1/time: neighbours align, those farther than ``sqrt(2) width`` disalign.
    """
    steps = np.arange(SIDE) - SIDE // 2
    square = (steps[:, None] ** 2 + steps[None, :] ** 2) / (2 * width**2)
    kernel: Floats = coupling / (np.pi * width**4) * (1 - square) * np.exp(-square)
    kernel[SIDE // 2, SIDE // 2] = 0.0
    return kernel


def transfer(kernel: Floats, number: int) -> NDArray[np.complex128]:
    """Factor of each Fourier component of a grid that a correlation with the kernel brings.

    Parameters
    ----------
    kernel
        Shape (k, k), k odd; index (dy, dx), from -(k // 2).
    number
        Points along the side of the grid, at least k.

    Returns
    -------
    Shape (number, number // 2 + 1), for `numpy.fft.rfft2`.
    """
    half = len(kernel) // 2
    field = np.zeros((number, number))
    field[: len(kernel), : len(kernel)] = kernel
    return np.conj(np.fft.rfft2(np.roll(field, (-half, -half), (0, 1))))


def rate(theta: Floats, factor: NDArray[np.complex128]) -> Floats:
    """Rate of change of the angles.

    Parameters
    ----------
    theta
        Angles, shape (..., n, n).
    factor
        Of :func:`transfer`.

    Returns
    -------
    Shape (..., n, n), 1/time.
    """
    sine, cosine = np.sin(theta), np.cos(theta)
    shape = theta.shape[-2:]
    near_sine, near_cosine = (
        np.fft.irfft2(np.fft.rfft2(field) * factor, s=shape) for field in (sine, cosine)
    )
    result: Floats = cosine * near_sine - sine * near_cosine
    return result


def trajectory(start: Floats, kernel: Floats, times: Floats, tolerance: float) -> Floats:
    """Angles at given times, by an explicit method of order 8.

    Parameters
    ----------
    start
        Angles at ``times[0]``, shape (n, n).
    tolerance
        Relative and absolute.

    Returns
    -------
    Shape (t, n, n).

    Raises
    ------
    RuntimeError
        If the integrator gives up.
    """
    factor = transfer(kernel, len(start))
    return integrated(lambda theta: rate(theta, factor), start, times, tolerance)


def order(theta: Floats) -> Floats:
    """Order parameter of Kuramoto: length of the mean of ``exp(i theta)``, from 0 to 1.

    Parameters
    ----------
    theta
        Angles, shape (..., n, n).
    """
    result: Floats = np.abs(np.exp(1j * theta).mean(axis=(-2, -1)))
    return result


def local_order(theta: Floats) -> Floats:
    """Mean of the cosine of the angle between next neighbours, from -1 to 1.

    Parameters
    ----------
    theta
        Angles, shape (..., n, n).
    """
    pairs = [np.cos(theta - np.roll(theta, 1, axis=axis)) for axis in (-2, -1)]
    result: Floats = np.mean(pairs, axis=0).mean(axis=(-2, -1))
    return result
