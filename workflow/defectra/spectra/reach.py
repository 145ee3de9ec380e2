"""What of a declared grid a spectrum does not reach: the rest would be a constant of nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from defectra.core.records import Origin, Status
from defectra.spectra.align import aligned
from defectra.spectra.grid import Grid
from defectra.spectra.normalise import relative_rms

Row = Mapping[str, Any]
MOST_MISSING = 2.0  # eV at either end; the archive lacks none above and at most 1.5 below
ZERO = 0.02  # of the largest value: below it nothing is absorbed yet
SAME = 1e-3  # relative RMS: two spectra that are one
SITE_KEY = ("structure_id", "geometry_protocol", "protocol", "element", "edge", "site")
PRECEDENCE = (Origin.RUN, Origin.PARSED, Origin.ARCHIVE)


def missing(curve: Row, grid: Grid) -> tuple[float, float]:
    """How much of a grid lies below and above a spectrum, after the declared shift, eV."""
    energy = aligned([curve["energy_eV"][0], curve["energy_eV"][-1]], grid)
    return max(0.0, float(energy[0] - grid.start)), max(0.0, float(grid.stop - energy[-1]))


def why_short(curve: Row, grid: Grid, edge: str) -> str:
    """Why a spectrum cannot be put on a grid; empty if it can.

    Above its last energy nothing is known of it. Below its first it is zero if it begins at zero,
    before the edge.
    """
    below, above = missing(curve, grid)
    zero = abs(curve["mu"][0]) <= ZERO * max(map(abs, curve["mu"]))
    if above <= MOST_MISSING and (below <= MOST_MISSING or zero):
        return ""
    first = ""
    if below > MOST_MISSING and not zero:
        first = f" and is {curve['mu'][0]:.3g} at its first, not zero"
    return (
        f"{ranges(curve, grid, edge, first)}: compute more of it, or declare a "
        "shorter grid (edges of the config, --grid of `defectra table`)"
    )


def ranges(curve: Row, grid: Grid, edge: str, remark: str = "") -> str:
    """Energies of a spectrum, after the declared shift, and of a grid, for people.

    Parameters
    ----------
    remark
        What else is to be said of the spectrum.
    """
    first, last = aligned([curve["energy_eV"][0], curve["energy_eV"][-1]], grid)
    own = f"{edge}: the spectrum runs from {first:.1f} to {last:.1f} eV{remark}"
    return f"{own}, the grid from {grid.start:g} to {grid.stop:g} eV"


def is_continued(curve: Row, grid: Grid) -> bool:
    """Whether zeros are put before the first energy of a spectrum, more than at the archive's."""
    return missing(curve, grid)[0] > MOST_MISSING


def rank(row: Row) -> tuple[int, int]:
    """Place of a calculation among several of one site, the smallest is taken."""
    return PRECEDENCE.index(row["origin"]), list(Status).index(row["status"])


def second_spectra(rows: Iterable[Row], curves: Mapping[str, Row]) -> Iterator[tuple[Row, str]]:
    """Calculations of a site that has another spectrum already, and why they are not used.

    Copies of one spectrum are not told, nor calculations that failed.
    """
    first: dict[tuple[str, ...], Row] = {}
    done = [r for r in rows if r["status"] != Status.FAILED and r["calculation_id"] in curves]
    for row in sorted(done, key=rank):
        kept = first.setdefault(tuple(row[k] for k in SITE_KEY), row)
        if kept is row:
            continue
        apart = _apart(curves[kept["calculation_id"]], curves[row["calculation_id"]])
        if apart > SAME:
            where = f"{row['element']} {row['edge']} of site {row['site']}"
            reason = (
                f"another spectrum of {where} of {row['structure_id'][:16]} is used, "
                f"{kept['calculation_id'][:16]}, which differs by {100 * apart:.2g} % (RMS): keep "
                "the run that you mean"
            )
            yield row, reason


def _apart(one: Row, other: Row) -> float:
    """Relative RMS between two spectra, each over its largest value, where both have energies."""
    energy = np.asarray(one["energy_eV"], float)
    axis = np.asarray(other["energy_eV"], float)
    inside = (energy >= axis[0]) & (energy <= axis[-1])
    if inside.sum() < 2:
        return float("inf")
    a, b = np.asarray(one["mu"], float)[inside], np.interp(energy[inside], axis, other["mu"])
    if not (a.max() > 0 and b.max() > 0):
        return float("inf")
    return float(relative_rms(b / b.max(), a / a.max()))
