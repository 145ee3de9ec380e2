"""One site in several codes and measured, and our own sites at several protocols.

Every curve is moved by one shift and broadened by one Gaussian so that it is nearest to its
reference; what was done, and how sure the shift is, stands in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.errors import DataError
from defectra.records import Column, Table
from defectra.spectra.broaden import gaussian

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

ANATASE = "anatase Ti K"
ANATASE_GRID = np.arange(4966.0, 4996.0, 0.1)  # eV, axis of the measured spectrum
NICKEL_GRID = np.arange(8332.0, 8372.0, 0.2)
WIDTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)  # eV, FWHM that are tried
MOST_POINTS = 4000  # of a file; the VASP one has 80,000, 0.002 eV apart
_BLOCK = 3.0  # eV: energies left out together, for the uncertainty of the shift

LADDER = Table(
    "ladder",
    (
        Column("panel", "string", "", "site"),
        Column("rung", "string", "", "code or protocol"),
        Column("reference", "string", "", "what it is compared with"),
        Column("shift", "float", "eV", "fitted, added to the energies of the code"),
        Column("shift_sd", "float", "eV", "standard deviation of the shift, energies left out"),
        Column("fwhm", "float", "eV", "of the Gaussian, fitted"),
        Column("relative_rms", "float", "", "difference from the reference after that"),
        Column("pearson", "float", "", "correlation with the reference after that"),
        Column("energy_eV", "floats", "eV", "axis of the reference"),
        Column("mu", "floats", "mean = 1", "absorption"),
    ),
)

LADDER_COLUMNS = [c for c in LADDER.names if c not in ("energy_eV", "mu")]
# Codes of the anatase spectra, and their files.
CODES = {
    "FEFF": "theory_FEFF",
    "VASP": "theory_VASP",
    "OCEAN": "ocean",
    "exciting": "exciting",
    "xspectra": "xspectra",
}


def anatase_rows(files: Mapping[str, Path], measured: Path) -> Iterator[Row]:
    """The same site in every code, against the measured spectrum.

    Parameters
    ----------
    files
        Two columns, by name of the code; energies on any axis.
    """
    energy, mu = _columns(measured)
    reference = _unit(np.interp(ANATASE_GRID, energy, mu))
    yield _row(ANATASE, "measured", "", (0.0, 0.0, 0.0), ANATASE_GRID, reference, reference)
    for name, path in files.items():
        energy, mu = _columns(path)
        start = float(ANATASE_GRID.mean()) - _middle(energy, mu)
        yield _fitted(ANATASE, name, "measured", (energy + start, mu), (ANATASE_GRID, reference),
                      start, 15.0)  # fmt: skip


def _columns(path: Path) -> tuple[Floats, Floats]:
    try:
        data = np.loadtxt(path)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    every = max(1, len(data) // MOST_POINTS)
    return data[::every, 0], data[::every, 1]


def _middle(energy: Floats, mu: Floats) -> float:
    """Where half of the largest value is first reached, plus half the window: a first guess."""
    first = int(np.argmax(mu >= 0.5 * mu.max()))
    return float(energy[first]) + 4.0


def nickel_rungs(
    calculations: Rows, spectra: Rows, low: str, high: str, shift: float
) -> Iterator[Row]:
    """Every site that was computed at two protocols, the cheap one against the dear one."""
    curves = {s["calculation_id"]: s for s in spectra}
    key = ("geometry_id", "site")
    own = [r for r in calculations if (r["element"], r["edge"]) == ("Ni", "K")
           and r["calculation_id"] in curves]  # fmt: skip
    dear = {tuple(r[k] for k in key): r for r in own if r["protocol"] == high}
    for row in sorted(own, key=lambda r: str(r["calculation_id"])):
        partner = dear.get(tuple(row[k] for k in key))
        if row["protocol"] != low or partner is None:
            continue
        a, b = curves[row["calculation_id"]], curves[partner["calculation_id"]]
        panel = f"Ni K {row['structure_id'][:6]} {row['site']}"
        reference = _unit(
            gaussian(np.add(b["energy_eV"], shift), np.asarray(b["mu"]), NICKEL_GRID, 0.5)
        )
        yield _row(panel, high, "", (0.0, 0.0, 0.5), NICKEL_GRID, reference, reference)
        yield _fitted(panel, low, high, (np.add(a["energy_eV"], shift), np.asarray(a["mu"])),
                      (NICKEL_GRID, reference), 0.0, 3.0)  # fmt: skip


def _fitted(
    panel: str, rung: str, against: str, curve: tuple[Floats, Floats],
    reference: tuple[Floats, Floats], before: float, largest: float,
) -> Row:  # fmt: skip
    grid, target = reference
    shift, fwhm = _best(curve, reference, np.arange(-largest, largest + 0.25, 0.5), WIDTHS, None)
    near = shift + np.arange(-0.6, 0.65, 0.05)
    shift, fwhm = _best(curve, reference, near, (fwhm,), None)
    values = _unit(gaussian(curve[0] + shift, curve[1], grid, fwhm))
    sd = _spread(curve, reference, shift, fwhm)
    return _row(panel, rung, against, (before + shift, sd, fwhm), grid, values, target)


def _best(
    curve: tuple[Floats, Floats], reference: tuple[Floats, Floats], shifts: Floats,
    widths: Sequence[float], used: NDArray[np.bool_] | None,
) -> tuple[float, float]:  # fmt: skip
    """Shift and width of the smallest RMS difference, area of the window set equal."""
    grid, target = reference
    keep = np.ones(len(grid), bool) if used is None else used
    best, least = (0.0, 0.0), np.inf
    for fwhm in widths:
        wide = np.arange(grid[0] - abs(shifts).max(), grid[-1] + abs(shifts).max() + 0.05, 0.1)
        smooth = gaussian(curve[0], curve[1], wide, fwhm)
        for shift in shifts:
            values = _unit(np.interp(grid, wide + shift, smooth))
            error = float(((values - target)[keep] ** 2).mean())
            if error < least:
                best, least = (float(shift), float(fwhm)), error
    return best


def _spread(
    curve: tuple[Floats, Floats], reference: tuple[Floats, Floats], shift: float, fwhm: float
) -> float:
    """Jackknife standard deviation of the shift, blocks of energies left out, eV."""
    grid = reference[0]
    block = ((grid - grid[0]) / _BLOCK).astype(int)
    near = shift + np.arange(-1.0, 1.05, 0.05)
    found = np.array(
        [_best(curve, reference, near, (fwhm,), block != b)[0] for b in np.unique(block)]
    )
    count = len(found)
    return float(np.sqrt((count - 1) / count * ((found - found.mean()) ** 2).sum()))


def _unit(values: Floats) -> Floats:
    """Mean over the window set to one."""
    return np.asarray(values / values.mean())


def _row(
    panel: str, rung: str, against: str, done: tuple[float, float, float], grid: Floats,
    values: Floats, target: Floats,
) -> Row:  # fmt: skip
    return {
        "panel": panel, "rung": rung, "reference": against, "shift": done[0],
        "shift_sd": done[1], "fwhm": done[2],
        "relative_rms": float(np.sqrt(((values - target) ** 2).mean() / (target**2).mean())),
        "pearson": float(np.corrcoef(values, target)[0, 1]), "energy_eV": grid.tolist(),
        "mu": values.tolist(),
    }  # fmt: skip
