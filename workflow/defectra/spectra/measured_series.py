"""Measured Ni K spectra of electrodes of nickel, manganese, cobalt (NMC) oxide over a charge.

As published with arXiv:2310.07049.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError

Floats = NDArray[np.float64]
MEASURED_FIRST, MEASURED_STEP = 8330.0, 0.4  # eV


@dataclass(frozen=True)
class Series:
    """Measured Ni K spectra; n spectra, g energies.

    Attributes
    ----------
    composition
        Of each spectrum.
    voltage
        V; NaN for the pristine electrode.
    mu
        Largest value 1, shape (n, g).
    """

    composition: tuple[str, ...]
    voltage: Floats
    mu: Floats

    @property
    def energy(self) -> Floats:
        """Grid of the authors, eV."""
        return MEASURED_FIRST + MEASURED_STEP * np.arange(float(self.mu.shape[1]))


def read_series(path: Path) -> Series:
    """Measured series of the authors.

    Raises
    ------
    DataError
        If the file is not what it was.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        keys = sorted(data["intensity"], key=int)
        volts = [data["voltage"][k] for k in keys]
        return Series(
            tuple(str(data["composition"][k]) for k in keys),
            np.array([float("nan") if v == "N/A" else float(v) for v in volts]),
            np.array([data["intensity"][k] for k in keys], np.float64),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: no measured series as published ({error})") from None
