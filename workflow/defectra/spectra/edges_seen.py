"""Which absorption edges a spectrum shows, and whether that is what it is said to be."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.engines.edges import Edge, find, table
from defectra.spectra.edge_ranges import place
from defectra.spectra.measured_spectrum import Measured, SpectrumError

Floats = NDArray[np.float64]
_GRID = 0.25  # eV
_WORDS = {"oxygen": "O", "nickel": "Ni", "cobalt": "Co", "manganese": "Mn", "silicon": "Si"}


@dataclass(frozen=True)
class Candidate:
    """An edge that a spectrum may show, and how likely it is among all candidates.

    `near`: the rise lies where the edge of a compound on a fair axis lies.
    """

    edge: Edge
    share: float
    near: bool = True

    @property
    def name(self) -> str:
        """E.g. ``Ni K``."""
        return f"{self.edge.element} {self.edge.edge}"


# How often an edge is what was measured, against K and L3 (natural logarithm).
_RARE = {"K": 0.0, "L3": 0.0, "L2": -4.0, "L1": -5.5, "M5": -4.0, "M4": -6.0}
_NEVER = -7.0
_SURE = 0.9  # share from which one edge is named alone
_SHOWN = 0.02
_APART = 60.0  # eV; a second step nearer than that is a feature of the first
_SECOND = 0.3  # of the height of the edge
_FAR = 3.0  # standard deviations, beyond which one candidate alone is not sure
_FARTHEST = 4.5  # standard deviations, beyond which no edge is named
_LOWEST = 80.0  # eV
_NEAREST = 0.03  # of the energy: edges farther from the rise are not looked at
_SLACK = 0.027  # of the energy: an axis of energy loss may be off by so much


def candidates(spectrum: Measured) -> list[Candidate]:
    """Edges that the step of an X-ray spectrum may be, the likeliest first; none if none is near.

    Weighed are the distance of the steepest rise from where the edge lies in compounds
    (:mod:`defectra.spectra.edge_ranges`; the axis may be off), how rarely an edge is measured, and
    the size of the step: L1 and L2 rise by little over what lies before them, and an L2 or L1 has
    its L3 before it. Below :data:`_LOWEST` no edge is named: the M edges of the 3d metals and the N
    and O edges of heavier ones lie there, which are not in the table.
    """
    rise = steepest(spectrum.energy, spectrum.mu)
    if rise < _LOWEST:
        return []
    found = [
        (e, _likelihood(e, rise, spectrum))
        for e in table()
        if abs(place(e).away(rise)) < _NEAREST * rise
    ]
    near = [(e, v) for e, v in found if v is not None]
    best = max((v for _, v in near), default=0.0)
    weights = [(e, math.exp(v - best)) for e, v in near]
    total = sum(w for _, w in weights)
    listed = [
        Candidate(e, w / total, abs(place(e).deviations(rise)) < _FAR)
        for e, w in weights
        if w / total > _SHOWN
    ]
    return sorted(listed, key=lambda c: -c.share)


def _likelihood(edge: Edge, rise: float, spectrum: Measured) -> float | None:
    """Logarithm of how likely an edge is, up to a constant; None if it is too far off."""
    where = place(edge)
    seen = edge.jump > 1.0 or where.tabulated  # jumps are tabulated from 100 eV on
    if abs(where.deviations(rise)) > _FARTHEST or not seen:
        return None
    value = where.log_density(rise) + _RARE.get(edge.edge, _NEVER)
    if edge.edge in ("L1", "L2"):
        lower = find(edge.element, "L3" if edge.edge == "L2" else "L2")
        before = lower.energy + rise - edge.energy if lower else math.nan
        if spectrum.energy[0] + 20 < before < rise - 20 and not _rises(spectrum, before):
            return None
    return value


def _rises(spectrum: Measured, where: float) -> bool:
    """Whether the absorption steps up at an energy by a tenth of its whole range or more."""
    energy, mu = spectrum.energy, spectrum.mu
    before = mu[(energy > where - 20) & (energy < where - 5)]
    after = mu[(energy > where + 5) & (energy < where + 20)]
    if not len(before) or not len(after):
        return True  # cannot be decided
    return bool(after.mean() - before.mean() > 0.1 * np.ptp(mu))


def xray_edge(spectrum: Measured) -> Edge | None:
    """The edge that an X-ray spectrum shows; None if none is near, or it stays open."""
    found = candidates(spectrum)
    sure = found and found[0].share > _SURE and found[0].near
    return found[0].edge if sure else None


def xray_names(spectrum: Measured) -> str:
    """The edge that it shows, or those that it may be: ``Fe K``, ``V K or La L3``."""
    found = candidates(spectrum)
    if not found or found[0].share > _SURE:
        far = "" if not found or found[0].near else ", far from its place"
        return f"{found[0].name}{far}" if found else ""
    return " or ".join(c.name for c in found[:4])


def steepest(energy: Floats, mu: Floats, width: float = 2.0) -> float:
    """Energy of the steepest rise after smoothing over `width` eV (FWHM), eV.

    Looked for within 15 eV of the largest step (mean of 20 eV after less 20 eV before), so that
    neither noise nor a pre-edge peak is taken for the edge.
    """
    from defectra.spectra.broaden import gaussian

    grid = np.arange(energy[0], energy[-1], _GRID)
    if len(grid) < 16:
        raise SpectrumError(f"the spectrum covers only {energy[-1] - energy[0]:.1f} eV")
    smooth = gaussian(energy, mu, grid, width)
    inner = slice(4, -4)
    slope = np.gradient(smooth, grid)[inner]
    step = _step(smooth)[inner]
    near = np.abs(grid[inner] - grid[inner][int(np.argmax(step))]) <= 15.0
    return float(grid[inner][int(np.argmax(np.where(near, slope, -np.inf)))])


def other_steps(spectrum: Measured, edge: float) -> list[float]:
    """Energies (eV) of further steps in a scan that are at least :data:`_SECOND` as high.

    `edge` is the one that was found; edges of the element or elements that it may be (L2 after
    L3) are expected and not among them.
    """
    from defectra.spectra.broaden import gaussian

    grid = np.arange(spectrum.energy[0], spectrum.energy[-1], _GRID)
    step = _step(gaussian(spectrum.energy, spectrum.mu, grid, 2.0))
    away = np.abs(grid - edge) > _APART
    inside = (grid > grid[0] + _APART / 3) & (grid < grid[-1] - _APART / 3)
    main = float(step[~away].max(initial=0.0))
    own = {c.edge.element for c in candidates(spectrum)}
    known = [e.energy for e in table() if e.element in own]
    found: list[float] = []
    for k in np.argsort(-step):
        at = float(grid[k])
        if step[k] < _SECOND * main or len(found) == 3:
            break
        near = [*known, *found]
        if away[k] and inside[k] and all(abs(at - e) > _APART for e in near):
            found.append(at)
    return sorted(found)


def _step(values: Floats, reach: int = 80) -> Floats:
    """Mean of the next `reach` values less that of the last, shape of `values`."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    k = np.arange(len(values))
    low, high = np.maximum(k - reach, 0), np.minimum(k + reach, len(values) - 1)
    before = (total[k + 1] - total[low]) / (k + 1 - low)
    return (total[high + 1] - total[k]) / (high + 1 - k) - before


