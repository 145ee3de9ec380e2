"""Detectors that did not measure: constant, saturated, frozen or dead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.core.held_values import held, is_constant
from defectra.spectra.measured_spectrum import SpectrumError


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
        If the signal is constant: what is left is the other detector, no absorption. If either
        detector stands still for a part of the scan.
    """
    if stands := standstill(name, counts):
        raise SpectrumError(f"{stands}; take these rows out of the file if they may be missed")
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


def dead(name: str, values: NDArray[np.float64], *, is_monitor: bool = False) -> str:
    """What is wrong with a column that holds no signal at any energy; empty if it may hold one.

    It has no number, or is one number throughout.

    Parameters
    ----------
    values
        Shape (energies,).
    is_monitor
        Incident intensity: one number other than zero may be intensity that was divided out before.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return f"column {name} holds no number at any energy"
    if is_constant(values) and not (is_monitor and finite[0] != 0):
        return f"column {name} is {finite[0]:.6g} at every energy"
    return ""


def noise_about_zero(name: str, counts: NDArray[np.float64]) -> str:
    """The same of counts of both signs that scatter far beyond their mean; else empty."""
    finite = counts[np.isfinite(counts)]
    if len(finite) and finite.min() < 0 < finite.max() and abs(finite.mean()) < finite.std() / 4:
        return f"column {name} is noise about zero"
    return ""


def standstill(name: str, counts: NDArray[np.float64]) -> str:
    """What is wrong with a detector that stands still for a part of the scan; else empty."""
    stands = held(counts)
    if not stands:
        return ""
    extreme = "" if stands.at == "same" else f", its {stands.at} value,"
    return (
        f"column {name} stands still at {stands.value:.6g}{extreme} in rows {stands.first + 1} to "
        f"{stands.last + 1} of the table: saturated, cut off or not read there"
    )
