"""Edge, ranges, degree and step that an Athena project stores for a spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

from defectra.spectra.measured_spectrum import Measured

SHORT = 100.0  # eV: over a post-edge range below this Athena takes a line for its parabola


@dataclass(frozen=True)
class Ranges:
    """How to normalise a spectrum.

    Attributes
    ----------
    edge
        eV, on the axis of the spectrum.
    pre, post
        Ranges before and after the edge, eV relative to `edge`.
    degrees
        Of the polynomial after the edge: as stored, and another if its meaning is open.
    step
        Edge step that is stored, in units of the absorption; NaN if none is.
    fixed
        Whether the user fixed the step, whatever the ranges give.
    """

    edge: float
    pre: tuple[float, float]
    post: tuple[float, float]
    degrees: tuple[int, ...]
    step: float = math.nan
    fixed: bool = False


def stored(spectrum: Measured) -> Ranges | None:
    """What the project stores; None if it stores none of it, or what cannot be.

    Athena counts terms of the polynomial (``bkg_nnorm`` 3: a parabola) and fits a line instead of
    a parabola where the range is shorter than 100 eV: found so in the steps that public projects
    store (docs/reading_measured.md). Projects that Larch wrote count the degree, some of its
    versions the terms.
    """
    words = spectrum.meta
    try:
        edge, shift = float(words["bkg_e0"]), float(words.get("bkg_eshift") or 0.0)
        low, high, first, last = (
            float(words[f"bkg_{k}"]) for k in ("pre1", "pre2", "nor1", "nor2")
        )
        count = int(float(words["bkg_nnorm"]))
        step = float(words.get("bkg_step") or math.nan)
    except (KeyError, ValueError, OverflowError):
        return None
    edge += shift
    inside = spectrum.energy[0] < edge < spectrum.energy[-1]
    degrees = _degrees(count, words.get("written by") == "Larch", last - first)
    if not (inside and low < high < 0 < first < last and degrees):
        return None
    fixed = words.get("bkg_fixstep") == "1" and step > 0
    return Ranges(edge, (low, high), (first, last), degrees, step, fixed)


def _degrees(count: int, larch: bool, length: float) -> tuple[int, ...]:
    """Degrees that a stored count of terms or degree can mean, the likelier first."""
    if not larch:
        degree = 1 if count == 3 and length < SHORT else count - 1
        return (degree,) if 0 <= degree <= 2 else ()
    return tuple(d for d in (count, count - 1) if 0 <= d <= 3)
