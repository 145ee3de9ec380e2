"""Mixed B sites and charged vacancies: 2 x 2 x 2 supercells of the structure factory, as jobs.

The mesh of a supercell, 2 x 2 x 2 between the lattice points, is the 4 x 4 x 4 of the pure
compounds folded, so that energies of both can be subtracted. Sites are ideal, not relaxed. The
ordering in layers is taken in its smallest cell, 1 x 1 x 2, whose mesh folds as well. The gap of an
ordering in the supercell is taken at the zone centre, where the R point of the cubic cell lies: an
upper bound, since an ordering may have an edge elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.structures import defects
from defectra.structures.colourings import orderings
from defectra.structures.identity import Decorated, atoms_of, pristine
from defectra.structures.prototypes import prototype
from defectra.structures.supercells import Supercell
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.cells import CELL, Task
from defectra.studies.perovskites.compounds import Compound

MESH = (2, 2, 2)
UNITS = 8  # formula units of a supercell
# Site and charge, the closed shells first: a shallow acceptor and a shallow donor.
CHARGES = (("A", -1), ("X", 1), ("A", 0), ("X", 0))
LAYERS, LAYERS_MESH = (1, 1, 2), (4, 4, 2)
HOST_EDGES = "host, band edges"  # name of a task
# Hosts of vacancies, and pairs of B that share the site half and half, as A, B, B', X; the first
# that are worth it: the machine decides how far it gets.
HOSTS = (("Cs", "Sn", "Br"), ("Cs", "Pb", "I"))
MIXED = (("Cs", "Sn", "Pb", "I"), ("Cs", "Ge", "Sn", "Br"))


def host_task(ions: tuple[str, str, str], lattice: float, protocol: GpawProtocol) -> Task:
    """The host without a vacancy: a cell of five atoms with the mesh that makes it equal."""
    a, b, x = ions
    name = runs.pure_of(a, b, x).name
    cell = runs.cell(runs.pure_of(a, b, x), round(lattice, 4))
    steps = [{"do": "energy"}, {"do": "potentials"}]
    return Task(name, "host", CELL, gpaw.job(cell, protocol, steps))


def edges_task(ions: tuple[str, str, str], lattice: float, protocol: GpawProtocol) -> Task:
    """Band edges of the host at the k-points of its density, where holes of vacancies sit.

    The mesh lies between the lattice points and holds neither band edge.
    """
    compound = runs.pure_of(*ions)
    settings = protocol.model_copy(update={"band_mesh": []})
    steps = [{"do": "energy"}, {"do": "edges"}]
    job = gpaw.job(runs.cell(compound, round(lattice, 4)), settings, steps)
    return Task(compound.name, HOST_EDGES, CELL, job)


def vacancy_tasks(
    ions: tuple[str, str, str], lattice: float, protocol: GpawProtocol
) -> Iterator[Task]:
    """Charged vacancies on A and X, lattice constant of the host in Å."""
    a, b, x = ions
    host = pristine(_supercell(lattice, a, b, x))
    steps = [{"do": "energy"}, {"do": "potentials"}]
    for site, charge in CHARGES:
        ion = a if site == "A" else x
        (defect,) = defects.point_defects(host, defects.parse(f"V_{ion}", host))
        job = gpaw.job(_cell(defect), _folded(protocol), steps, charge=charge, mesh=MESH)
        yield Task(runs.pure_of(a, b, x).name, f"V_{ion}", CELL, job)


def mixed_tasks(
    ions: tuple[str, str, str, str], lattice: float, protocol: GpawProtocol
) -> Iterator[Task]:
    """Layers, then every ordering of half B, half B' in the supercell, lattice constant in Å.

    They come with the most symmetric (least often found) first.
    """
    a, one, two, x = ions
    for size, mesh in ((LAYERS, LAYERS_MESH), ((2, 2, 2), MESH)):
        cell = _supercell(lattice, a, one, x, size)
        half = int(np.prod(size)) // 2
        found = orderings(cell, {"B": {one: half, two: half}})
        total = int(sum(found.multiplicity))
        for k in np.argsort(found.multiplicity, kind="stable").tolist():
            mixed = Decorated(cell, found.species(k), multiplicity=int(found.multiplicity[k]))
            phase = f"ordering {k}, {mixed.multiplicity} of {total}"
            phase = "layers" if size == LAYERS else phase
            if size == LAYERS:
                job = gpaw.job(_cell(mixed), _folded(protocol), [{"do": "energy"}], mesh=mesh)
            else:
                settings = _folded(protocol).model_copy(update={"band_mesh": [1, 1, 1]})
                steps = [{"do": "energy"}, {"do": "edges"}]
                job = gpaw.job(_cell(mixed), settings, steps, mesh=mesh)
            yield Task(mixed_of(ions).name, phase, CELL, job)


def mixed_of(ions: tuple[str, str, str, str]) -> Compound:
    """Compound of half B and half B'."""
    a, one, two, x = ions
    halves = (runs.pure_of(a, one, x), runs.pure_of(a, two, x))
    shares = tuple((p + q) // 2 for p, q in zip(halves[0].b, halves[1].b))
    return Compound(halves[0].a, shares, halves[0].x)


def vegard(ions: tuple[str, str, str, str], constants: Mapping[str, float]) -> float | None:
    """Mean lattice constant of the two end members, Å; None if one is not known."""
    a, one, two, x = ions
    names = [runs.pure_of(a, b, x).name for b in (one, two)]
    if not all(name in constants for name in names):
        return None
    return float(np.mean([constants[name] for name in names]))


def _folded(protocol: GpawProtocol) -> GpawProtocol:
    """Symmetries about any point, since a vacancy does not sit in the origin."""
    return protocol.model_copy(update={"glides": True})


def _supercell(
    lattice: float, a: str, b: str, x: str, size: tuple[int, int, int] = (2, 2, 2)
) -> Supercell:
    crystal = prototype("perovskite", a=round(lattice, 4), site_a=a, site_b=b, anion=x)
    return Supercell(crystal, np.diag(size))


def _cell(decorated: Decorated) -> gpaw.Cell:
    kept = atoms_of(decorated)
    species = [decorated.species[i] for i in kept]
    return gpaw.Cell.of(decorated.supercell.lattice, species, decorated.supercell.coords[kept])