def check_xray(spectrum: Measured, wanted: str | None = None) -> str:
    """Edge of an X-ray spectrum, as ``Ni K``; several, if it stays open: ``V K or La L3``.

    Raises
    ------
    SpectrumError
        If it rises where another edge is than its header says, or than is `wanted`; if `wanted` is
        no element and edge.
    """
    said = f"{spectrum.element} {spectrum.edge}".strip()
    for name, whose in ((wanted or "", "you asked for"), (said, "the file says")):
        words = name.split()
        if len(words) < 2 and (whose == "the file says" or not name):
            continue  # a header may name the element alone
        edge = find(*words) if len(words) == 2 else None
        if edge is None:
            raise SpectrumError(f"{name!r} is no absorption edge; write e.g. 'Ni K'")
        where = place(edge)
        first, last = spectrum.energy[[0, -1]]
        if not where.overlaps(first, last):
            raise SpectrumError(
                f"{whose} {name} ({where}), the spectrum runs from {first:.1f} to {last:.1f} eV: "
                "another edge, or another unit of energy"
            )
        rise = steepest(spectrum.energy, spectrum.mu)
        if not where.holds(rise) or (where.tabulated and _clearly_another(spectrum, edge, rise)):
            other = xray_names(spectrum)
            seen = f", where {other} is" if other else ""
            raise SpectrumError(f"{whose} {name} ({where}), but it rises at {rise:.1f} eV{seen}")
    if wanted or " " in said:
        return wanted or said
    return xray_names(spectrum)


def _clearly_another(spectrum: Measured, edge: Edge, rise: float) -> bool:
    """Whether it rises beyond the range of an edge, and where another edge alone is likely."""
    other = xray_edge(spectrum)
    return bool(place(edge).away(rise)) and other not in (None, edge)


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

    A white line belongs to the K or L3 edge whose compounds rise nearest, within 2.7 % of its
    energy; lines that no edge is near to are passed over.
    """
    known = [e for x in elements for n in ("K", "L3") if (e := find(x, n)) is not None]
    out: list[Line] = []
    for energy in white_lines(spectrum.energy, spectrum.mu):
        away = {e: abs(place(e).away(energy)) for e in known}
        near = [e for e in known if away[e] < _SLACK * e.energy]
        best = min(near, key=away.__getitem__, default=None)
        if best is not None and f"{best.element} {best.edge}" not in [x.edge for x in out]:
            out.append(Line(energy, f"{best.element} {best.edge}"))
    return out


def name_says(path: Path) -> str:
    """Element in a file name such as ``Ni_edge.msa`` or ``oxygen_edge.msa``; empty if none."""
    words = re.split(r"[_\-. ]", path.name)
    if len(words) < 2:
        return ""
    first = words[0]
    element = _WORDS.get(first.lower(), first if re.fullmatch(r"[A-Z][a-z]?", first) else "")
    return element if find(element, "K") else ""
