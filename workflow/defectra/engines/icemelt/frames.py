"""Frames of a microscope: weak phase object, contrast transfer, drift, electrons one by one.

Contrast of a weak phase object, 300 kV: behind an object exp(iφ) and a lens exp(-iχ) the intensity
is 1 + 2 φ sin χ (Kirkland, Advanced Computing in Electron Microscopy, chapter 3). φ grows with the
projected potential, so that atoms are dark at underfocus, where χ is below 0. Here both factors
have the opposite sign: :func:`phase` gives -φ, :func:`transfer` -sin χ. Ice shows the {100} fringes
of hexagonal ice along [0001] (0.390 nm): columns of oxygen on a honeycomb, so that the potential is
lowest, -φ largest, in the channels (counted from one, the structure factor of {100} is below 0).
Water is band-limited noise about 0.31 nm, the window of the cell noise of long waves; both are
normal, and their sign does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WAVELENGTH = 1.9687e-3  # nm, 300 kV
SPHERICAL = 1.2e6  # nm
SPREAD = 5.0  # nm, of defocus by the spread of energies
FRINGE = 0.390  # nm
_ICE, _WATER, _WINDOW = 0.10, 0.06, 0.06  # rad, amplitude of a fringe and rms of the noises
_THINNER = 0.04  # share of the electrons that ice lets through more than water


def frequencies(size: int, pixel: float) -> tuple[Floats, Floats, Floats]:
    """Frequencies along y and x, and their length, 1/nm, each of shape (size, size)."""
    axis = np.fft.fftfreq(size, d=pixel)
    ky, kx = np.meshgrid(axis, axis, indexing="ij")
    return ky, kx, np.hypot(ky, kx)


def transfer(k: Floats, defocus: float) -> Floats:
    """Contrast transfer at frequencies k (1/nm); underfocus is below 0 nm.

    Returns
    -------
    −sin χ with the envelope of the spread of defocus: above 0 at underfocus, where what has the
    larger projected potential is dark (it multiplies −φ of :func:`phase`).
    """
    phase = np.pi * WAVELENGTH * k**2 * (defocus + 0.5 * SPHERICAL * WAVELENGTH**2 * k**2)
    envelope = np.exp(-0.5 * (np.pi * WAVELENGTH * SPREAD * k**2) ** 2)
    return np.asarray(-np.sin(phase) * envelope)


def _noise(size: int, passed: Floats, rng: np.random.Generator) -> Floats:
    """Noise with the spectrum `passed`, rms 1."""
    found = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * passed).real
    return np.asarray(found / found.std())


def phase(ice: Floats, pixel: float, grain: Mapping[str, Any]) -> Floats:
    """Phase shift of one frame with the opposite sign, -φ: largest in the channels of ice, rad.

    Parameters
    ----------
    ice
        Share of ice, shape (n, n).
    grain
        ``turn`` of the crystal (rad), ``water`` and ``window`` (noises of rms 1, shape (n, n)).
    """
    axis = pixel * np.arange(len(ice))
    y, x = np.meshgrid(axis, axis, indexing="ij")
    angles = grain["turn"] + np.pi / 3 * np.arange(3)
    waves = (np.cos(2 * np.pi / FRINGE * (x * np.cos(a) + y * np.sin(a))) for a in angles)
    fringes = _ICE * np.sum(list(waves), axis=0)
    return np.asarray(
        ice * fringes + (1 - ice) * _WATER * grain["water"] + _WINDOW * grain["window"]
    )


def exposed(
    movie: Floats, pixel: float, condition: Mapping[str, float], rng: np.random.Generator
) -> Floats:
    """Electrons in each pixel of each frame, shape (frames, n, n).

    Parameters
    ----------
    movie
        Phase field of each frame.
    pixel
        nm.
    condition
        ``dose`` (electrons/nm² in a frame), ``defocus`` and ``defocus_sd`` (nm), ``drift`` (pixels
        within a frame).
    """
    size = movie.shape[1]
    ky, kx, k = frequencies(size, pixel)
    window = _noise(size, np.exp(-((k / 1.5) ** 2)), rng)
    turn, gradient = rng.uniform(0, np.pi / 3), rng.uniform(-0.15, 0.15, 2)
    axis = np.linspace(-1, 1, size)
    light = 1 + gradient[0] * axis[:, None] + gradient[1] * axis[None, :]
    out = []
    for ice in movie:
        water = _noise(size, np.exp(-(((k - 1 / 0.31) / 0.5) ** 2)), rng)
        grain = {"turn": turn, "water": water, "window": window}
        defocus = rng.normal(condition["defocus"], condition["defocus_sd"])
        wave = np.fft.fft2(phase(ice, pixel, grain)) * 2 * transfer(k, defocus)
        wave += np.fft.fft2(1 + _THINNER * (ice - 0.5))
        angle, length = rng.uniform(0, 2 * np.pi), condition["drift"] * pixel
        wave *= np.sinc(length * (kx * np.cos(angle) + ky * np.sin(angle)))
        bright = np.clip(np.fft.ifft2(wave).real, 0.02, None) * light
        out.append(rng.poisson(condition["dose"] * pixel**2 * bright))
    return np.array(out, float)
