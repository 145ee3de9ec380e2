"""Table of study `hbn`: one optical transition of one candidate, as it was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from defectra.campaign.ledger import Finished, Result
from defectra.campaign.request import Request
from defectra.core.errors import EngineError
from defectra.core.records import OUTCOME_COLUMNS, Column, Origin, Status, Table
from defectra.engines.gpaw import emitters
from defectra.engines.gpaw import run as gpaw

Row = dict[str, Any]
NAN = float("nan")

RUNS = Table(
    "hbn_runs",
    (
        Column("calculation_id", "string", "", "SHA-256 of the input; none:... if not computed"),
        Column("structure_id", "string", "", "ideal decorated lattice and charge"),
        Column("name", "string", "", "complex, e.g. C_B C_N"),
        Column("defect", "string", "", "members, as the defect factory names them"),
        Column("charge", "int", "e", "of the cell"),
        Column("size", "int", "", "repeats of the primitive cell each way"),
        Column("multiplicity", "int", "", "equivalent placements in the cell"),
        Column("protocol", "string", "", "fidelity"),
        Column("spin", "int", "µB", "of the ground state, kept"),
        Column("lattice", "floats", "Å", "row vectors, 9 numbers"),
        Column("species", "strings", "", "elements"),
        Column("coords", "floats", "fractional", "start, 3 numbers for each atom"),
        Column("coords_ground", "floats", "fractional", "relaxed ground state"),
        Column("coords_excited", "floats", "fractional", "relaxed excited state"),
        Column("ground_eV", "float", "eV", "relaxed ground state"),
        Column("vertical_eV", "float", "eV", "excited state at the geometry of the ground state"),
        Column("excited_eV", "float", "eV", "relaxed excited state"),
        Column("ground_at_excited_eV", "float", "eV", "ground state there"),
        Column(
            "triplet_at_excited_eV", "float", "eV", "triplet there, if a closed shell; else NaN"
        ),
        Column("hybrid_ground_eV", "float", "eV", "hybrid functional on the same orbitals"),
        Column("hybrid_excited_eV", "float", "eV", "hybrid functional on the same orbitals"),
        Column("hybrid_triplet_eV", "float", "eV", "hybrid functional on the same orbitals"),
        Column("excited_spin", "int", "", "in which the electron is moved: 0 up, 1 down"),
        Column("gap_eV", "float", "eV", "between the two orbitals, ground state"),
        Column("other_gap_eV", "float", "eV", "of the other spin"),
        Column("local_from", "float", "", "share of the orbital within 3.5 Å, that is left"),
        Column("local_to", "float", "", "share of the orbital within 3.5 Å, that is filled"),
        Column("dipole_eA", "floats", "e Å", "between the two orbitals, x, y, z"),
        Column("fractional", "float", "", "largest distance of an occupation from 0 and 1"),
        Column("moment_ground", "float", "µB", "found, ground state"),
        Column("moment_excited", "float", "µB", "found, excited state"),
        Column("fmax_ground", "float", "eV/Å", "largest force left"),
        Column("fmax_excited", "float", "eV/Å", "largest force left"),
        Column("relaxed", "bool", "", "both states below the threshold of the protocol"),
        Column("steps", "int", "", "of both relaxations"),
        Column("engine_version", "string", "", "version of the engine"),
        *OUTCOME_COLUMNS,
        Column("parser_version", "string", "", "version of the parser"),
    ),
)
FORCES = Table(
    "hbn_forces",
    (
        Column("calculation_id", "string", "", "SHA-256 of the input"),
        Column("site", "int", "", "atom that is displaced"),
        Column("displacement", "floats", "Å", "x, y, z"),
        Column("protocol", "string", "", "fidelity"),
        Column("lattice", "floats", "Å", "row vectors, 9 numbers"),
        Column("species", "strings", "", "elements"),
        Column("coords", "floats", "fractional", "ideal sites, 3 numbers for each atom"),
        Column("forces", "floats", "eV/Å", "3 numbers for each atom"),
        Column("engine_version", "string", "", "version of the engine"),
        *OUTCOME_COLUMNS,
    ),
)
# What people see of a run.
SHOWN = (
    *("name", "charge", "spin", "size", "status", "message", "gap_eV", "ground_eV", "excited_eV"),
    *("local_from", "local_to", "fmax_excited", "relaxed", "steps", "cpu_s", "max_rss_mb"),
    *("structure_id", "calculation_id"),
)
NOT_COMPUTED = "not_computed"  # error class of a candidate that waits
WAITS = "not computed"  # status that people see of it
_BLANK: Mapping[str, Any] = {"float": NAN, "string": "", "int": 0, "bool": False}


def blank(table: Table) -> Row:
    """Row without content."""
    return {c.name: _BLANK.get(c.type, []) for c in table.columns}


def emitter_result(request: Request, found: Finished) -> Result:
    """Row of a transition; of one that stopped on the way what had been reached."""
    row = _accounted(RUNS, request, found)
    row |= {k: v for k, v in request.about.items() if k in RUNS.names}
    asked = request.input["job"]
    row |= {"lattice": asked["lattice"], "species": asked["species"], "coords": asked["coords"]}
    row |= {"protocol": request.protocol, "parser_version": emitters.PARSER_VERSION}
    try:
        steps = gpaw.parse(found.files)
    except EngineError as error:
        if row["status"] == Status.OK:
            row |= {"status": str(Status.FAILED), "error_class": error.error_class}
            row["message"] = str(error)
        return Result(row)
    return Result(row | _energies(steps) | _orbitals(steps))


def forces_result(request: Request, found: Finished) -> Result:
    """Row of a displaced cell."""
    row = _accounted(FORCES, request, found)
    row |= {k: v for k, v in request.about.items() if k in FORCES.names}
    row |= {"protocol": request.protocol}
    if row["status"] == Status.OK:
        row["forces"] = gpaw.parse(found.files)["forces"]["forces"]
    return Result(row)


def _accounted(table: Table, request: Request, found: Finished) -> Row:
    names = [c.name for c in OUTCOME_COLUMNS if c.name != "origin"]
    known = {k: found.row[k] for k in names} | {"origin": str(Origin.RUN)}
    version = gpaw.version_in(found.files)
    return (
        blank(table)
        | known
        | {
            "calculation_id": request.calculation_id,
            "engine_version": version,
        }
    )


def _energies(steps: Mapping[str, Row]) -> Row:
    ground, excited = steps.get("ground", {}), steps.get("excited", {})
    out: Row = {f"{name}_eV": steps.get(name, {}).get("energy_eV", NAN) for name in emitters.STEPS}
    triplet = steps.get(emitters.TRIPLET, {})
    out["triplet_at_excited_eV"] = triplet.get("energy_eV", NAN)
    for name, step in (("ground", ground), ("excited", excited), ("triplet", triplet)):
        out[f"hybrid_{name}_eV"] = step.get("hybrid_eV", NAN)
    for name, step in (("ground", ground), ("excited", excited)):
        out[f"coords_{name}"] = step.get("coords", [])
        out[f"fmax_{name}"] = step.get("fmax", NAN)
        out[f"moment_{name}"] = step.get("moment", NAN)
    out["relaxed"] = bool(ground.get("relaxed") and excited.get("relaxed"))
    out["steps"] = int(ground.get("steps", 0)) + int(excited.get("steps", 0))
    return out


def _orbitals(steps: Mapping[str, Row]) -> Row:
    ground = steps.get("ground")
    if ground is None:
        return {}
    spin = ground["chosen"]["spin"]
    own, other = ground["spins"][spin], ground["spins"][1 - spin]
    return {
        "excited_spin": spin,
        "gap_eV": own["gap_eV"],
        "other_gap_eV": other["gap_eV"],
        "local_from": own["localisation"][0],
        "local_to": own["localisation"][1],
        "dipole_eA": ground["chosen"]["dipole_eA"],
        "fractional": _fractional([own["occupations"], other["occupations"]]),
    }


def _fractional(occupations: Sequence[Sequence[float]]) -> float:
    return max(min(abs(f), abs(1 - f)) for each in occupations for f in each)


def status_shown(row: Mapping[str, Any]) -> str:
    """Status of a run as people see it: what was not computed has not failed."""
    return WAITS if row["error_class"] == NOT_COMPUTED else str(row["status"])


def shown(row: Mapping[str, Any]) -> Row:
    """A run as people see it."""
    return {k: row[k] for k in SHOWN} | {"status": status_shown(row)}


def waiting(request: Request, message: str) -> Row:
    """Status row of a candidate that was not computed."""
    known = {"status": str(Status.FAILED), "error_class": NOT_COMPUTED, "message": message}
    about = {k: v for k, v in request.about.items() if k in RUNS.names}
    name = f"none:{request.calculation_id[:16]}"
    return blank(RUNS) | about | known | {"calculation_id": name, "protocol": request.protocol}
