"""Which absorption edges a spectrum shows, and whether that is what it is said to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.engines.edges import Edge, find, table
from defectra.spectra.measured_spectrum import Measured, SpectrumError

Floats = NDArray[np.float64]
_OFF = 0.004  # of the energy: an X-ray axis may be off by so much
_WORDS = {"oxygen": "O", "nickel": "Ni", "cobalt": "Co", "manganese": "Mn", "silicon": "Si"}


def xray_edge(spectrum: Measured) -> Edge | None:
    """K or L edge nearest to the steepest rise of an X-ray spectrum; None if none is near."""
    rise = steepest(spectrum.energy, spectrum.mu)
    near = [e for e in table() if abs(e.energy - rise) < max(_OFF * e.energy, 4.0) and e.jump > 1.1]
    return min(near, key=lambda e: abs(e.energy - rise), default=None)


def steepest(energy: Floats, mu: Floats, width: float = 2.0) -> float:
    """Energy of the steepest rise after smoothing over `width` eV (FWHM), eV."""
    from defectra.spectra.broaden import gaussian

    grid = np.arange(energy[0], energy[-1], 0.25)
    if len(grid) < 8:
        raise SpectrumError(f"the spectrum covers only {energy[-1] - energy[0]:.1f} eV")
    smooth = gaussian(energy, mu, grid, width)
    inner = slice(4, -4)
    return float(grid[inner][int(np.argmax(np.gradient(smooth, grid)[inner]))])


def check_xray(spectrum: Measured, wanted: str | None = None) -> str:
    """Edge of an X-ray spectrum, as ``Ni K``.

    Raises
    ------
    SpectrumError
        If it rises where another edge is than its header says, or than is `wanted`.
    """
    said = f"{spectrum.element} {spectrum.edge}".strip()
    for name, whose in ((wanted or "", "you asked for"), (said, "the file says")):
        if " " not in name:
            continue
        edge = find(*name.split())
        first, last = spectrum.energy[[0, -1]]
        if edge is None:
            raise SpectrumError(f"{name!r} is no absorption edge; write e.g. 'Ni K'")
        if not first < edge.energy < last:
            raise SpectrumError(
                f"{whose} {name} ({edge.energy:.0f} eV), the spectrum runs from {first:.1f} to "
                f"{last:.1f} eV: another edge, or another unit of energy"
            )
        rise = steepest(spectrum.energy, spectrum.mu)
        if abs(rise - edge.energy) > max(_OFF * edge.energy, 6.0):
            other = xray_edge(spectrum)
            seen = f", where {other.element} {other.edge} is" if other else ""
            raise SpectrumError(
                f"{whose} {name} ({edge.energy:.0f} eV), but it rises at {rise:.1f} eV{seen}"
            )
    if wanted or " " in said:
        return wanted or said
    seen_edge = xray_edge(spectrum)
    return f"{seen_edge.element} {seen_edge.edge}" if seen_edge else ""


@dataclass(frozen=True)
class Line:
    """A white line (eV, on the axis of the file) and the edge that it is taken for."""

    energy: float
    edge: str


def white_lines(
    energy: Floats, counts: Floats, *, threshold: float = 0.08, apart: float = 30.0
) -> list[float]:
    """Strongest white lines (eV), those nearer than `apart` to a stronger one left out.

    The background under each is a line through the lowest points of 12 eV before and after.
    """
    from scipy.ndimage import gaussian_filter1d, minimum_filter1d, uniform_filter1d
    from scipy.signal import find_peaks

    step = float(np.median(np.diff(energy)))
    smooth = gaussian_filter1d(counts, 1.0 / step)
    size = max(3, int(24.0 / step))
    floor = uniform_filter1d(minimum_filter1d(smooth, size), size)
    above = smooth - floor
    scale = float(np.abs(above).max())
    found, _ = find_peaks(above, prominence=threshold * scale)
    kept: list[float] = []
    for k in sorted(found, key=lambda i: -above[i]):
        if all(abs(energy[k] - e) > apart for e in kept):
            kept.append(float(energy[k]))
    return sorted(kept)


def eels_edges(spectrum: Measured, elements: tuple[str, ...]) -> list[Line]:
    """Edges of `elements` that an EELS spectrum shows, on an axis that may be uncalibrated.

    A white line belongs to the nearest K or L3 edge within 2.7 % of its energy (4 % for K, whose
    tabulated energies are those of free atoms); lines that no edge is near to are passed over.
    """
    known = [e for x in elements for n in ("K", "L3") if (e := find(x, n)) is not None]
    out: list[Line] = []
    for energy in white_lines(spectrum.energy, spectrum.mu):
        near = [e for e in known if abs(e.energy - energy) < _slack(e)]
        best = min(near, key=lambda e: abs(e.energy - energy), default=None)
        if best is not None and f"{best.element} {best.edge}" not in [x.edge for x in out]:
            out.append(Line(energy, f"{best.element} {best.edge}"))
    return out


def _slack(edge: Edge) -> float:
    return (0.04 if edge.edge == "K" else 0.027) * edge.energy


def name_says(path: Path) -> str:
    """Element in a file name such as ``Ni_edge.msa`` or ``oxygen_edge.msa``; empty if none."""
    words = re.split(r"[_\-. ]", path.name)
    if len(words) < 2:
        return ""
    first = words[0]
    element = _WORDS.get(first.lower(), first if re.fullmatch(r"[A-Z][a-z]?", first) else "")
    return element if find(element, "K") else ""
