"""Tables of what the level engine computed: hosts, charged cells, and the levels made of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from defectra.core.records import Column, Origin, Status, Table

Row = dict[str, Any]

EDGES = ("LDA", "PBE", "PBE+SOC", "HSE06@PBE")
_NAMES = {"LDA": "lda", "PBE": "pbe", "PBE+SOC": "pbe_soc", "HSE06@PBE": "hse"}


def _edge_columns() -> tuple[Column, ...]:
    axis = "eV, zero: mean smooth electrostatic potential"
    return tuple(
        Column(f"{what}_{_NAMES[name]}_eV", "float", axis if what != "gap" else "eV", f"{name}")
        for name in EDGES
        for what in ("vbm", "cbm", "gap")
    )


_ACCOUNTS = (
    Column("engine_version", "string", "", "program and version"),
    Column("status", "string", "", "ok or unconverged"),
    Column("message", "string", "", "what went wrong, for people"),
    Column("wall_s", "float", "s", "wall time"),
    Column("cpu_s", "float", "s", "CPU time"),
    Column("origin", "string", "", "run, parsed or archive"),
)

HOST_RUNS = Table(
    "level_hosts",
    (
        Column("calculation_id", "string", "", "SHA-256 of the request"),
        Column("host", "string", "", "formula, cation first"),
        Column("request", "string", "", "what was asked, canonical JSON"),
        Column("lattice_A", "float", "Å", "cubic lattice constant, PBE, fit of E(V)"),
        Column("bulk_modulus_GPa", "float", "GPa", "of the same fit"),
        Column("energy_eV", "float", "eV", "PBE energy of a formula unit at the fit's minimum"),
        *_edge_columns(),
        Column("gamma_gap_pbe_eV", "float", "eV", "PBE, at the zone centre"),
        Column("gamma_gap_hse_eV", "float", "eV", "HSE06 on PBE orbitals, at the zone centre"),
        Column("spin_orbit_eV", "float", "eV", "splitting of the valence-band maximum"),
        Column("epsilon_electronic", "float", "", "RPA on PBE with local fields"),
        Column("epsilon_no_local_fields", "float", "", "the same without local fields"),
        *_ACCOUNTS,
    ),
)

CELL_RUNS = Table(
    "level_cells",
    (
        Column("calculation_id", "string", "", "SHA-256 of the request, or of a parsed folder"),
        Column("structure_id", "string", "", "decorated ideal lattice with its charge"),
        Column("request", "string", "", "what was asked, canonical JSON"),
        Column("charge", "int", "e", "of the cell"),
        Column("functional", "string", "", "PBE, LDA, ...; HSE06@PBE: on PBE orbitals"),
        Column("cutoff_eV", "float", "eV", "plane waves"),
        Column("kpoints", "string", "", "mesh, e.g. 2 2 2"),
        Column("lattice", "floats", "Å", "row vectors, 9 numbers"),
        Column("species", "strings", "", "element of each site"),
        Column("coords", "floats", "fractional", "3 numbers for each site"),
        Column("energy_eV", "float", "eV", "total energy; NaN if there is none"),
        Column(
            "fermi_eV",
            "float",
            "eV",
            "Fermi level of the cell; of a hybrid that of its PBE orbitals",
        ),
        Column("electrons", "float", "", "valence electrons"),
        Column("potentials_V", "floats", "V", "at the atoms, on a positive unit charge"),
        Column("planes_V", "floats", "V", "the same averaged over planes, each axis; may be empty"),
        Column("moment_muB", "float", "µB", "total magnetic moment; NaN if not known"),
        Column(
            "state_eV",
            "floats",
            "eV",
            "states near the Fermi level: within 3 eV; of a hybrid its own "
            "energies of the bands that it was asked for",
        ),
        Column("state_filling", "floats", "", "their occupation, 0 to 1"),
        Column("state_weight", "floats", "", "electrons that each holds when full"),
        *_ACCOUNTS,
    ),
)

COMPUTED_LEVELS = Table(
    "live_levels",
    (
        Column("host", "string", "", "formula"),
        Column("site", "string", "", "M_A, M_B, M_i_A, M_i_B, M_i_neut"),
        Column("impurity", "string", "", "element"),
        Column("atoms", "int", "", "of the host in the cell"),
        Column("q_from", "int", "e", "charge before the electron comes"),
        Column("q_to", "int", "e", "charge after it"),
        Column("level_eV", "float", "eV above VBM", "corrected, or bare where marked"),
        Column("bare_eV", "float", "eV above VBM", "potential aligned, no image-charge correction"),
        Column("corrected_eV", "float", "eV above VBM", "eFNV on both charges"),
        Column("freysoldt_eV", "float", "eV above VBM", "Freysoldt on both; NaN without planes"),
        Column("aligned_eV", "float", "eV above VBM", "level on the HSE06 edges (plain alignment)"),
        Column("mba_eV", "float", "eV above VBM", "modified band alignment, with the HSE06 gap"),
        Column("gap_eV", "float", "eV", "of the host, same functional and cell"),
        Column("place", "string", "", "where the level lies"),
        Column("mark", "string", "", "localised, shallow, no plateau, not corrected"),
        Column("electrons_in_cb", "float", "e", "of the lower charge"),
        Column("holes_in_vb", "float", "e", "of the higher charge"),
        Column("plateau_V", "float", "V", "scatter of the potential far from the defect"),
        Column("epsilon", "float", "", "dielectric constant of the correction"),
        Column("protocol", "string", "", "of gpaw_levels; parsed: made elsewhere"),
        Column("fidelity", "string", "", "functional, cell and mesh"),
        Column("status", "string", "", "ok, unconverged or failed"),
        Column("message", "string", "", "what is to be known, for people"),
        Column("published_eV", "float", "eV above VBM", "published PBE level, NaN if none"),
    ),
)


def host_row(record: Mapping[str, Any]) -> Row:
    """Row of :data:`HOST_RUNS` from a journal record of kind ``host``."""
    request, eos = record["request"], record["eos"]
    row: Row = {
        "calculation_id": record["id"],
        "host": "".join(dict.fromkeys(request["species"])),
        "request": canonical(request),
        "lattice_A": record["lattice_A"],
        "bulk_modulus_GPa": eos["bulk_modulus_GPa"],
        "energy_eV": eos["energy_eV"],
        "gamma_gap_pbe_eV": record["PBE"]["gamma_gap_eV"],
        "gamma_gap_hse_eV": record["HSE06@PBE"]["gamma_gap_eV"],
        "spin_orbit_eV": record["PBE+SOC"]["splitting_eV"],
        "epsilon_electronic": record["epsilon_rpa"]["with_local_fields"],
        "epsilon_no_local_fields": record["epsilon_rpa"]["without_local_fields"],
        **_accounts(record),
    }
    for name in EDGES:
        for what in ("vbm", "cbm", "gap"):
            row[f"{what}_{_NAMES[name]}_eV"] = record[name][f"{what}_eV"]
    return row


def cell_row(record: Mapping[str, Any]) -> Row:
    """Row of :data:`CELL_RUNS` from a journal record of kind ``run``."""
    request, nan = record["request"], float("nan")
    states = record.get("states", {})
    energy = record.get("energy_eV")
    return {
        "calculation_id": record["id"],
        "structure_id": request["structure_id"],
        "request": canonical(request),
        "charge": request["charge"],
        "functional": method(request),
        "cutoff_eV": float(request["cutoff_eV"]),
        "kpoints": " ".join(map(str, request["kpoints"])),
        "lattice": request["lattice"],
        "species": request["species"],
        "coords": record.get("relaxed_coords", request["coords"]),
        "energy_eV": nan if energy is None else energy,
        "fermi_eV": record.get("fermi_eV", nan),
        "electrons": record.get("n_electrons", nan),
        "potentials_V": record.get("potentials_V", []),
        "planes_V": record.get("planes_V", []),
        "moment_muB": record.get("moment_muB", nan),
        "state_eV": states.get("energy_eV", []),
        "state_filling": states.get("occupation", []),
        "state_weight": states.get("weight", []),
        **_accounts(record),
        **_unsettled(record),
    }


def method(request: Mapping[str, Any]) -> str:
    """Functional of the energies of a request, as :attr:`GpawLevelsProtocol.method` names it."""
    local, hybrid = str(request["functional"]), request.get("hybrid", "")
    return f"{hybrid}@{local}" if hybrid else local


def _unsettled(record: Mapping[str, Any]) -> Row:
    """Status of a cell whose relaxation was asked for and did not end."""
    if record["status"] != Status.OK or record.get("relaxed", True):
        return {}
    text = f"forces above the limit after {record['steps']} steps"
    return {"status": str(Status.UNCONVERGED), "message": text}


def sizes_of(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows of every corrected level that is there in three cells or more, the size rising.

    Cells of one protocol are compared with each other alone.
    """
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if math.isfinite(row["corrected_eV"]):
            names = ("host", "site", "impurity", "q_from", "q_to", "protocol")
            found.setdefault(tuple(row[k] for k in names), []).append(dict(row))
    return {
        k: sorted(v, key=lambda r: r["atoms"])
        for k, v in found.items()
        if len({r["atoms"] for r in v}) > 2
    }


def canonical(request: Mapping[str, Any]) -> str:
    """Request without its id, as the text that the id is the hash of."""
    kept = {k: v for k, v in request.items() if k != "id"}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def _accounts(record: Mapping[str, Any]) -> Row:
    return {
        "engine_version": record["version"],
        "status": record["status"],
        "message": record["message"],
        "wall_s": record["wall_s"],
        "cpu_s": record["cpu_s"],
        "origin": str(Origin.RUN),
    }
