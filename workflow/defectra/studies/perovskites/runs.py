"""Calculations of pure ABX3: which, with what input, and what is read from their results.

Each compound takes two: an equation of state (cubic cell of five atoms, energies at a few lattice
constants), then band edges at its minimum: PBE (functional of Perdew-Burke-Ernzerhof), spin-orbit
coupling added, HSE06 (hybrid of Heyd-Scuseria-Ernzerhof) on PBE orbitals, and both.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from defectra.campaign.engine import Outcome
from defectra.core.errors import EngineError
from defectra.core.records import Origin, Status
from defectra.core.seeds import seeded
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.structures.prototypes import prototype
from defectra.studies.perovskites import eos
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, EIGHTHS, X_IONS, Compound
from defectra.studies.perovskites.elements import MOLECULES, radii
from defectra.studies.perovskites.outcomes import finished
from defectra.studies.perovskites.tables import RUNS

Row = dict[str, Any]

PEROVSKITE, ROCKSALT = "perovskite", "rocksalt"
# Primitive cells in the cube that the lattice constant is the edge of.
UNITS_IN_CUBE = {PEROVSKITE: 1, ROCKSALT: 4}
SCALES = (0.95, 0.975, 1.0, 1.025, 1.05)
EXTRA = 4
# Where the scan begins: halves of cells touch a little, and the lone pair of Ge2+ takes more room
# than its Shannon radius. Only a start: the scan moves on while the energy falls.
_CONTACT, _START_RADII = 0.955, {"Ge": 0.98, "Sn": 1.14}
# Label, step of the result, and what its keys begin with.
_EDGES = {
    "PBE": ("edges", ""),
    "PBE_SOC": ("spin_orbit", ""),
    "HSE": ("hybrid_HSE06_density", ""),
    "HSE_SOC": ("hybrid_HSE06_density", "spin_orbit_"),
    "HSE_coarse": ("hybrid_HSE06_bands", ""),
}
_HYBRID = {"do": "hybrid", "xc": "HSE06", "below": 3, "empty": 5}
BANDS = (
    {"do": "energy"},
    {"do": "edges"},
    {"do": "spin_orbit"},
    {**_HYBRID, "over": "density", "spin_orbit": True},
    {**_HYBRID, "over": "bands"},
)


def pure(seed: int) -> list[Compound]:
    """The 90 pure compounds in a seeded order, the 54 inorganic ones first, CsPbI3 at the head.

    What is there at any time is a fair sample; CsPbI3 is the one that most is known of.
    """
    found = [pure_of(a, b, x) for a, b, x in product(A_IONS, B_IONS, X_IONS)]
    order = seeded(str(seed), "perovskite runs").permutation(len(found))
    return sorted((found[k] for k in order), key=lambda c: (is_hybrid(c), c.name != "CsPbI_3"))


def pure_of(a: str, b: str, x: str) -> Compound:
    """Compound of one ion on each site."""
    return Compound(_whole(A_IONS, a), _whole(B_IONS, b), _whole(X_IONS, x))


def is_hybrid(compound: Compound) -> bool:
    """Whether a molecule sits on the A site."""
    return ions(compound)[0] in MOLECULES


def ions(compound: Compound) -> tuple[str, str, str]:
    """The ions of a pure compound."""
    sites = ((A_IONS, compound.a), (B_IONS, compound.b), (X_IONS, compound.x))
    a, b, x = (names[counts.index(EIGHTHS)] for names, counts in sites)
    return a, b, x


def cell(compound: Compound, lattice: float) -> gpaw.Cell:
    """Cubic cell of five atoms, lattice constant in Å."""
    a, b, x = ions(compound)
    crystal = prototype("perovskite", a=lattice, site_a=a, site_b=b, anion=x)
    return gpaw.Cell.of(crystal.lattice, crystal.species, crystal.coords)


def start(compound: Compound) -> float:
    """Lattice constant that the scan begins from, Å."""
    known = {**radii(), **_START_RADII}
    _, b, x = ions(compound)
    return round(2 * _CONTACT * (known[b] + known[x]), 3)


def scan_job(compound: Compound, protocol: GpawProtocol) -> gpaw.Job:
    """Job of the equation of state."""
    step = {"do": "equation_of_state", "scales": list(SCALES), "extra": EXTRA}
    return gpaw.job(cell(compound, start(compound)), protocol, [step])


def alkali_halides() -> list[tuple[str, str]]:
    """Cation and anion of the reference phases AX."""
    return [(a, x) for x in X_IONS for a in A_IONS if a not in MOLECULES]


def halide_job(cation: str, anion: str, protocol: GpawProtocol) -> gpaw.Job:
    """Job of the equation of state of AX in rock salt."""
    from pymatgen.core import Species

    radius = sum(
        float(Species(ion, charge).get_shannon_radius("VI", radius_type="ionic"))
        for ion, charge in ((cation, 1), (anion, -1))
    )
    crystal = prototype(ROCKSALT, a=round(2 * radius, 3), cation=cation, anion=anion)
    where = gpaw.Cell.of(crystal.lattice, crystal.species, crystal.coords)
    step = {"do": "equation_of_state", "scales": list(SCALES), "extra": EXTRA}
    return gpaw.job(where, protocol, [step])


def bands_job(compound: Compound, lattice: float, protocol: GpawProtocol) -> gpaw.Job:
    """Job of the band edges at a lattice constant, Å."""
    return gpaw.job(cell(compound, round(lattice, 4)), protocol, BANDS)


def row_of(
    name: str, kind: str, protocol: str, lattice: float, out: Outcome, phase: str = PEROVSKITE
) -> Row:
    """Row of a finished calculation; what its result says no minimum or no gap of is ``failed``.

    Parameters
    ----------
    lattice
        Constant that the bands were taken at, or that the scan began from, Å.
    """
    row = _empty(name, kind, protocol) | {
        "phase": phase,
        "lattice": lattice if kind == "bands" else float("nan"),
    }

    def read(steps: Mapping[str, Any]) -> Row:
        return _scan(steps, UNITS_IN_CUBE[phase]) if kind == "equation_of_state" else _bands(steps)

    return finished(row, out, read, unconverged=True)


def waiting(name: str, message: str) -> Row:
    """Status row of a compound that was not computed."""
    row = _empty(name, "equation_of_state", "")
    failed = {"status": str(Status.FAILED), "error_class": "not_computed", "message": message}
    return row | failed | {"calculation_id": f"none:{name}", "attempt": 0}


def _empty(name: str, kind: str, protocol: str) -> Row:
    blank = {"float": float("nan"), "string": "", "int": 0, "floats": []}
    row: Row = {c.name: blank[c.type] for c in RUNS.columns}
    return row | {
        "name": name,
        "phase": PEROVSKITE,
        "kind": kind,
        "protocol": protocol,
        "volumes": [],
        "energies": [],
        "vbm_point": [],
        "cbm_point": [],
        "origin": str(Origin.RUN),
        "parser_version": gpaw.PARSER_VERSION,
    }


def _scan(steps: Mapping[str, Row], units: int) -> Row:
    if "equation_of_state" not in steps:
        raise EngineError("no_output", "GPAW: no equation of state in the result")
    found = steps["equation_of_state"]
    order = np.argsort(found["volumes"])
    volumes, energies = (np.array(found[k])[order].tolist() for k in ("volumes", "energies_eV"))
    at = eos.fit(volumes, energies)
    return {
        "lattice": at.cubic_constant * units ** (1 / 3),
        "energy": at.energy,
        "bulk_modulus": at.bulk_modulus,
        "residual": at.residual,
        "volumes": volumes,
        "energies": energies,
    }


def _bands(steps: Mapping[str, Row]) -> Row:
    missing = sorted({step for step, _ in _EDGES.values()} - set(steps))
    if missing:
        raise EngineError("no_output", f"GPAW: no {', '.join(missing)} in the result")
    row: Row = {
        f"{name}_{label}": steps[step][f"{prefix}{name}_eV"]
        for label, (step, prefix) in _EDGES.items()
        for name in ("gap", "direct_gap", "vbm", "cbm")
    }
    points = {key: steps["edges"][key] for key in ("vbm_point", "cbm_point")}
    return row | points | {"energy": steps["energy"]["energy_eV"]}


def _whole(names: tuple[str, ...], ion: str) -> tuple[int, ...]:
    return tuple(EIGHTHS if name == ion else 0 for name in names)
