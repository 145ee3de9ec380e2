"""Spectroscopic limited maximum efficiency (Yu and Zunger, Phys. Rev. Lett. 108, 068701 (2012)).

The work is done by pymatgen. Its ``slme`` takes m⁻¹ by default while its
``absorption_coefficient`` gives cm⁻¹: here absorption coefficients are in m⁻¹ throughout.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.core.errors import DataError

Floats = NDArray[np.float64]
TEMPERATURE_K = 298.15
EV_UM = 1.239841984  # photon energy in eV times wavelength in µm
COLUMNS = ["material", "gap_eV", "thickness_um", "slme_percent", "taken_as_per_cm_percent"]
THICKNESSES_UM = (0.5, 1.0, 2.0, 5.0, 50.0)
# Measured direct gap at 300 K, eV: Vurgaftman et al., J. Appl. Phys. 89, 5815 (2001).
GAAS_GAP = 1.42


def absorption(wavelength: ArrayLike, k: ArrayLike) -> tuple[Floats, Floats]:
    """Photon energy (eV, rising) and absorption coefficient 4 pi k / wavelength (m⁻¹).

    Parameters
    ----------
    wavelength, k
        µm, and extinction coefficient, shape (n,).

    Raises
    ------
    DataError
        If a wavelength is not positive, k negative, or the lengths differ.
    """
    length, part = np.asarray(wavelength, float), np.asarray(k, float)
    if length.shape != part.shape or not (length > 0).all() or not (part >= 0).all():
        raise DataError("absorption: wavelengths above zero, and as many k not below zero")
    order = np.argsort(-length)
    return EV_UM / length[order], 4 * np.pi * part[order] / (length[order] * 1e-6)


def efficiency(energy: Floats, per_m: Floats, gap: float, thickness: float) -> float:
    """SLME in %.

    Parameters
    ----------
    energy, per_m
        Photon energy (eV) and absorption coefficient (m⁻¹), shape (n,).
    gap
        Direct allowed and smallest gap, eV; what is absorbed below it is cut off.
    thickness
        Of the film, m; light passes twice.
    """
    from pymatgen.analysis.solar.slme import slme

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = slme(energy, per_m, gap, gap, thickness=thickness, temperature=TEMPERATURE_K)
    return float(found)


def table(material: str, gap: float, energy: Floats, per_m: Floats) -> list[dict[str, object]]:
    """Rows of ``slme.csv``: efficiency of films, and what a mistaken unit would give."""
    return [
        {
            "material": material,
            "gap_eV": gap,
            "thickness_um": um,
            "slme_percent": efficiency(energy, per_m, gap, um * 1e-6),
            "taken_as_per_cm_percent": efficiency(energy, 100 * per_m, gap, um * 1e-6),
        }
        for um in THICKNESSES_UM
    ]
