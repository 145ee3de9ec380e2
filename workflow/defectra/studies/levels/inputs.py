"""What the level engine is asked: hosts and charged cells of zinc-blende hosts, as plain JSON.

A request is the whole input of a calculation, so that its hash is the identity. Lattice constants
come from the host's own run; sites are those of the prototype (structures/prototypes.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.errors import TableError
from defectra.engines.gpaw.settings import GpawLevelsProtocol
from defectra.structures import defects
from defectra.structures.elements import element, sublattices
from defectra.structures.identity import Decorated, atoms_of, pristine, structure_id, with_charge
from defectra.structures.prototypes import zincblende
from defectra.structures.supercells import Supercell
from defectra.studies.levels.csv_lines import read_named
from defectra.studies.levels.published import SITES

Json = dict[str, Any]

SET_COLUMNS = ["host", "site", "impurity", "charges", "atoms", "protocol"]
DEFAULT_PROTOCOL = "fast"
SMALLEST = 16  # atoms; below, the defect overlaps its images
SUBLATTICES = {"M_i_A": "i_A", "M_i_B": "i_B", "M_i_neut": "i_oct"}
HARD = frozenset("B C N O F".split())  # 2p shells: they need the higher cut-off
CHARGE_LIMIT = 3
VANADIUM = "V"
COPPER_GROUP = 11
PBE_EXPANSION = 1.01  # of the lattice over experiment, where the fit of E(V) starts
# Supercells by number of atoms of the host: 8, 64 and 216 are cubes.
_CUBE = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
CELLS = {
    **{2 * n**3: n * np.eye(3, dtype=int) for n in (1, 2, 3, 4)},
    **{8 * n**3: n * _CUBE for n in (1, 2, 3)},
    16: 2 * np.eye(3, dtype=int),
}


@dataclass(frozen=True)
class DefectSet:
    """One impurity on one site of a host with its charges; `atoms` of the host's supercell.

    `protocol` names one of `gpaw_levels`.
    """

    host: str
    site: str
    impurity: str
    charges: tuple[int, ...]
    atoms: int
    protocol: str = DEFAULT_PROTOCOL

    @property
    def name(self) -> str:
        """``CdTe M_A Cu 16 fast``."""
        return f"{self.host} {self.site} {self.impurity} {self.atoms} {self.protocol}"


def read_sets(path: str | Path) -> list[DefectSet]:
    """Sets of a csv with the columns of :data:`SET_COLUMNS`; empty charges are guessed.

    Raises
    ------
    TableError
        Naming line and column.
    """
    found = []
    heads, lines = read_named(path)
    if heads != SET_COLUMNS:
        raise TableError(f"{path}: columns {heads}, expected {SET_COLUMNS}")
    for number, row in lines:
        found.append(_entry(row, f"{path}: line {number}"))
    names = [s.name for s in found]
    double = sorted({n for n in names if names.count(n) > 1})
    if double:
        raise TableError(f"{path}: {double[0]} occurs twice")
    return found


def by_protocol(sets: Sequence[DefectSet]) -> dict[str, list[DefectSet]]:
    """Sets of each protocol, in their order."""
    out: dict[str, list[DefectSet]] = {}
    for chosen in sets:
        out.setdefault(chosen.protocol, []).append(chosen)
    return out


def protocol_of(
    chosen: DefectSet, protocols: Mapping[str, GpawLevelsProtocol]
) -> GpawLevelsProtocol:
    """Protocol of a set.

    Raises
    ------
    TableError
        If there is none of that name.
    """
    if chosen.protocol not in protocols:
        allowed = ", ".join(protocols)
        raise TableError(f"{chosen.name}: no protocol {chosen.protocol!r}; allowed: {allowed}")
    return protocols[chosen.protocol]


def _entry(row: Mapping[str, str], where: str) -> DefectSet:
    try:
        atoms = int(row["atoms"])
        charges = tuple(sorted((int(q) for q in row["charges"].split()), reverse=True))
    except (ValueError, AttributeError):
        raise TableError(f"{where}: charges (e.g. `1 0 -1`) and atoms must be integers") from None
    host, site, impurity = row["host"], row["site"], row["impurity"]
    sublattices(host)
    element(impurity)
    if site not in SITES:
        raise TableError(f"{where}: site {site!r}; allowed: {', '.join(SITES)}")
    if atoms not in CELLS:
        raise TableError(f"{where}: {atoms} atoms; allowed: {sorted(CELLS)}")
    if any(abs(q) > CHARGE_LIMIT for q in charges) or len(set(charges)) < len(charges):
        raise TableError(f"{where}: charges {row['charges']!r}: each once, -3 to 3")
    charges = charges or guess(host, site, impurity)
    return DefectSet(host, site, impurity, charges, atoms, row["protocol"] or DEFAULT_PROTOCOL)


def guess(host: str, site: str, impurity: str) -> tuple[int, ...]:
    """Charges worth computing, falling: from the common oxidation states of the impurity.

    On a lattice site the formal charge of what it replaces is taken off; neutral is always among
    them, and what lies between. Nothing beyond -3 and 3.
    """
    from pymatgen.core import Element

    first, second = (element(s)["valence"] for s in sublattices(host))
    formal = {"M_A": first, "M_B": second - 8}.get(site, 0)
    states = Element(impurity).common_oxidation_states or Element(impurity).oxidation_states
    shifted = [int(s - formal) for s in states] + [0]
    high, low = min(max(shifted), CHARGE_LIMIT), max(min(shifted), -CHARGE_LIMIT)
    if high == low:
        high, low = 1, -1
    return tuple(range(high, low - 1, -1))


def supercell(host: str, lattice: float, atoms: int) -> Decorated:
    """Ideal supercell of a zinc-blende (or diamond) host; `lattice` is the cube's edge in Å."""
    first, second = sublattices(host)
    return pristine(Supercell(zincblende(lattice, first, second), CELLS[atoms]))


