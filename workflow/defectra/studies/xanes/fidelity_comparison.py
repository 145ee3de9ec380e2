"""One site in several codes and measured, and our own sites at every fidelity.

Every curve is moved by one shift and broadened by one Gaussian so that it is nearest to its
reference; on which axis it came, what was done, and how sure the shift is, stands in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.records import Column, Table
from defectra.spectra.align import AS_IS, Alignment, Curve, Method, applied, fitted, unit_mean
from defectra.spectra.broaden import gaussian
from defectra.studies.xanes.settings import FidelityLevels

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

ANATASE = "anatase Ti K"
ANATASE_GRID = np.arange(4966.0, 4996.0, 0.1)  # eV, axis of the measured spectrum
NICKEL_GRID = np.arange(8332.0, 8372.0, 0.2)
MOST_POINTS = 4000  # of a file; the VASP one has 80,000, 0.002 eV apart
GRID_STEP = 0.1  # eV, of the compared curves

COMPARISON = Table(
    "ladder",
    (
        Column("panel", "string", "", "site"),
        Column("rung", "string", "", "fidelity level: code, or engine and protocol"),
        Column("reference", "string", "", "what it is compared with"),
        Column(
            "axis",
            "string",
            "",
            "zero of the energies before: engine, Fermi level, declared or delta SCF",
        ),
        Column("alignment", "string", "", "where the shift comes from: none, declared or fitted"),
        Column("shift", "float", "eV", "added to the energies of the code"),
        Column("shift_sd", "float", "eV", "standard deviation of the shift, energies left out"),
        Column("fwhm", "float", "eV", "of the Gaussian, fitted"),
        Column("relative_rms", "float", "", "difference from the reference after that"),
        Column("pearson", "float", "", "correlation with the reference after that"),
        Column("cpu_s", "float", "s", "CPU time of the calculation; NaN: not ours"),
        Column("energy_eV", "floats", "eV", "axis of the reference"),
        Column("mu", "floats", "mean = 1", "absorption"),
    ),
)

COMPARISON_COLUMNS = [c for c in COMPARISON.names if c not in ("energy_eV", "mu")]
ENGINE_AXIS, FERMI_AXIS = "engine", "Fermi level"


@dataclass(frozen=True)
class FidelityLevel:
    """Which curve of which panel: its name, the axis it came on, CPU seconds (NaN: not ours)."""

    panel: str
    name: str
    axis: str
    cpu_s: float = float("nan")


# Codes of the anatase spectra, and their files.
CODES = {
    "FEFF": "theory_FEFF",
    "VASP": "theory_VASP",
    "OCEAN": "ocean",
    "exciting": "exciting",
    "xspectra": "xspectra",
}


def compare_anatase(files: Mapping[str, Path], measured: Path) -> Iterator[Row]:
    """The same site in every code, against the measured spectrum.

    Parameters
    ----------
    files
        Two columns, by name of the code; energies on any axis.
    """
    energy, mu = _columns(measured)
    reference = (ANATASE_GRID, unit_mean(np.interp(ANATASE_GRID, energy, mu)))
    yield _row(FidelityLevel(ANATASE, "measured", "measured"), "", AS_IS, reference, reference)
    for name, path in files.items():
        energy, mu = _columns(path)
        start = float(ANATASE_GRID.mean()) - _middle(energy, mu)
        found = fitted((energy + start, mu), reference, 15.0)
        values = (ANATASE_GRID, applied((energy + start, mu), found, ANATASE_GRID))
        whole = replace(found, shift=start + found.shift)
        yield _row(FidelityLevel(ANATASE, name, ENGINE_AXIS), "measured", whole, values, reference)


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


def compare_nickel(
    calculations: Rows, spectra: Rows, low: str, high: str, shift: float
) -> Iterator[Row]:
    """Every site that was computed at two protocols, the cheap one against the converged one."""
    curves = {s["calculation_id"]: s for s in spectra}
    key = ("geometry_id", "site")
    own = [r for r in calculations if (r["element"], r["edge"]) == ("Ni", "K")
           and r["calculation_id"] in curves]  # fmt: skip
    converged = {tuple(r[k] for k in key): r for r in own if r["protocol"] == high}
    for row in sorted(own, key=lambda r: str(r["calculation_id"])):
        partner = converged.get(tuple(row[k] for k in key))
        if row["protocol"] != low or partner is None:
            continue
        curve, other = (_moved(curves[r["calculation_id"]], s)
                        for r, s in ((row, shift), (partner, 0.0)))  # fmt: skip
        panel = f"Ni K {row['structure_id'][:6]} {row['site']}"
        smooth = Alignment(Method.DECLARED, shift, fwhm=0.5)
        reference = (NICKEL_GRID, applied(other, smooth, NICKEL_GRID))
        yield _row(FidelityLevel(panel, high, ENGINE_AXIS, partner["cpu_s"]), "", smooth, reference,
                   reference)  # fmt: skip
        cheap = _compared(
            FidelityLevel(panel, low, ENGINE_AXIS, row["cpu_s"]), high, curve, reference, 3.0
        )
        yield cheap | {"shift": cheap["shift"] + shift}


def _moved(row: Mapping[str, Any], shift: float) -> Curve:
    return np.add(row["energy_eV"], shift), np.asarray(row["mu"], np.float64)


def compare_sites(
    calculations: Rows, spectra: Rows, cells: Rows, settings: FidelityLevels
) -> Iterator[Row]:
    """Sites at every fidelity, each compared with the last of its engine and with the last of all.

    The last one is the last of the list in the config; it need be neither the most expensive nor
    converged. The axis is that of the last fidelity; every other curve is fitted to it, and to the
    last fidelity of its own engine. All are broadened by the same Gaussian first.
    """
    curves = {s["calculation_id"]: s for s in spectra}
    formulas = {g["geometry_id"]: _formula(g["species"]) for g in cells}
    for site in sorted({(r["geometry_id"], r["site"], r["element"], r["edge"])
                        for r in calculations}):  # fmt: skip
        own = {f"{r['engine']} {r['protocol']}": r for r in calculations
               if (r["geometry_id"], r["site"], r["element"], r["edge"]) == site
               and r["calculation_id"] in curves}  # fmt: skip
        there = [r for r in settings.rungs if r in own]
        if len(there) > 1:
            panel = f"{formulas[site[0]]} {site[2]} {site[3]}, site {site[1]}"
            found = {r: _smooth(curves[own[r]["calculation_id"]], settings.fwhm) for r in there}
            yield from _compare_levels(panel, {r: dict(own[r]) for r in there}, found, settings)


def _compare_levels(
    panel: str, rows: Mapping[str, Row], curves: Mapping[str, Curve], settings: FidelityLevels
) -> Iterator[Row]:
    names = list(rows)
    for top in _tops(names):
        edge = _onset(curves[top])
        last = min(edge + settings.window[1], float(curves[top][0][-1]))
        grid = np.arange(edge + settings.window[0], last, GRID_STEP)
        reference = (grid, unit_mean(np.interp(grid, *curves[top])))
        yield _row(_level(panel, top, rows[top]), "", AS_IS, reference, reference)
        for name in names[: names.index(top)]:
            start = edge - _onset(curves[name])
            curve = (curves[name][0] + start, curves[name][1])
            row = _compared(_level(panel, name, rows[name]), top, curve, reference, 8.0)
            yield row | {"shift": row["shift"] + start}


def _onset(curve: Curve) -> float:
    """Where a quarter of the largest value is first reached, eV: no engine's own threshold.

    That of FEFF moves by 11 eV between protocols while its spectrum hardly moves.
    """
    return float(curve[0][int(np.argmax(curve[1] >= curve[1].max() / 4))])


def _tops(names: Sequence[str]) -> list[str]:
    """The last fidelity of all, and before it the last of each engine that has several."""
    engines = [n.split()[0] for n in names]
    last = dict(zip(engines, names))
    several = [last[e] for e in dict.fromkeys(engines) if engines.count(e) > 1]
    return list(dict.fromkeys([*several, names[-1]]))


def _level(panel: str, name: str, row: Mapping[str, Any]) -> FidelityLevel:
    axis = ENGINE_AXIS
    if row["engine"] == "gpaw_corehole":
        axis = str(Method.DELTA_SCF) if np.isfinite(row["edge_eV"]) else FERMI_AXIS
    return FidelityLevel(panel, name, axis, row["cpu_s"])


def _smooth(row: Mapping[str, Any], fwhm: float) -> Curve:
    energy = np.asarray(row["energy_eV"], np.float64)
    grid = np.arange(energy[0], energy[-1], GRID_STEP / 2)
    return grid, gaussian(energy, np.asarray(row["mu"], np.float64), grid, fwhm)


def _formula(species: Sequence[str]) -> str:
    from pymatgen.core import Composition

    return Composition({e: list(species).count(e) for e in dict.fromkeys(species)}).reduced_formula


def _compared(
    level: FidelityLevel, against: str, curve: Curve, reference: Curve, largest: float
) -> Row:
    """A curve, fitted to a reference."""
    found = fitted(curve, reference, largest)
    values = (reference[0], applied(curve, found, reference[0]))
    return _row(level, against, found, values, reference)


def _row(level: FidelityLevel, against: str, done: Alignment, values: Curve, target: Curve) -> Row:
    rest = values[1] - target[1]
    return {
        "panel": level.panel, "rung": level.name, "reference": against, "axis": level.axis,
        "alignment": str(done.method), "shift": done.shift, "shift_sd": done.sd,
        "fwhm": done.fwhm,
        "relative_rms": float(np.sqrt((rest**2).mean() / (target[1] ** 2).mean())),
        "pearson": float(np.corrcoef(values[1], target[1])[0, 1]), "cpu_s": level.cpu_s,
        "energy_eV": values[0].tolist(), "mu": values[1].tolist(),
    }  # fmt: skip
