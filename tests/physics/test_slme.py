"""The efficiency limit of pymatgen, held against the one of a perfect absorber, and its unit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

GAP_EV = 1.42  # GaAs
LIMIT = 33.2  # %, Shockley-Queisser at AM1.5G and 298 K; Rühle, Sol. Energy 130, 139 (2016)


def efficiency(alpha: float, *, per_cm: bool, thickness: float = 1e-6) -> float:
    """SLME, %, of a sharp edge at the gap of GaAs with a constant absorption coefficient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pymatgen.analysis.solar.slme import slme

        energy = np.linspace(0.3, 4.5, 1500)
        absorption = np.where(energy >= GAP_EV, alpha, 0.0)
        value = slme(
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