def insert_impurity(cell: Decorated, site: str, impurity: str) -> Decorated:
    """The impurity on a site of the cell; neutral."""
    crystal = cell.supercell.crystal
    on = SUBLATTICES.get(site) or crystal.species["AB".index(site[-1])]
    element = defects.VANADIUM if impurity == VANADIUM else impurity
    return defects.point_defects(cell, defects.parse(f"{element}_{on}", cell))[0]


def centre(defect: Decorated) -> list[float]:
    """Fractional position of the defect."""
    return [float(v) for v in defect.supercell.coords[defect.touched[0]]]


def cutoff(protocol: GpawLevelsProtocol, species: set[str]) -> float:
    """Cut-off in eV for a set of elements: all cells of a set must share it."""
    return protocol.hard_cutoff if species & HARD else protocol.cutoff


def host_request(host: str, start: float, protocol: GpawLevelsProtocol) -> Json:
    """Request of a host's own properties, starting at a lattice constant in Å."""
    hard = bool(set(sublattices(host)) & HARD)
    cell = supercell(host, start, 2)
    found: Json = {
        "kind": "host",
        **_cell(cell),
        "start_A": round(start, 4),
        "strains": [0.98, 0.993, 1.007, 1.02],
        "cutoff_eV": protocol.host_hard_cutoff if hard else protocol.host_cutoff,
        "kpoints": [protocol.host_kpoints] * 3,
        "response_cutoff_eV": protocol.response_cutoff,
        **_electrons(protocol),
        "density_tolerance": protocol.host_density_tolerance,
        "state_tolerance_eV2": protocol.host_state_tolerance,
    }
    return _identified(found)


def run_request(
    defect: Decorated, charge: int, protocol: GpawLevelsProtocol, species: set[str]
) -> Json:
    """Request of one cell at one charge.

    Parameters
    ----------
    species
        Elements of the whole set, host and impurity: they settle the cut-off, for the bulk too.
    """
    from ase.data import atomic_numbers

    mesh = mesh_of(len(atoms_of(defect.parent or defect)), protocol)
    impurities = species - set(defect.supercell.crystal.species)
    cell = _cell(defect)
    magnetic = protocol.spin and any(_magnetic(s) for s in impurities if defect.defects)
    electrons = sum(atomic_numbers[s] for s in cell["species"]) - charge
    odd = protocol.odd_spin and electrons % 2 == 1 and not magnetic
    found = _run(cell, structure_id(with_charge(defect, charge)), mesh, protocol, species)
    found["charge"] = charge
    if magnetic or odd:
        guess = 3.0 if magnetic else 1.0
        found["moments"] = [guess if s in impurities else 0.0 for s in cell["species"]]
    if odd:
        found["fixed_moment"] = True
    if protocol.fmax:
        found |= {"fmax": protocol.fmax, "steps": protocol.steps}
    return _identified(found)


def _magnetic(symbol: str) -> bool:
    """Open d shell; those of copper, silver and gold are full in every charge of interest."""
    found = element(symbol)
    return bool(found["open_d"]) and found["valence"] != COPPER_GROUP


def bulk_request(
    host: str, lattice: float, atoms: int, protocol: GpawLevelsProtocol, species: set[str]
) -> Json:
    """Request of the host without a defect that belongs to cells of `atoms`.

    A cell of a few atoms with the mesh that makes it equal to the supercell with its own mesh: the
    same crystal at a fraction of the cost. Energies are of that small cell.
    """
    repeats, size = repeats_of(atoms)
    small = supercell(host, lattice, size)
    mesh = repeats * mesh_of(atoms, protocol)
    return _identified(_run(_cell(small), structure_id(small), mesh, protocol, species))


