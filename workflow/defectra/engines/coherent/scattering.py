"""Coherent scattering of a flat sample through a Gaussian probe, by exact sums.

Far field in two dimensions, one wavelength, no multiple scattering: the amplitude is
``F(q) = sum_j f_j(q) P(r_j) exp(-i q.r_j)`` and the detector sees ``|F|^2`` outside a beam stop.
``P(r) = exp(-|r - c|^2 / (2 s^2))`` is the amplitude of the probe. A product with ``P`` in real
space is the convolution with its transform of arXiv:2311.14196, without the cut of that
convolution at the edge of the detector.

Lengths are in units of the study (the box has the side ``box``), wave vectors in their inverse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Detector:
    """A square detector, the probe in front of it and its beam stop.

    Attributes
    ----------
    pixels
        Number of steps of ``2 pi / box`` that it spans; an even number.
    sampling
        Step of the pixels in units of ``2 pi / box``.
    box
        Side of the sample, length.
    probe
        Standard deviation of the amplitude of the probe in units of the box; infinite: a plane
        wave.
    stop
        Radius of the beam stop in units of ``pixels * 2 pi / box``.
    """

    pixels: int
    sampling: float
    box: float
    probe: float
    stop: float

    @property
    def q(self) -> Floats:
        """Wave vectors along one axis, inverse length, shape (m,)."""
        steps = np.arange(-self.pixels / 2, self.pixels / 2, self.sampling)
        return 2 * np.pi / self.box * steps

    @property
    def open(self) -> NDArray[np.bool_]:
        """Pixels that the beam stop leaves open, shape (m, m), index (q_y, q_x)."""
        q = self.q
        radius = 2 * np.pi / self.box * self.stop * self.pixels
        found: NDArray[np.bool_] = q[:, None] ** 2 + q[None, :] ** 2 > radius**2
        return found

    @property
    def width(self) -> float:
        """Standard deviation of the probe, length."""
        return self.probe * self.box

    def illumination(self, points: Floats, centre: Floats | None = None) -> Floats:
        """Amplitude of the probe at points.

        Parameters
        ----------
        points
            Shape (..., 2), length.
        centre
            Of the probe, shape (..., 2); None: the origin.

        Returns
        -------
        Shape (...,), between 0 and 1.
        """
        away = points if centre is None else points - centre
        result: Floats = np.exp(-(away**2).sum(axis=-1) / (2 * self.width**2))
        return result


def grid_axis(number: int, box: float) -> Floats:
    """Coordinates of the points of a grid along one axis, length, shape (number,)."""
    return box * (np.arange(number) / number - 0.5)


def grid_waves(detector: Detector, number: int) -> Complex:
    """Waves ``exp(-i q x) exp(-x^2 / 2 s^2)`` of one axis of a grid, shape (m, number).

    The amplitude of a field ``f`` of shape (number, number), index (y, x), is ``W f W^T``.
    """
    x = grid_axis(number, detector.box)
    lit = np.exp(-(x**2) / (2 * detector.width**2))
    result: Complex = np.exp(-1j * np.outer(detector.q, x)) * lit
    return result


def grid_intensity(detector: Detector, fields: Floats) -> Floats:
    """Intensity of real fields on a grid, such as the cosine of the angle of magnetic moments.

    Parameters
    ----------
    fields
        Shape (..., n, n), index (y, x): scattering length of each point.

    Returns
    -------
    Shape (..., m, m), index (q_y, q_x), zero behind the beam stop.
    """
    waves = grid_waves(detector, fields.shape[-1])
    amplitude = waves @ fields @ waves.T
    return np.abs(amplitude) ** 2 * detector.open


def sphere_form_factor(q: Floats, radius: float) -> Floats:
    """Form factor of a homogeneous sphere, volume at q = 0.

    ``V * 3 (sin qR - qR cos qR) / (qR)^3``; its series is taken where the difference cancels.

    Parameters
    ----------
    q
        Length of the wave vectors, inverse length, any shape.
    radius
        Length.
    """
    volume = 4 / 3 * np.pi * radius**3
    x = np.abs(q) * radius
    small = x < 0.02
    safe = np.where(small, 1.0, x)
    exact = 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    series = 1 - x**2 / 10 + x**4 / 280
    result: Floats = volume * np.where(small, series, exact)
    return result


def sphere_intensity(
    detector: Detector,
    centres: Floats,
    radius: float,
    probe_at: Floats | None = None,
    chunk: int = 32,
) -> Floats:
    """Intensity of equal spheres, each lit as its centre is.

    That the probe is constant over a sphere is exact to (radius / width)^2 / 2.

    Parameters
    ----------
    centres
        Shape (t, n, 2), index of the last axis (x, y), length.
    radius
        Length.
    probe_at
        Centre of the probe at each time, shape (t, 2); None: the origin.
    chunk
        Patterns at a time; decides the memory, not the numbers.

    Returns
    -------
    Shape (t, m, m), index (q_y, q_x), zero behind the beam stop.
    """
    q = detector.q
    form = sphere_form_factor(np.hypot(q[:, None], q[None, :]), radius) ** 2 * detector.open
    found = np.empty((len(centres), len(q), len(q)))
    for start in range(0, len(centres), chunk):
        part = slice(start, start + chunk)
        place = centres[part]
        middle = None if probe_at is None else probe_at[part, None]
        lit = detector.illumination(place, middle)
        wave_x, wave_y = (np.exp(-1j * place[..., k, None] * q) for k in (0, 1))
        amplitude = np.einsum("tny,tnx->tyx", wave_y * lit[..., None], wave_x, optimize=True)
        found[part] = np.abs(amplitude) ** 2 * form
    return found


def counted(
    intensity: Floats, photons: float | None, generator: np.random.Generator
) -> tuple[Floats, float]:
    """Counts of a series of patterns whose brightest pixel expects `photons`.

    Parameters
    ----------
    intensity
        Shape (t, m, m).
    photons
        Expected counts of the brightest pixel of the whole series; None: no noise, expectation
        of one.

    Returns
    -------
    counts
        Shape (t, m, m), Poisson; of no noise the expectation.
    scale
        Expected counts of an intensity of one.
    """
    top = float(intensity.max())
    scale = (1.0 if photons is None else photons) / top
    expected = intensity * scale
    return (expected if photons is None else generator.poisson(expected).astype(float)), scale
