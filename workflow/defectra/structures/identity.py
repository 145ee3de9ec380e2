"""Decorated supercells and their identity: exact integers, never coordinates.

The canonical form of a decoration is the smallest over all symmetry operations of the parent
crystal, those that turn the supercell into another equivalent one included. For a crystal
without defects and charge the smallest periodic cell stands for all its supercells; with a
defect or a charge the supercell is part of the identity, because it sets the dilution.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures.crystal import VACANCY, Crystal
from defectra.structures.integers import Matrix, cell_index, hermite
from defectra.structures.sampling import smallest
from defectra.structures.supercells import Supercell

VERSION = "1"


@dataclass(frozen=True)
class Decorated:
    """A supercell with a species on every site.

    Attributes
    ----------
    supercell
        Ideal sites.
    species
        One for each site, ``X`` where it is empty.
    charge
        Of the cell, in units of e.
    defects
        Names of the defects, e.g. ``V_O``, ``Ni_Li``; empty for an undoped crystal.
    touched
        Sites that the defects sit on.
    multiplicity
        Equivalent decorations: of the supercell for an ordering, of the host for a defect.
    parent
        Host that a defect was made in.
    """

    supercell: Supercell
    species: tuple[str, ...]
    charge: int = 0
    defects: tuple[str, ...] = ()
    touched: tuple[int, ...] = ()
    multiplicity: int = 1
    parent: Decorated | None = None

    def __post_init__(self) -> None:
        if len(self.species) != len(self.supercell.coords):
            raise StructureError(
                f"{len(self.species)} species for {len(self.supercell.coords)} sites"
            )

    @property
    def diluted(self) -> bool:
        """Is the supercell part of the identity?"""
        return bool(self.defects) or self.charge != 0


@dataclass(frozen=True)
class Form:
    """Canonical form of a decoration.

    Attributes
    ----------
    hnf
        Hermite normal form of the canonical supercell, shape (3, 3).
    species
        Of each site of the canonical supercell.
    labels
        Orbit of each site of the *given* supercell, e.g. ``O:03``: sublattice and number of the
        first site of the orbit. Orbits of the ideal decorated lattice; coordinates play no part.
    """

    hnf: Matrix
    species: tuple[str, ...]
    labels: tuple[str, ...]


def structure_id(decorated: Decorated) -> str:
    """Hash of host, supercell, species by site, and charge; 16 hexadecimal digits."""
    form = canonical_form(decorated)
    crystal = decorated.supercell.crystal
    parts = {
        "version": VERSION,
        "host": crystal.host,
        "supercell": form.hnf.ravel().tolist(),
        "sublattices": list(crystal.sublattices),
        "species": list(form.species),
        "charge": decorated.charge,
        "diluted": decorated.diluted,
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def canonical_form(decorated: Decorated) -> Form:
    """Canonical supercell and species; see the head of this module."""
    labels = orbit_labels(decorated)
    cell, species = decorated.supercell, decorated.species
    if not decorated.diluted:
        cell, species = primitive(cell, species)
    turned = _turn(cell)
    names, word = _coded(species)
    moved = np.empty_like(word)
    moved[turned.carry] = word
    best, _ = smallest(turned.group, moved[None, :])
    return Form(turned.hnf, tuple(names[c] for c in best[0]), labels)


def orbit_labels(decorated: Decorated) -> tuple[str, ...]:
    """Symmetry orbit of every site under the operations that keep the decoration."""
    keep = stabiliser(decorated)
    first = keep.min(axis=0)
    names = decorated.supercell.sublattices
    return tuple(f"{name}:{o:02d}" for name, o in zip(names, first))


def stabiliser(decorated: Decorated) -> NDArray[np.int32]:
    """Operations of the supercell that keep every species, shape (g, n)."""
    _, word = _coded(decorated.species)
    group = decorated.supercell.permutations
    return group[(word[group] == word).all(axis=1)]


def _coded(species: Sequence[str]) -> tuple[list[str], NDArray[np.uint8]]:
    names = sorted(set(species))
    where = {name: k for k, name in enumerate(names)}
    return names, np.array([where[s] for s in species], dtype=np.uint8)


def primitive(cell: Supercell, species: tuple[str, ...]) -> tuple[Supercell, tuple[str, ...]]:
    """Smallest supercell of the parent that repeats to this decoration, and its species."""
    _, word = _coded(species)
    table = word.reshape(len(cell.crystal.coords), cell.index)
    periods = []
    for shift in cell.cells:
        moved = cell_index(cell.cells + shift, cell.hnf)
        if (table[:, moved] == table).all():
            periods.append(shift)
    small = Supercell(cell.crystal, hermite(np.vstack([cell.hnf, *periods])))
    if small.index == cell.index:
        return Supercell(cell.crystal, cell.hnf), species
    where = cell_index(small.cells, cell.hnf)
    sites = (np.arange(len(table)) * cell.index)[:, None] + where[None, :]
    return small, tuple(species[i] for i in sites.ravel())


@dataclass(frozen=True)
class _Turned:
    hnf: Matrix
    carry: NDArray[np.int32]
    group: NDArray[np.int32]


def _turn(cell: Supercell) -> _Turned:
    """The smallest equivalent supercell, one way to carry sites there, and its group."""
    return _turned(_Key(cell.crystal), tuple(map(int, cell.hnf.ravel())))


class _Key:
    """A crystal as a cache key: the same arrays are the same crystal."""

    def __init__(self, crystal: Crystal) -> None:
        self.crystal = crystal
        arrays = (crystal.lattice, crystal.coords, crystal.rotations, crystal.translations)
        self.value = (crystal.host, crystal.sublattices, *(a.tobytes() for a in arrays))

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.value == other.value


@lru_cache(maxsize=64)
def _turned(key: _Key, flat: tuple[int, ...]) -> _Turned:
    crystal = key.crystal
    cell = Supercell(crystal, np.array(flat).reshape(3, 3))
    images = [hermite(cell.hnf @ r.T) for r in crystal.rotations]
    order = [image.ravel().tolist() for image in images]
    best = min(range(len(images)), key=lambda k: order[k])
    target = Supercell(crystal, images[best])
    return _Turned(images[best], cell.carry(best, images[best])[0], target.permutations)


def pristine(supercell: Supercell) -> Decorated:
    """The supercell with its default species."""
    return Decorated(supercell, supercell.species)


def with_charge(decorated: Decorated, charge: int) -> Decorated:
    """The same decoration with a charge, in units of e."""
    return replace(decorated, charge=charge)


def atoms_of(decorated: Decorated) -> list[int]:
    """Sites that are not empty."""
    return [i for i, s in enumerate(decorated.species) if s != VACANCY]
