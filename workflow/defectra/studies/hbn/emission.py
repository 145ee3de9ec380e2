"""Emission from Huang-Rhys factors at a temperature, and the width of its main peak.

Generating function of displaced oscillators with linear coupling (Lax, J. Chem. Phys. 20, 1752
(1952); Alkauskas et al., New J. Phys. 16, 073026 (2014)).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.core.units import KELVIN_EV

Floats = NDArray[np.float64]
RESOLUTION = 0.001  # eV, standard deviation of every line
SHARPEST = RESOLUTION * 2 * math.sqrt(2 * math.log(2))  # eV, full width that this alone gives
_POINTS, _REACH = 2**14, 2.0  # of the spectrum, and its half range in eV


class Emission(NamedTuple):
    """A line and its sideband.

    Attributes
    ----------
    offset
        Photon energy less the zero-phonon line, eV, shape (n,).
    intensity
        Per energy, area 1.
    width
        Full width of the main peak at half its maximum, eV.
    peak
        Offset of that maximum, eV.
    """

    offset: Floats
    intensity: Floats
    width: float
    peak: float


def occupation(phonon: ArrayLike, temperature: float) -> Floats:
    """Mean number of phonons of an energy (eV) at a temperature (K)."""
    energy = np.asarray(phonon, float)
    if temperature <= 0:
        return np.zeros_like(energy)
    return np.asarray(1 / np.expm1(np.clip(energy / (KELVIN_EV * temperature), 1e-12, 700)))


def emission(
    phonons: ArrayLike,
    factors: ArrayLike,
    temperature: float,
    *,
    smoothing: float,
    resolution: float = RESOLUTION,
    line: float = 0.0,
) -> Emission:
    """Emission of displaced oscillators.

    Parameters
    ----------
    phonons, factors
        Energies (eV) and Huang-Rhys factors, shape (k,).
    smoothing
        Standard deviation of a phonon in the sideband, eV: modes of a finite cell stand for a
        continuum.
    resolution
        Standard deviation of every line, eV.
    line
        Zero-phonon line, eV; above 0 the intensity has the factor of the third power of the energy.
    """
    energy, factor = np.asarray(phonons, float), np.asarray(factors, float)
    number = occupation(energy, temperature)
    step = 2 * _REACH / _POINTS
    time = np.fft.fftfreq(_POINTS, d=step) * 2 * np.pi  # 1/eV
    fade = np.exp(-((smoothing * time) ** 2) / 2)
    phase = np.exp(1j * np.outer(time, energy))
    down = (factor * (number + 1) * (phase * fade[:, None] - 1)).sum(axis=1)
    up = (factor * number * (phase.conj() * fade[:, None] - 1)).sum(axis=1)
    function = np.exp(down + up - (resolution * time) ** 2 / 2)
    spectrum = np.fft.fftshift(np.fft.ifft(function).real) / step
    offset = np.asarray((np.arange(_POINTS) - _POINTS // 2) * step, np.float64)
    spectrum = np.clip(spectrum, 0, None)
    if line > 0:
        spectrum = spectrum * np.clip(line + offset, 0, None) ** 3
    spectrum /= spectrum.sum() * step
    width, peak = full_width(offset, spectrum)
    return Emission(offset, spectrum, width, peak)


def line_share(phonons: ArrayLike, factors: ArrayLike, line: float) -> float:
    """Share of the zero-phonon line in the emission at 0 K, with the third power of the energy.

    exp(-S) E³ over the mean of (E - x)³, where x, the energy of the phonons that are left behind,
    has the cumulants Σ S ω, Σ S ω², Σ S ω³; NaN where E is not known.

    Parameters
    ----------
    phonons, factors
        Energies (eV) and Huang-Rhys factors, shape (k,).
    line
        E, eV; well above what phonons take.
    """
    energy, factor = np.asarray(phonons, float), np.asarray(factors, float)
    mean, second, third = (float((factor * energy**power).sum()) for power in (1, 2, 3))
    left = line - mean
    return math.exp(-float(factor.sum())) * line**3 / (left**3 + 3 * left * second - third)


def full_width(x: Floats, y: Floats) -> tuple[float, float]:
    """Full width at half maximum of the highest peak, and its place."""
    top = int(y.argmax())
    half = y[top] / 2
    below = np.flatnonzero(y < half)
    left, right = below[below < top], below[below > top]
    if not len(left) or not len(right):
        return float("nan"), float(x[top])
    ends = []
    for k, other in ((left[-1], left[-1] + 1), (right[0], right[0] - 1)):
        share = (half - y[k]) / (y[other] - y[k])
        ends.append(x[k] + share * (x[other] - x[k]))
    return float(abs(ends[1] - ends[0])), float(x[top])
