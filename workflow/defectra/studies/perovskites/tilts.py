"""Tilted octahedra: what rigid tilts of the perovskite ABX3 do to its energy and its gap.

The γ phase (Pnma, tilts a-b+a-) of 20 atoms is made with bonds as long as in the cubic cell, at a
few angles B-X-B. A polynomial in the square of the angle that is missing to 180 degrees gives the
angle of the lowest energy and the gap there. PBE (functional of Perdew, Burke and
Ernzerhof), with and without spin-orbit coupling. RMS: root mean square.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from defectra.campaign.engine import Outcome
from defectra.core.errors import EngineError
from defectra.core.records import OUTCOME_COLUMNS, Column, Origin, Status, Table
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.structures.prototypes import prototype
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.compounds import Compound
from defectra.studies.perovskites.outcomes import finished

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
# Compounds of which a γ phase is known, and a measured gap.
COMPOUNDS = (
    ("Cs", "Pb", "I"),
    ("Cs", "Sn", "I"),
    ("Cs", "Pb", "Br"),
    ("Cs", "Sn", "Br"),
    ("Cs", "Pb", "Cl"),
)
# B-X-B in degrees; 179.9 stands for the cubic cell: of 180 the cell would not be the smallest.
ANGLES = (179.9, 168.0, 160.0, 152.0)
UNITS = 4
STEPS = ({"do": "energy"}, {"do": "edges"}, {"do": "spin_orbit"})
TILTS = Table(
    "perovskite_tilts",
    (
        Column("calculation_id", "string", "", "SHA-256 of the canonical engine input"),
        Column("name", "string", "", "compound, canonical formula"),
        Column("engine_version", "string", "", "version of the engine"),
        Column("protocol", "string", "", "fidelity"),
        Column("constant", "float", "Å", "of the cubic cell with the same bonds"),
        Column("angle", "float", "degree", "B-X-B"),
        Column("lattice", "floats", "Å", "row vectors of the cell"),
        Column("species", "strings", "", "element of each site"),
        Column("coords", "floats", "fractional", "3 numbers for each site"),
        Column("energy", "float", "eV", "of the cell of four formula units"),
        Column("gap_PBE", "float", "eV", "PBE, zone centre, where that of the cubic R point lies"),
        Column("gap_PBE_SOC", "float", "eV", "with spin-orbit coupling, not self-consistent"),
        *OUTCOME_COLUMNS,
        Column("parser_version", "string", "", "version of the parser"),
    ),
)
ANGLES_COLUMNS = [
    *("name", "angle_deg", "energy_meV", "gap_PBE_eV", "gap_PBE_SOC_eV", "status", "message"),
    *("cpu_s", "calculation_id"),
]
COLUMNS = [
    *("name", "angle_deg", "energy_meV", "fit_rms_meV", "change_PBE_eV", "change_PBE_SOC_eV"),
    *("own_HSE_SOC_eV", "tilted_HSE_SOC_eV", "measured_eV", "measured_phase"),
    *("cubic_less_measured_eV", "tilted_less_measured_eV", "note"),
]


def job(compound: Compound, constant: float, angle: float, protocol: GpawProtocol) -> gpaw.Job:
    """Job of one angle (degrees); cubic constant of the bonds in Å."""
    a, b, x = runs.ions(compound)
    crystal = prototype(
        "perovskite_tilted", a=round(constant, 4), angle=angle, site_a=a, site_b=b, anion=x
    )
    return gpaw.job(gpaw.Cell.of(crystal.lattice, crystal.species, crystal.coords), protocol, STEPS)


def row_of(about: Mapping[str, Any], protocol: str, asked: gpaw.Job, out: Outcome) -> Row:
    """Row of a finished calculation; a result without its gaps is ``failed``."""
    nan = float("nan")
    row: Row = {
        "name": about["name"], "protocol": protocol, "constant": about["lattice"],
        "angle": about["angle"], "lattice": asked["lattice"], "species": asked["species"],
        "coords": asked["coords"], "energy": nan, "gap_PBE": nan, "gap_PBE_SOC": nan,
        "origin": str(Origin.RUN), "parser_version": gpaw.PARSER_VERSION,
    }  # fmt: skip
    return finished(row, out, _read)


def _read(steps: Mapping[str, Any]) -> Row:
    missing = {str(s["do"]) for s in STEPS} - set(steps)
    if missing:
        raise EngineError("no_output", f"GPAW: no {', '.join(sorted(missing))} in the result")
    return {
        "energy": steps["energy"]["energy_eV"],
        "gap_PBE": steps["edges"]["gap_eV"],
        "gap_PBE_SOC": steps["spin_orbit"]["gap_eV"],
    }


def angle_rows(rows: Rows) -> list[Row]:
    """Rows of ``tilt_angles.csv``: energy of a formula unit above the least tilted cell, gaps."""
    out: list[Row] = []
    for name in dict.fromkeys(str(r["name"]) for r in rows):
        own = sorted((r for r in rows if r["name"] == name), key=lambda r: -r["angle"])
        zero = own[0]["energy"]
        out += [
            {
                "name": name, "angle_deg": r["angle"],
                "energy_meV": 1000 * (r["energy"] - zero) / UNITS,
                "gap_PBE_eV": r["gap_PBE"], "gap_PBE_SOC_eV": r["gap_PBE_SOC"],
                "status": r["status"], "message": r["message"], "cpu_s": r["cpu_s"],
                "calculation_id": r["calculation_id"],
            }
            for r in own
        ]  # fmt: skip
    return out


def lowest(missing: Sequence[float], energies: Sequence[float]) -> tuple[float, float, float]:
    """Angle missing to 180 degrees at the lowest energy, energy there above 0, RMS of the fit.

    E = e0 + a s + b s², s the square of the missing angle: the double well of a tilt. Without a
    minimum between the points the missing angle is NaN, or 0 where the energy only rises.

    Parameters
    ----------
    missing, energies
        Degrees, and energies in any unit; shape (n,), n at least 3.
    """
    s = np.square(np.asarray(missing, float))
    values = np.asarray(energies, float)
    scale = s.max()
    b, a, e0 = np.polyfit(s / scale, values, 2)
    rms = float(np.sqrt(np.mean((np.polyval((b, a, e0), s / scale) - values) ** 2)))
    if a >= 0:
        return (0.0, 0.0, rms) if a + b >= 0 else (float("nan"), float("nan"), rms)
    at = -a / (2 * b) if b > 0 else np.inf
    if at > 1:
        return float("nan"), float("nan"), rms
    return float(np.sqrt(at * scale)), float(a * at + b * at**2), rms


def compare(angles: Rows, ladder: Rows) -> list[Row]:
    """Rows of ``tilts.csv``: gap change at the angle of the lowest energy, beside measured gaps.

    Parameters
    ----------
    angles, ladder
        Rows of ``tilt_angles.csv`` and ``ladder.csv``.
    """
    known = {str(r["formula"]): r for r in ladder}
    return list(_compared(angles, known))


def _compared(angles: Rows, known: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    nan = float("nan")
    for name in dict.fromkeys(str(r["name"]) for r in angles):
        own = [r for r in angles if r["name"] == name and r["status"] == Status.OK]
        measured = known.get(name, {})
        row: Row = dict.fromkeys(COLUMNS, nan) | {
            "name": name, "note": "", "own_HSE_SOC_eV": float(measured.get("own_HSE_SOC_eV", nan)),
            "measured_eV": float(measured.get("gap_measured_eV", nan)),
            "measured_phase": str(measured.get("phase", "")),
        }  # fmt: skip
        row["cubic_less_measured_eV"] = row["own_HSE_SOC_eV"] - row["measured_eV"]
        if len(own) < 3:
            yield row | {"note": f"{len(own)} angles are computed, three are needed"}
            continue
        yield row | _at_lowest(own, row)


def _at_lowest(own: Rows, row: Row) -> Row:
    missing = [180 - float(r["angle_deg"]) for r in own]
    at, energy, rms = lowest(missing, [float(r["energy_meV"]) for r in own])
    if not np.isfinite(at):
        return {"fit_rms_meV": rms, "note": "no lowest energy between the angles"}
    change = {
        key: _change(missing, [float(r[f"gap_{key}_eV"]) for r in own], at)
        for key in ("PBE", "PBE_SOC")
    }
    tilted = row["own_HSE_SOC_eV"] + change["PBE_SOC"]
    return {
        "angle_deg": 180 - at,
        "energy_meV": energy,
        "fit_rms_meV": rms,
        "change_PBE_eV": change["PBE"],
        "change_PBE_SOC_eV": change["PBE_SOC"],
        "tilted_HSE_SOC_eV": tilted,
        "tilted_less_measured_eV": tilted - row["measured_eV"],
    }


def _change(missing: Sequence[float], gaps: Sequence[float], at: float) -> float:
    """Gap at a missing angle less that without a tilt, by a parabola in its square."""
    s = np.square(np.asarray(missing, float))
    b, a, _ = np.polyfit(s, np.asarray(gaps, float), 2)
    return float(a * at**2 + b * at**4)
