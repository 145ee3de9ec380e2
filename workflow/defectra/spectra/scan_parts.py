"""Several scans in one table: energies that start again, run back, or jump to another edge."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.measured_spectrum import LEAST, Measured

Floats = NDArray[np.float64]
APART = "another scan begins there"  # end of the note on a jump
FARTHEST = 100.0  # eV; steps of one scan are shorter, or like those beside them
_SHARE = 0.03  # of the energy; the same below 3.3 keV, where edges lie closer
_BESIDE = 5  # steps on each side of a jump that it is compared with
_STANDS_OUT = 10.0  # times the steps beside it
_AGAIN = (2.0, 0.05)  # of the steps beside, and of the farthest: a step back measures twice
_DIFFERS = 0.3  # of the range of the absorption: what was measured twice is not the same
_KEV, _NARROW, _FINE = 150.0, 20.0, 0.03  # an axis in keV ends below, is no wider, in finer steps


def parted(whole: Measured, title: str = "", lines: Sequence[int] = ()) -> list[Measured]:
    """The scans of a spectrum as it was read, in the order of its rows; one if it is one.

    Parameters
    ----------
    title
        Name of the table, before the rows in the labels.
    lines
        Of the file, for each energy, to name them; else rows are named.
    """
    jumps = _jumps(whole)
    edges = [0, *jumps, len(whole.energy)]
    parts = [
        slice(a + p.start, a + p.stop)
        for a, b in itertools.pairwise(edges)
        for p in passes(whole.energy[a:b])
        if p.stop - p.start >= LEAST
    ]
    if len(parts) < 2:
        return [replace(whole, label=title)]
    said = tuple(_said(whole.energy, k, lines) for k in jumps)
    return [
        replace(
            whole,
            energy=whole.energy[part],
            mu=whole.mu[part],
            label=", ".join(filter(None, (title, f"rows {part.start + 1} to {part.stop}"))),
            notes=(*whole.notes, *said),
        )
        for part in parts
    ]


def _said(energy: Floats, k: int, lines: Sequence[int]) -> str:
    where = f"line {lines[k]}" if len(lines) == len(energy) else f"row {k + 1}"
    return f"{where}: energies jump from {energy[k - 1]:.7g} to {energy[k]:.7g}, {APART}"


def _jumps(whole: Measured) -> list[int]:
    """First rows of further scans: after a step far beyond those beside it, or to other values.

    A step back within one edge, to measure some energies once more, gives the same values again.
    """
    energy = whole.energy
    if len(energy) < 2 * LEAST or not np.isfinite(energy).all():
        return []
    steps = np.diff(energy)
    sizes = np.abs(steps)
    far = np.minimum(FARTHEST / _unit(whole), _SHARE * np.abs(energy[1:]))
    found = [0]
    for k in np.flatnonzero(sizes > _AGAIN[1] * far):
        first = int(k) + 1
        if first - found[-1] < LEAST or len(energy) - first < LEAST:
            continue
        before, after = slice(max(k - _BESIDE, 0), k), slice(first, first + _BESIDE)
        usual = max(np.median(sizes[before]), np.median(sizes[after]))
        jump = sizes[k] > max(far[k], _STANDS_OUT * usual)
        along = np.sign([np.median(steps[before]), np.median(steps[after])])
        back = (along == -np.sign(steps[k])).all() and sizes[k] > _AGAIN[0] * usual
        if jump or (back and _is_another(whole, slice(found[-1], first), slice(first, None))):
            found.append(first)
    return found[1:]


def _unit(whole: Measured) -> float:
    """Electronvolts of one unit of the axis, as far as the unit or the steps say."""
    unit = whole.meta.get("energy unit", "").lower()
    fine = float(np.median(np.abs(np.diff(whole.energy)))) < _FINE
    low = whole.energy.max() < _KEV and np.ptp(whole.energy) < _NARROW
    in_kev = unit == "kev" or bool(unit != "ev" and fine and low)
    return 1000.0 if in_kev else 1.0


def _is_another(whole: Measured, one: slice, other: slice) -> bool:
    """Whether two parts differ at the energies that both have."""
    parts = [(whole.energy[p], whole.mu[p]) for p in (one, other)]
    low, high = (f(g(e) for e, _ in parts) for f, g in ((max, np.min), (min, np.max)))
    if not low < high:
        return False
    shared = np.linspace(low, high, 50)
    first, second = (
        np.interp(shared, energy[order], mu[order])
        for energy, mu in parts
        for order in [np.argsort(energy, kind="stable")]
    )
    values = whole.mu[np.isfinite(whole.mu)]
    extent = float(np.subtract(*np.percentile(values, [95, 5]))) if len(values) else 0.0
    return bool(np.median(np.abs(first - second)) > _DIFFERS * extent)


def passes(energy: Floats) -> list[slice]:
    """Runs through the energies, one after the other: several scans in one table.

    A turn counts when the energy goes back by more than half of its range, so that jitter and
    rows out of order make no scan.
    """
    if len(energy) < 2 or not np.isfinite(energy).all():
        return [slice(0, len(energy))]
    back = 0.5 * float(np.ptp(energy))
    turns, extreme, rising = [0], 0, None
    for k in range(1, len(energy)):
        step = energy[k] - energy[extreme]
        if rising is None:
            if abs(step) > back:
                rising, extreme = step > 0, k
        elif (step >= 0) == rising:
            extreme = k
        elif abs(step) > back:
            turns.append(extreme + 1)
            rising, extreme = not rising, k
    edges = [*turns, len(energy)]
    found = [slice(a, b) for a, b in itertools.pairwise(edges)]
    return _without_returns(found)


def _without_returns(found: list[slice]) -> list[slice]:
    """A jump back to the start is no scan of its own: it belongs to the scan that it begins."""
    kept: list[slice] = []
    for part in found:
        if kept and kept[-1].stop - kept[-1].start < LEAST:
            kept[-1] = slice(kept[-1].start, part.stop)
        else:
            kept.append(part)
    if len(kept) > 1 and kept[-1].stop - kept[-1].start < LEAST:
        last = kept.pop()
        kept[-1] = slice(kept[-1].start, last.stop)
    return kept
