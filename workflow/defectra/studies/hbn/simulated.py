"""Simulated spectra of emitters with known lines, to test the fit on."""

from __future__ import annotations

import numpy as np

from defectra.studies.hbn.measured import HC, Photoluminescence
from defectra.studies.hbn.settings import HbnStudy

SIDEBAND = 0.165  # eV below the line: optical phonons of the layer
SETS = {"emitters": 1.0, "background alone": 0.0}  # height of the lines
_PIXELS = np.linspace(520.0, 720.0, 670)  # nm
_SLOPE = 0.3


def spectra(name: str, settings: HbnStudy, seed: int) -> list[Photoluminescence]:
    """Spectra of one set, counts with shot noise.

    Centres and widths are normal deviates of the measured line; a broader sideband (three to five
    tenths of the area) lies below it, a sloping background under both.
    """
    rng = np.random.default_rng([seed, *name.encode()])
    out = []
    for number in range(settings.measured.simulated):
        center, width = truth(settings, rng)
        signal = SETS[name] * rng.uniform(300, 3000) * line_shape(center, width, rng)
        floor = rng.uniform(50, 200) * (1 + _SLOPE * np.linspace(-1, 1, len(_PIXELS)))
        counts = rng.poisson(signal + floor).astype(float)
        out.append(Photoluminescence.of(f"{name}:{number:02d}", _PIXELS, counts))
    return out


def truth(settings: HbnStudy, rng: np.random.Generator) -> tuple[float, float]:
    """Centre and full width of an emitter, eV."""
    center = rng.normal(settings.line.energy, settings.line.energy_sd)
    width = rng.normal(settings.line.width, settings.line.width_sd)
    return float(center), float(max(width, 0.2 * settings.line.width))


def line_shape(
    center: float, width: float, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Counts per pixel of a line of height 1 and its sideband, on the pixels of the detector."""
    energy = HC / _PIXELS
    share, broad = rng.uniform(0.3, 0.5), rng.uniform(2, 3) * width
    found = 1 / (1 + (2 * (energy - center) / width) ** 2)
    lower = center - SIDEBAND
    found += share * width / broad / (1 + (2 * (energy - lower) / broad) ** 2)
    return np.asarray(found * (HC / center / _PIXELS) ** 2)
