"""Spectra as a model may meet them: as they are, moved, broadened, noisy, of another engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.learn.saved import unit_maximum
from defectra.learn.spectral import Cwt, Peaks
from defectra.spectra.broaden import gaussian
from defectra.spectra.normalise import cdf
from defectra.studies.xanes.copper import MARGIN, POINTS, STEP, WIDE
from defectra.studies.xanes.settings import Disturbances

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EVERY = 2  # points of the grid to one of a feature: 0.5 eV; the core hole is 1.7 eV wide
AS_IS, VASP, SAME_SITES = "as is", "VASP", "FEFF, the sites of VASP"


@dataclass(frozen=True)
class View:
    """Spectra of some rows of the table, largest value 1; shape (m, g) and (m,)."""

    name: str
    rows: Ints
    spectra: Floats

    def blocks(self, names: set[str]) -> dict[str, NDArray[np.float32]]:
        """Features that learn nothing, computed once; those of the PCA are the spectra."""
        made: dict[str, Floats] = {"intensity": self.spectra}
        if "cdf" in names:
            made["cdf"] = cdf(self.spectra)
        if "cwt" in names:
            made["cwt"] = Cwt().fit_transform(self.spectra)
        if "peaks" in names:
            made["peaks"] = Peaks().transform(self.spectra)
        return {name: values.astype(np.float32) for name, values in made.items()}


def views(
    wide: Floats, vasp: Mapping[int, Floats], settings: Disturbances, seed: int
) -> Iterator[View]:
    """Every view of the table.

    Parameters
    ----------
    wide
        FEFF spectra on :data:`WIDE`, shape (n, 189).
    vasp
        VASP spectra on the inner 141 points by row of the table.
    """
    everything = np.arange(len(wide))
    yield _view(AS_IS, everything, window(wide, 0.0))
    for shift in settings.shifts:
        yield _view(f"shift {shift:g} eV", everything, window(wide, shift))
    inner = WIDE[MARGIN : MARGIN + POINTS]
    for fwhm in settings.widths:
        unit = np.eye(len(WIDE))
        matrix = gaussian(np.broadcast_to(WIDE, unit.shape), unit, inner, fwhm)
        yield _view(f"broadened {fwhm:g} eV", everything, wide @ matrix)
    generator = np.random.default_rng(seed)
    for level in settings.noise:
        clean = window(wide, 0.0)
        noise = generator.normal(0, level, clean.shape) * clean.max(axis=1, keepdims=True)
        yield _view(f"noise {level:g}", everything, clean + noise)
    if vasp:
        yield _view(VASP, np.array(sorted(vasp)), np.array([vasp[k] for k in sorted(vasp)]))


def window(wide: Floats, shift: float) -> Floats:
    """Inner grid of spectra that are moved up by `shift` eV, a multiple of 0.25 eV."""
    start = MARGIN - round(shift / STEP)
    return wide[:, start : start + POINTS]


def _view(name: str, rows: Ints, spectra: Floats) -> View:
    return View(name, rows, unit_maximum(spectra[:, ::EVERY]))
