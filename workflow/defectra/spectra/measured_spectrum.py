"""A measured spectrum, and the checks that it must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DefectraError
from defectra.core.held_values import Held, after, held, is_constant

Floats = NDArray[np.float64]
LEAST = 20  # fewer energies are no spectrum
WIDEST_GAP = 5.0  # eV; further apart, what lies between is not known
WIDEST = 50_000.0  # eV; no scan of an edge is so wide, a damaged energy makes one
COLUMNS = "columns read"  # key of `meta`: which columns are energies and absorption
IN_KEV = "energies were in keV"
_KEV = 150.0  # an axis that ends below this and rises like an X-ray edge above 1 keV is in keV


class SpectrumError(DefectraError):
    """A measured spectrum cannot be used; the message says why and what to do."""


CLOSE = 3.0  # eV between the points of a scan, for one far off to be called a glitch
LOWEST = 20.0  # eV; no absorption edge that is tabulated lies below


@dataclass(frozen=True)
class Measured:
    """A measured spectrum.

    Attributes
    ----------
    energy
        eV, increasing, shape (n,).
    mu
        Absorption, shape (n,); what it is stands in `kind`.
    kind
        ``transmission``, ``fluorescence``, ``mu``, ``counts`` (EELS) …
    element, edge
        What the file says it is; empty if it says nothing.
    meta
        Other words of the header.
    notes
        What was mended on reading.
    label
        Which one of its file, where that holds several.
    """

    energy: Floats
    mu: Floats
    kind: str = "mu"
    element: str = ""
    edge: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    label: str = ""


def as_read(spectrum: Measured) -> str:
    """How columns were read, for the end of a refusal; empty where there was no choice."""
    columns = spectrum.meta.get(COLUMNS, "")
    if not columns:
        return ""
    unit = next((f" ({note})" for note in spectrum.notes if note == IN_KEV), "")
    return f"; read {columns}{unit}; choose others with --columns energy=... mu=... unit=eV"


def cleaned(raw: Measured) -> Measured:
    """Energies in eV and increasing, doubled energies averaged, ends without values cut.

    Each mending is a note. A value that is not a number between others is not mended: nothing
    may be invented inside an edge.

    Raises
    ------
    SpectrumError
        If values are missing inside, fewer than 20 energies remain, nothing varies (at all, or
        for a part of the scan), or the energies span more than 50 keV.
    """
    energy, mu, notes = np.asarray(raw.energy, float), np.asarray(raw.mu, float), list(raw.notes)
    energy, mu = _without_ends(energy, mu, notes)
    if len(energy) < LEAST:
        raise SpectrumError(f"only {len(energy)} energies with values; at least {LEAST} are needed")
    energy = _in_ev(energy, raw, notes)
    if not np.ptp(energy) <= WIDEST:
        raise SpectrumError(
            f"energies run from {energy.min():.6g} to {energy.max():.6g} eV: no scan is so wide; "
            "one of them is damaged"
        )
    if (np.diff(energy) < 0).any():
        order = np.argsort(energy, kind="stable")
        falling = bool((np.diff(energy) <= 0).all())
        notes.append("energies ran downwards" if falling else "energies were not in order: sorted")
        energy, mu = energy[order], mu[order]
    energy, mu = _merged(energy, mu, notes)
    if raw.kind != "counts":
        lone = lone_points(energy, mu)
        if len(lone):
            at = ", ".join(f"{energy[k]:.1f}" for k in lone[:3])
            notes.append(f"{len(lone)} glitch(es), single points far off, at {at} eV: left out")
            energy, mu = np.delete(energy, lone), np.delete(mu, lone)
    if len(energy) < LEAST:
        raise SpectrumError(f"only {len(energy)} different energies; at least {LEAST} are needed")
    if is_constant(mu):
        raise SpectrumError("the absorption is the same at every energy")
    if raw.kind != "counts":
        _refuse_standstill(energy, mu, notes)
    return replace(raw, energy=energy, mu=mu, notes=tuple(notes))


def _refuse_standstill(energy: Floats, mu: Floats, notes: list[str]) -> None:
    """Refuse absorption that stands still for a part of the scan; before the edge it may be set."""
    stands = held(mu)
    if stands and stands.first == 0:
        notes.append(f"{_said(stands, energy)}: set to one value there?")
        stands = after(stands, mu)
    if stands:
        raise SpectrumError(
            f"{_said(stands, energy)}: a detector that was saturated, cut off or not read there, "
            "or rows filled in; take them out of the file if they may be missed"
        )


def _said(stands: Held, energy: Floats) -> str:
    extreme = "" if stands.at == "same" else f", its {stands.at} value,"
    where = f"{energy[stands.first]:.1f} to {energy[stands.last]:.1f} eV"
    return f"the absorption stands still at {stands.value:.6g}{extreme} from {where}"


def _without_ends(energy: Floats, mu: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    good = np.isfinite(energy) & np.isfinite(mu)
    if not good.any():
        raise SpectrumError("no energy has a value")
    inside = np.arange(np.argmax(good), len(good) - np.argmax(good[::-1]))
    holes = int((~good[inside]).sum())
    if holes:
        at = energy[inside][~good[inside]]
        listed = ", ".join(f"{e:.1f}" for e in at[np.isfinite(at)][:3])
        rows = ", ".join(str(k + 1) for k in inside[~good[inside]][:3])
        where = f"at {listed}" if listed else f"the energies themselves, row {rows} of the table"
        raise SpectrumError(
            f"{holes} value(s) inside the spectrum are no numbers ({where}); "
            "take these rows out of the file if they may be missed"
        )
    if len(inside) < len(good):
        notes.append(f"{len(good) - len(inside)} rows at the ends had no value: cut")
    return energy[inside], mu[inside]


def _in_ev(energy: Floats, raw: Measured, notes: list[str]) -> Floats:
    """EELS axes may well end below 150 eV; of X-rays only a named edge says which edge it is."""
    from defectra.engines.edges import find

    unit = raw.meta.get("energy unit", "").lower()
    known = find(raw.element, raw.edge) if raw.element else None
    top = float(energy.max())
    if unit == "kev" and energy.min() > _KEV:
        raise SpectrumError(
            f"energies from {energy.min():.6g} to {top:.6g}, said to be keV: no edge lies there; "
            "are they eV (unit=eV)?"
        )
    in_kev = unit == "kev" or (
        unit != "ev"
        and raw.kind != "counts"
        and (
            (known is not None and known.energy > 400 and top < known.energy / 100)
            or (known is None and top < _KEV and np.ptp(energy) < 5 and top > 1)
        )
    )
    if in_kev:
        notes.append(IN_KEV)
        return energy * 1000.0
    if raw.kind != "counts" and (energy.min() <= 0 or top < LOWEST):
        raise SpectrumError(
            f"energies from {energy.min():g} to {top:g} eV: no X-ray axis: relative to an edge, or "
            "another unit of energy?"
        )
    return energy


def _merged(energy: Floats, mu: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    unique, where = np.unique(energy, return_inverse=True)
    if len(unique) == len(energy):
        return energy, mu
    notes.append(f"{len(energy) - len(unique)} energies were doubled: their values were averaged")
    return unique, np.bincount(where, mu) / np.bincount(where)


def lone_points(energy: Floats, mu: Floats) -> NDArray[np.int64]:
    """Points that stand alone: glitches of a crystal or of the electronics.

    A point is one if it lies off the median of its four neighbours by more than half of the range
    of the spectrum (its 5th to 95th percentile) and by more than four times their spread, and both
    its nearest neighbours are within :data:`CLOSE`: what a spectrum does within less is wider
    than one point.

    Parameters
    ----------
    energy, mu
        eV, increasing; absorption; shape (n,).
    """
    if len(mu) < LEAST:
        return np.empty(0, np.int64)
    low, high = np.percentile(mu, [5, 95])
    around = np.stack([mu[:-4], mu[1:-3], mu[3:-1], mu[4:]])
    off = np.abs(mu[2:-2] - np.median(around, axis=0))
    near = energy[3:-1] - energy[1:-3] < 2 * CLOSE
    far = (off > 0.5 * (high - low)) & (off > 4 * np.ptp(around, axis=0))
    return np.flatnonzero(near & far) + 2


def on_grid(spectrum: Measured, grid: Floats) -> Floats:
    """Values on a grid (eV), linear between the points.

    Raises
    ------
    SpectrumError
        If the spectrum ends before the grid, or has a hole of more than 5 eV in it: nothing is
        extrapolated.
    """
    first, last = spectrum.energy[[0, -1]]
    slack = 1e-6 * abs(last)
    if first > grid[0] + slack or last < grid[-1] - slack:
        raise SpectrumError(
            f"the spectrum runs from {first:.1f} to {last:.1f} eV, the grid of the model from "
            f"{grid[0]:.1f} to {grid[-1]:.1f} eV; measure further, or train on a shorter grid"
        )
    inside = np.flatnonzero((spectrum.energy[1:] > grid[0]) & (spectrum.energy[:-1] < grid[-1]))
    gap = np.diff(spectrum.energy)[inside]
    if gap.max() > WIDEST_GAP:
        at = float(spectrum.energy[inside[int(gap.argmax())]])
        raise SpectrumError(
            f"no energies from {at:.1f} to {at + gap.max():.1f} eV, inside the grid of the model: "
            "nothing is invented there; measure closer"
        )
    return np.interp(grid, spectrum.energy, spectrum.mu)
