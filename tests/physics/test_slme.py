"""The efficiency limit of pymatgen, held against the one of a perfect absorber, and its unit."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from defectra.core.csvs import read_csv
from defectra.core.errors import DataError
from defectra.studies.perovskites import slme

ROOT = Path(__file__).parents[2]

GAP_EV = 1.42  # GaAs
LIMIT = 33.2  # %, Shockley-Queisser at AM1.5G and 298 K; Rühle, Sol. Energy 130, 139 (2016)


def efficiency(alpha: float, *, per_cm: bool, thickness: float = 1e-6) -> float:
    """SLME, %, of a sharp edge at the gap of GaAs with a constant absorption coefficient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pymatgen.analysis.solar.slme import slme as limit

        energy = np.linspace(0.3, 4.5, 1500)
        absorption = np.where(energy >= GAP_EV, alpha, 0.0)
        value = limit(
            energy,
            absorption,
            GAP_EV,
            GAP_EV,
            thickness=thickness,
            temperature=298.15,
            absorbance_in_inverse_centimeters=per_cm,
        )
    return float(value)


def test_thick_absorber_reaches_the_limit() -> None:
    assert efficiency(1e5, per_cm=True, thickness=1e-4) == pytest.approx(LIMIT, abs=0.5)


def test_unit_of_the_absorption_coefficient() -> None:
    # 1e4 per cm and 1e6 per m are the same film; 1e4 per m is a hundred times more transparent.
    assert efficiency(1e4, per_cm=True) == pytest.approx(efficiency(1e6, per_cm=False))
    assert efficiency(1e4, per_cm=False) < 0.1 * efficiency(1e4, per_cm=True)


def gaas() -> tuple[np.ndarray, np.ndarray]:
    """Measured absorption of GaAs (m⁻¹) against photon energy (eV)."""
    rows = read_csv(ROOT / "resources/optics/gaas.csv", ["wavelength_um", "n", "k"])
    return slme.absorption([r["wavelength_um"] for r in rows], [r["k"] for r in rows])


def test_thick_gaas_reaches_the_limit_of_its_gap_and_a_thin_film_does_not() -> None:
    energy, alpha = gaas()
    films = [slme.efficiency(energy, alpha, slme.GAAS_GAP, um * 1e-6) for um in (0.5, 2, 50)]
    assert films == sorted(films)
    assert films[-1] == pytest.approx(LIMIT, abs=0.3)
    assert 28 < films[0] < 31
    # Read as cm⁻¹ the thinnest film would already be a thick one.
    assert slme.efficiency(energy, 100 * alpha, slme.GAAS_GAP, 5e-7) > LIMIT - 0.3


def test_absorption_of_gaas_is_that_of_the_handbooks() -> None:
    energy, alpha = gaas()
    assert (np.diff(energy) > 0).all()
    # 1.5 eV: 1.5e4 per cm within the scatter of measurements (Casey, J. Appl. Phys. 46, 250, 1975).
    assert np.interp(1.5, energy, alpha) == pytest.approx(1.2e6, rel=0.4)
    with pytest.raises(DataError, match="not below zero"):
        slme.absorption([0.5, 0.6], [0.1, -0.1])