def mesh_of(atoms: int, protocol: GpawLevelsProtocol) -> int:
    """Mesh each way of a cell of `atoms`: the protocol's at 16 atoms, as dense elsewhere."""
    return max(1, round(protocol.kpoints * (16 / atoms) ** (1 / 3)))


def repeats_of(atoms: int) -> tuple[int, int]:
    """How often, each way, the smallest cell of that shape stands in it; atoms of the smallest."""
    size = 2 if round((atoms / 2) ** (1 / 3)) ** 3 * 2 == atoms else 8
    return round((atoms / size) ** (1 / 3)), size


def _run(cell: Json, name: str, mesh: int, protocol: GpawLevelsProtocol, species: set[str]) -> Json:
    found: Json = {
        "kind": "run",
        "structure_id": name,
        **cell,
        "charge": 0,
        "functional": protocol.functional,
        "cutoff_eV": cutoff(protocol, species),
        "kpoints": [mesh] * 3,
        **_electrons(protocol),
    }
    if protocol.hybrid:
        found["hybrid"] = protocol.hybrid
    if set(protocol.hubbard_u) & set(cell["species"]):
        u = sorted((e, v) for e, v in protocol.hubbard_u.items() if e in cell["species"])
        found["setups"] = {e: f":d,{v:g}" for e, v in u}
    return found


def _cell(cell: Decorated) -> Json:
    kept = atoms_of(cell)
    return {
        "lattice": [round(float(v), 6) for v in cell.supercell.lattice.ravel()],
        "species": [cell.species[i] for i in kept],
        "coords": [round(float(v), 6) for v in cell.supercell.coords[kept].ravel()],
    }


def _electrons(protocol: GpawLevelsProtocol) -> Json:
    return {
        "width_eV": protocol.width,
        "density_tolerance": protocol.density_tolerance,
        "state_tolerance_eV2": protocol.state_tolerance,
        "iterations": protocol.iterations,
    }


def _identified(request: Json) -> Json:
    text = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return {"id": hashlib.sha256(text.encode()).hexdigest(), **request}


PHASE_COLUMNS = ["phase", "lattice", "species", "coords", "kpoints", "source"]


def phase_requests(
    path: str | Path, protocol: GpawLevelsProtocol, species: set[str]
) -> dict[str, Json]:
    """Requests of elements and competing phases by name, at the cut-off of a set of `species`.

    Raises
    ------
    TableError
        If numbers and species do not fit.
    """
    out = {}
    heads, lines = read_named(path)
    if heads != PHASE_COLUMNS:
        raise TableError(f"{path}: columns {heads}, expected {PHASE_COLUMNS}")
    for line, row in lines:
        cell: Json = {"species": row["species"].split()}
        try:
            cell |= {k: [float(v) for v in row[k].split()] for k in ("lattice", "coords")}
            mesh = [int(k) for k in row["kpoints"].split()]
        except ValueError:
            raise TableError(f"{path}: line {line}: a number is none") from None
        sizes = (len(cell["lattice"]), len(cell["coords"]), len(mesh))
        if sizes != (9, 3 * len(cell["species"]), 3):
            raise TableError(f"{path}: line {line}: numbers and species do not fit")
        found = _run(cell, f"phase {row['phase']}", 1, protocol, species)
        out[row["phase"]] = _identified({**found, "kpoints": mesh})
    return out


def host_requests(
    hosts: Sequence[str], properties: Mapping[str, Mapping[str, float]], p: GpawLevelsProtocol
) -> dict[str, Json]:
    """Request of each host's own run, by host."""
    return {h: host_request(h, PBE_EXPANSION * properties[h]["lattice"], p) for h in hosts}


def set_requests(chosen: DefectSet, lattice: float, p: GpawLevelsProtocol) -> list[Json]:
    """Requests of a set: the bulk cell first, then each charge, the charge falling."""
    bulk = supercell(chosen.host, round(lattice, 4), chosen.atoms)
    defect = insert_impurity(bulk, chosen.site, chosen.impurity)
    species = {*bulk.supercell.crystal.species, chosen.impurity} - {"X"}
    charged = [run_request(defect, q, p, species) for q in chosen.charges]
    return [bulk_request(chosen.host, round(lattice, 4), chosen.atoms, p, species), *charged]


def set_phases(
    chosen: DefectSet, path: Path | None, protocol: GpawLevelsProtocol
) -> dict[str, Json]:
    """Requests of the phases of a csv, with the settings of a set; none without a path."""
    species = {*sublattices(chosen.host), chosen.impurity}
    return phase_requests(path, protocol, species) if path else {}
