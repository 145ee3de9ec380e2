"""Detectors that did not measure: the same value at every energy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.measured_spectrum import SpectrumError

CONSTANT = 1e-9  # of the largest value; a signal that varies by less is one number, rounded


def is_constant(values: NDArray[np.float64]) -> bool:
    """Whether all values are one number, but for rounding; values that are not finite are none."""
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and float(np.ptp(finite)) <= CONSTANT * float(np.abs(finite).max())


def detector_fault(name: str, counts: NDArray[np.float64], *, is_signal: bool) -> str:
    """Remark on a constant incident intensity; empty if the detector varies.

    Parameters
    ----------
    name
        Of the column.
    counts
        Shape (energies,).
    is_signal
        Whether the absorption is in this detector: transmitted light, fluorescence, electrons.

    Raises
    ------
    SpectrumError
        If the signal is constant: what is left is the other detector, no absorption.
    """
    if not is_constant(counts):
        return ""
    said = f"column {name} is {np.nanmax(counts):.6g} at every energy"
    if is_signal:
        raise SpectrumError(
            f"{said}: a detector that was not connected or not recorded; what is left is the "
            "other one, no absorption; name other columns with --columns"
        )
    return (
        f"{said}: the absorption still holds how the incident intensity varied, unless it was "
        "divided out before"
    )
