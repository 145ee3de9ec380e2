"""Phonon sideband of each relaxed candidate: all modes of the layer, and its width when warm.

Emission has the factor of the third power of the photon energy, with the zero-phonon line of the
highest fidelity that is known: of PBE (Perdew, Burke and Ernzerhof) the lines are too low, which
would make the sideband too weak.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.records import Column, Table
from defectra.studies.hbn.emission import emission, line_share
from defectra.studies.hbn.phonons import force_constants, huang_rhys
from defectra.studies.hbn.settings import HbnStudy
from defectra.studies.hbn.tables import blank
from defectra.studies.hbn.transitions import FIDELITIES, zero_phonon_line

Row = dict[str, Any]
SHOWN = 0.5  # eV below the line, and 0.1 above it, that are kept
NOT_LAYER = "modes are known for the cell of the force constants alone"
SIDEBANDS = Table(
    "hbn_sidebands",
    (
        Column("calculation_id", "string", "", "run of the candidate"),
        Column("name", "string", "", "complex"),
        Column("charge", "int", "e", "of the cell"),
        Column("spin", "int", "µB", "of the ground state"),
        Column("size", "int", "", "repeats of the primitive cell each way"),
        Column("modes", "int", "", "stable modes; 0: not known"),
        Column("huang_rhys", "float", "", "sum over the modes"),
        Column("debye_waller", "float", "", "exp(-S) of all modes, without the photon energy"),
        Column("line_eV", "float", "eV", "zero-phonon line in the third power of the energy"),
        Column("line_fidelity", "string", "", "of that line; empty: no line, no third power"),
        Column("line_share", "float", "", "share of the line in the emission at 0 K, with it"),
        Column("mean_meV", "float", "meV", "mean phonon energy, weighted by the factors"),
        Column("width_cold_meV", "float", "meV", "full width of the main peak at 4 K"),
        Column("width_warm_meV", "float", "meV", "the same, at the temperature measured at"),
        Column("phonons_eV", "floats", "eV", "of the modes"),
        Column("factors", "floats", "", "partial Huang-Rhys factors"),
        Column("offset_eV", "floats", "eV", "photon energy less the zero-phonon line"),
        Column("warm", "floats", "1/eV", "emission, area 1"),
        Column("message", "string", "", "why nothing is known"),
    ),
)
CSV_COLUMNS = [c.name for c in SIDEBANDS.columns if c.type != "floats"]


def sidebands(
    runs: Sequence[Mapping[str, Any]], forces: Sequence[Mapping[str, Any]], settings: HbnStudy
) -> list[Row]:
    """Rows of the sidebands, one for each run with a relaxed excited state.

    Parameters
    ----------
    runs, forces
        Rows of both tables of the study.
    """
    relaxed = [r for r in runs if len(r["coords_excited"])]
    good = [r for r in forces if r["status"] == "ok"]
    if len(good) < 4:
        return [_row(r) | {"message": "force constants are not computed"} for r in relaxed]
    constants = force_constants(good)
    return [_sideband(row, constants, good[0], settings) for row in relaxed]


def _row(run: Mapping[str, Any]) -> Row:
    names = ("calculation_id", "name", "charge", "spin", "size")
    return blank(SIDEBANDS) | {k: run[k] for k in names}


def _sideband(
    run: Mapping[str, Any], constants: Any, layer: Mapping[str, Any], settings: HbnStudy
) -> Row:
    row = _row(run)
    if not np.allclose(run["lattice"], layer["lattice"]):
        return row | {"message": NOT_LAYER}
    phonons, factors = huang_rhys(run, constants, layer)
    total = float(factors.sum())
    line, fidelity = _line(run)
    options = {"smoothing": settings.smoothing, "line": line if fidelity else 0.0}
    warm = emission(phonons, factors, settings.line.temperature, **options)
    cold = emission(phonons, factors, 4.0, **options)
    kept = (warm.offset > -SHOWN) & (warm.offset < 0.1)
    return row | {
        "modes": len(phonons),
        "huang_rhys": total,
        "debye_waller": math.exp(-total),
        "line_eV": line,
        "line_fidelity": fidelity,
        "line_share": line_share(phonons, factors, line),
        "mean_meV": 1e3 * float((phonons * factors).sum() / total) if total else float("nan"),
        "width_cold_meV": 1e3 * cold.width,
        "width_warm_meV": 1e3 * warm.width,
        "phonons_eV": phonons.tolist(),
        "factors": factors.tolist(),
        "offset_eV": warm.offset[kept].round(6).tolist(),
        "warm": warm.intensity[kept].round(6).tolist(),
    }


def _line(run: Mapping[str, Any]) -> tuple[float, str]:
    """Zero-phonon line (eV) of the highest fidelity that has one above 0, and that fidelity."""
    for fidelity in reversed(FIDELITIES):
        line = zero_phonon_line(run, fidelity)
        if math.isfinite(line) and line > 0:
            return line, fidelity
    return math.nan, ""
