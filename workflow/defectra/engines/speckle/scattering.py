"""Coherent far-field scattering of disks: analytic form factor and exact pixel mask.

The detector holds the squared modulus of the discrete Fourier transform, of length `period` in
each direction, of a plane whose value is one inside the disks and zero outside. Detector pixel k
has the wave number 2 pi k / period (radians per pixel of the sample plane), k = 0 being the
direct beam (arXiv:2211.08194: a mask of 2001² pixels padded with zeros to 18001²).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Detector:
    """Pixels of a square detector that are computed.

    Attributes
    ----------
    half
        Number of pixels from the direct beam to the edge.
    step
        Every step-th pixel is computed, the direct beam always.
    period
        Length of the discrete Fourier transform, pixels of the sample plane.
    """

    half: int = 256
    step: int = 1
    period: int = 18001

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Pixel numbers from the direct beam along one axis, rising, shape (n,)."""
        reach = self.half // self.step
        return np.arange(-reach, reach + 1) * self.step

    @property
    def wave_numbers(self) -> Floats:
        """Wave numbers along one axis, radians per pixel of the sample plane, shape (n,)."""
        return 2 * np.pi * self.pixels / self.period


def disk_form_factor(q: Floats, radius: float) -> Floats:
    """Fourier transform of a disk of density one: 2 pi R² J1(qR) / (qR), which is pi R² at q = 0.

    Parameters
    ----------
    q
        Modulus of the wave vector, radians per pixel; any shape.
    radius
        Pixels.
    """
    x = q * radius
    small = x < 1e-6
    safe = np.where(small, 1.0, x)
    shape = np.where(small, 0.5 - x**2 / 16, j1(safe) / safe)
    return 2 * np.pi * radius**2 * shape


def analytic_intensity(centres: Floats, radii: Floats, detector: Detector) -> Floats:
    """Intensity of ideal disks on the upper half of a detector, shape (m + 1, 2 m + 1).

    Rows follow x from zero on, columns y; :func:`whole` adds the other half.

    Parameters
    ----------
    centres, radii
        Shapes (disks, 2) and (disks,), pixels of the sample plane.
    """
    rows, columns = _axes(detector)
    amplitude = np.zeros((len(rows), len(columns)), dtype=np.complex128)
    for radius in np.unique(radii):
        own = centres[radii == radius]
        along = np.exp(-1j * np.outer(rows, own[:, 0]))
        amplitude += _on_detector(detector, float(radius)) * (
            along @ np.exp(-1j * np.outer(own[:, 1], columns))
        )
    return np.abs(amplitude) ** 2


def pixel_intensity(centres: Floats, radii: Floats, detector: Detector) -> Floats:
    """Intensity of disks drawn on the pixels of the sample plane, shape (m + 1, 2 m + 1).

    A pixel belongs to a disk if its own centre does; pixels count from one. The discrete Fourier
    transform is a product of matrices for each disk, so that the padded plane is never made:
    disks do not overlap, therefore the sum over disks is the transform of the whole mask.

    Parameters
    ----------
    centres, radii
        Shapes (disks, 2) and (disks,), pixels of the sample plane.
    """
    rows, columns = _axes(detector)
    amplitude = np.zeros((len(rows), len(columns)), dtype=np.complex128)
    for (x, y), radius in zip(centres, radii, strict=True):
        i, j = _covered(x, radius), _covered(y, radius)
        inside = ((i[:, None] - x) ** 2 + (j[None, :] - y) ** 2 <= radius**2).astype(np.float64)
        left, right = np.exp(-1j * np.outer(rows, i)), np.exp(-1j * np.outer(j, columns))
        amplitude += left @ (inside @ right)
    return np.abs(amplitude) ** 2


def _covered(centre: float, radius: float) -> NDArray[np.int64]:
    return np.arange(int(np.ceil(centre - radius)), int(np.floor(centre + radius)) + 1)


def _axes(detector: Detector) -> tuple[Floats, Floats]:
    """Wave numbers of the rows from zero on, and of all columns."""
    q = detector.wave_numbers
    return q[len(q) // 2 :], q


@lru_cache(maxsize=64)
def _on_detector(detector: Detector, radius: float) -> Floats:
    rows, columns = _axes(detector)
    return disk_form_factor(np.hypot(rows[:, None], columns[None, :]), radius)


def whole(upper: Floats) -> Floats:
    """All rows of patterns from those of wave numbers from zero on: I(-q) = I(q) (Friedel).

    Parameters
    ----------
    upper
        Shape (..., m + 1, 2 m + 1); gives (..., 2 m + 1, 2 m + 1).
    """
    return np.concatenate([upper[..., :0:-1, ::-1], upper], axis=-2)
