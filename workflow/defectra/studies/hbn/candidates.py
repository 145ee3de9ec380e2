"""Carbon and vacancy-carbon complexes of monolayer hBN: every inequivalent connected one, once.

From the defect factory: all ways to place the members within a distance, of which those are kept
whose members hang together by bonds of the ideal lattice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import ConfigError
from defectra.engines.gpaw.run import Cell
from defectra.structures import defects
from defectra.structures.crystal import VACANCY, Crystal, build
from defectra.structures.identity import Decorated, atoms_of, pristine, structure_id, with_charge
from defectra.structures.supercells import by_matrix
from defectra.studies.hbn.settings import HbnStudy

HOST = "hbn_monolayer"
BOND = 1.16  # times the ideal bond; second neighbours are 1.73 bonds apart
VALENCE = {"B": 3, "C": 4, "N": 5}
# What the factory is asked for, and how far apart two members may be, in bonds of the lattice.
COMPLEXES: tuple[tuple[str, str, float], ...] = (
    ("C_B C_N", "C_B + C_N", 1.05),
    ("2C_B C_N", "C_B + C_N + C_B", 1.8),
    ("2C_N C_B", "C_N + C_B + C_N", 1.8),
    ("V_N C_B", "V_N + C_B", 1.05),
    ("3C_B C_N", "C_N + C_B + C_B + C_B", 1.8),
    ("3C_N C_B", "C_B + C_N + C_N + C_N", 1.8),
    ("C_B", "C_B", 1.05),
    ("C_N", "C_N", 1.05),
    ("2C_B 2C_N", "C_B + C_N + C_B + C_N", 2.7),
    ("V_B C_N", "V_B + C_N", 1.05),
)


@dataclass(frozen=True)
class Candidate:
    """A defect in a cell, with a charge and a spin.

    Attributes
    ----------
    name
        Of the complex, e.g. ``2C_B 2C_N cis``.
    decorated
        Defect in its supercell, with its charge.
    size
        Repeats of the primitive cell each way.
    moment
        Spin of the ground state, µB, which is kept.
    """

    name: str
    decorated: Decorated
    size: int
    moment: int

    @property
    def charge(self) -> int:
        """Of the cell, e."""
        return self.decorated.charge

    @property
    def structure_id(self) -> str:
        """Identity of the house: ideal decorated lattice and charge."""
        return structure_id(self.decorated)

    @property
    def label(self) -> str:
        """Name with charge and spin, for people: ``C_B C_N (0), singlet``."""
        spin = ("singlet", "doublet", "triplet", "quartet")[self.moment]
        return f"{self.name} ({self.charge:+d}), {spin}".replace("(+0)", "(0)")


def monolayer(lattice: float, height: float) -> Crystal:
    """Monolayer hBN, constant and distance of the images in Å; sublattices B and N."""
    vectors = np.array(
        [[lattice, 0, 0], [-lattice / 2, lattice * np.sqrt(3) / 2, 0], [0, 0, height]]
    )
    coords = np.array([[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]])
    return build(HOST, vectors, coords, ("B", "N"), ("B", "N"))


@lru_cache(maxsize=8)
def complexes(lattice: float, height: float, size: int) -> tuple[tuple[str, Decorated], ...]:
    """All complexes of a cell, neutral, with their names; each shape of a chain counts."""
    host = pristine(by_matrix(monolayer(lattice, height), [size, size, 1]))
    bond = lattice / np.sqrt(3)
    found = []
    for name, changes, reach in COMPLEXES:
        placed = defects.complexes(host, defects.parse(changes, host), reach * bond)
        hang = [d for d in placed if _connected(d, BOND * bond)]
        if len(hang) == 1:
            found.append((name, hang[0]))
            continue
        by_length = sorted(hang, key=_extent)
        for shape, one in zip(("cis", "trans"), by_length, strict=True):
            found.append((f"{name} {shape}", one))
    return tuple(found)


def _separations(decorated: Decorated) -> NDArray[np.float64]:
    sites = list(decorated.touched)
    return np.array([decorated.supercell.distances(i, sites) for i in sites])


def _extent(decorated: Decorated) -> float:
    return float(_separations(decorated).max())


def _connected(decorated: Decorated, bond: float) -> bool:
    near = _separations(decorated) < bond
    reached = {0}
    while True:
        more = {int(j) for i in reached for j in np.flatnonzero(near[i])} | reached
        if more == reached:
            return len(reached) == len(near)
        reached = more


def electrons(decorated: Decorated) -> int:
    """Valence electrons of the cell."""
    return sum(VALENCE[s] for s in decorated.species if s != VACANCY) - decorated.charge


def moments(decorated: Decorated) -> tuple[int, ...]:
    """Spins of the ground state that are computed, µB: the lowest, the triplet where it may win.

    It may where a vacancy leaves dangling bonds, or where carbon brings two electrons or holes more
    than it pairs.
    """
    if electrons(decorated) % 2:
        return (1,)
    extra = sum({"C_B": 1, "C_N": -1}.get(name, 0) for name in decorated.defects)
    vacancy = any(name.startswith("V_") for name in decorated.defects)
    return (0, 2) if vacancy or abs(extra - decorated.charge) > 1 else (0,)


def candidates(settings: HbnStudy) -> Iterator[Candidate]:
    """All candidates in the order of interest: neutral ones, larger cells, charged ones."""
    own = complexes(settings.lattice, settings.height, settings.size)
    for charge in sorted(settings.charges, key=lambda q: (abs(q), -q)):
        for name, decorated in own:
            yield from _spins(name, decorated, settings.size, charge)
        if charge == 0:
            yield from _larger(settings)


def _larger(settings: HbnStudy) -> Iterator[Candidate]:
    for one in settings.larger:
        for size in one.sizes:
            by_name = dict(complexes(settings.lattice, settings.height, size))
            if one.candidate not in by_name:
                known = ", ".join(by_name)
                raise ConfigError(f"hbn.larger: no complex {one.candidate!r}; there are {known}")
            yield from _spins(one.candidate, by_name[one.candidate], size, 0)


def _spins(name: str, decorated: Decorated, size: int, charge: int) -> Iterator[Candidate]:
    charged = with_charge(decorated, charge)
    for moment in moments(charged):
        yield Candidate(name, charged, size, moment)


def cell_of(candidate: Candidate, rattle: float) -> tuple[Cell, list[float]]:
    """Cell with the defect in its middle, and a first guess of the moments.

    Atoms are moved off the ideal sites by a normal deviate of `rattle` Å along each axis, seeded by
    the structure: a saddle point of high symmetry is left.
    """
    decorated = candidate.decorated
    supercell, kept = decorated.supercell, atoms_of(decorated)
    coords = supercell.coords - _middle(decorated) + 0.5
    species = [decorated.species[i] for i in kept]
    name = with_charge(decorated, 0)
    seed = int(hashlib.sha256(structure_id(name).encode()).hexdigest()[:8], 16)
    moved = np.random.default_rng(seed).normal(0, rattle, (len(kept), 3))
    points = coords[kept] % 1.0 + moved @ np.linalg.inv(supercell.lattice)
    carbon = np.array([s == "C" for s in species], float)
    return Cell.of(supercell.lattice, species, points), (carbon / carbon.sum()).tolist()


def _middle(decorated: Decorated) -> NDArray[np.float64]:
    """Centre of the members of a defect, fractional, through the shortest images."""
    points = decorated.supercell.coords[list(decorated.touched)]
    shifts = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], [0], indexing="ij"), -1).reshape(-1, 3)
    images = (points - points[0])[:, None, :] + shifts
    lengths = np.linalg.norm(images @ decorated.supercell.lattice, axis=2)
    return np.asarray(points[0] + images[range(len(points)), lengths.argmin(axis=1)].mean(axis=0))
