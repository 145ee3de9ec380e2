"""Calculations beside the pure ABX3: reference phases, mixed B sites, vacancies; table and rows.

One row is one job: sites relaxed in a given cell, an equation of state, or a supercell at one
charge. The cubic AX stand in the table of runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from defectra.campaign.engine import Outcome
from defectra.core.errors import EngineError
from defectra.core.records import OUTCOME_COLUMNS, Column, Origin, Status, Table
from defectra.engines.gpaw import run as gpaw
from defectra.studies.perovskites import eos
from defectra.studies.perovskites.outcomes import finished

Row = dict[str, Any]
SITES, SCAN, CELL = "sites", "equation_of_state", "supercell"
CELLS = Table(
    "perovskite_cells",
    (
        Column("calculation_id", "string", "", "SHA-256 of the canonical engine input"),
        Column("name", "string", "", "formula of the phase; compound, and its vacancy"),
        Column("phase", "string", "", "structure type, ordering, or vacancy"),
        Column("kind", "string", "", "sites, equation_of_state or supercell"),
        Column("engine_version", "string", "", "version of the engine"),
        Column("protocol", "string", "", "fidelity"),
        Column("charge", "int", "e", "charge of the cell"),
        Column("mesh", "ints", "", "k-points of the density"),
        Column("lattice", "floats", "Å", "row vectors of the cell that was asked for"),
        Column("species", "strings", "", "element of each site"),
        Column("coords", "floats", "fractional", "3 numbers for each site, relaxed if they were"),
        Column("energy", "float", "eV", "of the cell; of a scan the minimum of its fit"),
        Column("fmax", "float", "eV/Å", "largest force that is left; NaN: not relaxed"),
        Column("bulk_modulus", "float", "GPa", "of the fit"),
        Column("residual", "float", "eV", "root mean square of energies less the fit"),
        Column("volumes", "floats", "Å³", "volumes of the equation of state"),
        Column("energies", "floats", "eV", "their energies"),
        Column("potentials", "floats", "eV", "electrostatic potential at each atom, if asked for"),
        Column("gap_PBE", "float", "eV", "PBE gap on the mesh of the bands; NaN: not asked for"),
        Column("vbm_PBE", "float", "eV", "highest valence state on that mesh; NaN: not asked for"),
        *OUTCOME_COLUMNS,
        Column("parser_version", "string", "", "version of the parser"),
    ),
)
COLUMNS = [
    *("name", "phase", "kind", "charge", "energy", "gap_PBE", "fmax", "bulk_modulus", "status"),
    *("error_class", "message", "cpu_s", "max_rss_mb", "engine_version", "origin"),
    "calculation_id",
]


@dataclass(frozen=True)
class Task:
    """One job and what it is called."""

    name: str
    phase: str
    kind: str
    job: gpaw.Job

    @property
    def key(self) -> str:
        """Identity of the calculation."""
        return gpaw.calculation_id(self.job)


def row_of(task: Task, protocol: str, out: Outcome) -> Row:
    """Row of a finished job; a scan without a minimum is ``failed``."""

    def read(steps: Mapping[str, Any]) -> Row:
        for asked in task.job["steps"]:
            _step(steps, str(asked["do"]))  # each that was asked for is there
        return _READERS[task.kind](steps)

    return finished(_empty(task, protocol), out, read)


def waiting(task: Task, message: str) -> Row:
    """Status row of a job that was not done."""
    failed = {"status": str(Status.FAILED), "error_class": "not_computed", "message": message}
    return _empty(task, "") | failed | {"calculation_id": f"none:{task.key[:16]}"}


def _empty(task: Task, protocol: str) -> Row:
    blank: Row = {"float": float("nan"), "string": "", "int": 0}
    row: Row = {c.name: blank.get(c.type, []) for c in CELLS.columns}
    job = task.job
    return row | {
        "name": task.name,
        "phase": task.phase,
        "kind": task.kind,
        "protocol": protocol,
        "charge": round(job["charge"]),
        "mesh": job["mesh"],
        "lattice": job["lattice"],
        "species": job["species"],
        "coords": job["coords"],
        "origin": str(Origin.RUN),
        "parser_version": gpaw.PARSER_VERSION,
    }


def _step(steps: Mapping[str, Row], name: str) -> Row:
    if name not in steps:
        raise EngineError("no_output", f"GPAW: no {name} in the result")
    return steps[name]


def _relaxed(steps: Mapping[str, Row]) -> Row:
    found = _step(steps, "relax")
    return {"coords": found["coords"], "energy": found["energy_eV"], "fmax": found["fmax"]}


def _scanned(steps: Mapping[str, Row]) -> Row:
    found = _step(steps, "equation_of_state")
    order = np.argsort(found["volumes"])
    volumes, energies = (np.array(found[k])[order].tolist() for k in ("volumes", "energies_eV"))
    at = eos.fit(volumes, energies)
    fitted = {"energy": at.energy, "bulk_modulus": at.bulk_modulus, "residual": at.residual}
    return fitted | {"volumes": volumes, "energies": energies}


def _charged(steps: Mapping[str, Row]) -> Row:
    energy = _step(steps, "energy")["energy_eV"]
    edges = steps.get("edges", {})
    gap, top = (edges.get(name, float("nan")) for name in ("gap_eV", "vbm_eV"))
    potentials = steps.get("potentials", {}).get("atoms_eV", [])
    return {"energy": energy, "potentials": potentials, "gap_PBE": gap, "vbm_PBE": top}


_READERS = {SITES: _relaxed, SCAN: _scanned, CELL: _charged}
