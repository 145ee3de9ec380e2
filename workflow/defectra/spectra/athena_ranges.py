"""Edge, ranges, degree and step that an Athena project stores for a spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.measured_spectrum import Measured

Floats = NDArray[np.float64]

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
    larch
        Whether Larch wrote the project, which counts the ends of a range otherwise than Ifeffit.
    """

    edge: float
    pre: tuple[float, float]
    post: tuple[float, float]
    degrees: tuple[int, ...]
    step: float = math.nan
    fixed: bool = False
    larch: bool = False


def stored(spectrum: Measured) -> Ranges | None:
    """What the project stores; None if it stores none of it, or what cannot be.

    ``bkg_e0`` lies on the axis that ``bkg_eshift`` was added to, which is that of the spectrum.
    Athena counts terms of the polynomial (``bkg_nnorm`` 3: a parabola) and fits a line instead of
    a parabola where the range is shorter than 100 eV: found so in the steps that public projects
    store (docs/reading_measured.md). Projects that Larch wrote count the degree, some of its
    versions the terms.
    """
    words = spectrum.meta
    try:
        edge = float(words["bkg_e0"])
        low, high, first, last = (
            float(words[f"bkg_{k}"]) for k in ("pre1", "pre2", "nor1", "nor2")
        )
        count = int(float(words["bkg_nnorm"]))
        step = float(words.get("bkg_step") or math.nan)
    except (KeyError, ValueError, OverflowError):
        return None
    inside = spectrum.energy[0] < edge < spectrum.energy[-1]
    larch = words.get("written by") == "Larch"
    degrees = _degrees(count, larch, last - first)
    if not (inside and low < high < 0 < first < last and degrees):
        return None
    fixed = words.get("bkg_fixstep") == "1" and step > 0
    return Ranges(edge, (low, high), (first, last), degrees, step, fixed, larch)


def _degrees(count: int, larch: bool, length: float) -> tuple[int, ...]:
    """Degrees that a stored count of terms or degree can mean, the likelier first."""
    if not larch:
        degree = 1 if count == 3 and length < SHORT else count - 1
        other = count - 1 if degree < count - 1 else count - 2
        return tuple(d for d in (degree, other) if 0 <= d <= 2) if 1 <= count <= 3 else ()
    return tuple(d for d in (count, count - 1) if 0 <= d <= 3)


def inside(energy: Floats, first: float, last: float, larch: bool) -> slice:
    """Points that a program fits in a range of energies (eV), ends included as it includes them.

    Ifeffit takes the points nearest to both ends, and those between them; Larch begins with the
    last point before the range and leaves out the one nearest to its end
    (``larch.xafs.pre_edge``).
    """
    near = [int(np.abs(energy - at).argmin()) for at in (first, last)]
    if not larch:
        return slice(near[0], near[1] + 1)
    return slice(max(0, int(np.searchsorted(energy, first, side="right")) - 1), near[1])
