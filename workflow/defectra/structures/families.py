"""Structures that must stay together in a split: copies, defects, delithiated copies of a cell.

Three things link two structures. They have one factory family; they have one reduced formula; or
their cells agree and, site by site, at most two atoms are others (an antisite pair, a dopant) while
any number may be gone (vacancies, lithium taken out). Cells are compared axis by axis as they are
given: the same arrangement in another supercell is linked by its formula alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.structures import periodic

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LENGTH, ANGLE = 0.03, 2.0  # relative, and degrees: what a relaxation changes
SAME_SITE = 0.7  # Å
OTHERS, SHARE = 2, 0.1  # atoms that are others, and at most this share of them
COMMON = 0.5  # of the larger cell's atoms that both must have


@dataclass(frozen=True)
class Cell:
    """A structure as it is given: lattice (Å, rows), elements, fractional coordinates.

    Attributes
    ----------
    family
        Family that the factory named; empty if none is known.
    """

    name: str
    lattice: Floats
    species: tuple[str, ...]
    coords: Floats
    family: str = ""

    @classmethod
    def of(
        cls, name: str, lattice: ArrayLike, species: Sequence[str], coords: ArrayLike, family: str
    ) -> Cell:
        """Cell from flat or shaped numbers."""
        axes, points = np.asarray(lattice, float), np.asarray(coords, float)
        return cls(name, axes.reshape(3, 3), tuple(species), points.reshape(-1, 3), family)


@dataclass
class Families:
    """What belongs together.

    Attributes
    ----------
    family
        Name of the fullest member of its arrangement, by structure: linked site by site or by the
        factory, not by the formula.
    group
        Reduced formula of the fullest member of all that is linked, by structure.
    empty
        By structure, sites that another member of the arrangement in the same cell fills and this
        one does not, counted by the element there; a structure without such a member is not here.
    """

    family: dict[str, str] = field(default_factory=dict)
    group: dict[str, str] = field(default_factory=dict)
    empty: dict[str, Counter[str]] = field(default_factory=dict)


def families(cells: Sequence[Cell], length: float = LENGTH, others: int = OTHERS) -> Families:
    """Link structures; see the module for what links two of them. Names must be different.

    Parameters
    ----------
    length
        Relative difference of the axes up to which two cells agree.
    others
        Atoms that may be of another element in two linked structures.
    """
    own, all_links = _Links(len(cells)), _Links(len(cells))
    out = Families()
    for key, members in _alike(cells, lambda c: c.family).items():
        if key:
            own.join(members)
    for bucket in _buckets(cells, length):
        table, kinds = decorations([cells[k] for k in bucket])
        pairs = list(_linked(table, others))
        for i, j in pairs:
            own.join([bucket[i], bucket[j]])
        out.empty |= _empty([cells[k].name for k in bucket], table, kinds, pairs)
    for members in own.sets():
        fullest = max(members, key=lambda k: (len(cells[k].species), cells[k].name))
        out.family |= {cells[k].name: cells[fullest].name for k in members}
        all_links.join(members)
    for members in _alike(cells, lambda c: reduced(c.species)).values():
        all_links.join(members)
    for members in all_links.sets():
        fullest = max(members, key=lambda k: (len(cells[k].species), cells[k].name))
        out.group |= {cells[k].name: reduced(cells[fullest].species) for k in members}
    return out


def reduced(species: Sequence[str]) -> str:
    """Reduced formula, elements by name: ``Cu2 O1``."""
    amounts = Counter(species)
    divisor = reduce(gcd, amounts.values())
    return " ".join(f"{e}{n // divisor}" for e, n in sorted(amounts.items()))


class _Links:
    """Sets that grow together."""

    def __init__(self, count: int) -> None:
        self._up = list(range(count))

    def _root(self, k: int) -> int:
        while self._up[k] != k:
            self._up[k] = self._up[self._up[k]]
            k = self._up[k]
        return k

    def join(self, members: Sequence[int]) -> None:
        for k in members[1:]:
            self._up[self._root(k)] = self._root(members[0])

    def sets(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for k in range(len(self._up)):
            found.setdefault(self._root(k), []).append(k)
        return list(found.values())


def _alike(cells: Sequence[Cell], key: Callable[[Cell], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for k, cell in enumerate(cells):
        found.setdefault(key(cell), []).append(k)
    return found


def _buckets(cells: Sequence[Cell], length: float) -> list[list[int]]:
    """Numbers of the structures whose cells agree with the first of their bucket."""
    shapes = np.array([_shape(cell.lattice) for cell in cells]).reshape(-1, 6)
    left, out = np.ones(len(cells), bool), []
    for k in range(len(cells)):
        if not left[k]:
            continue
        near = np.abs(shapes[:, :3] / shapes[k, :3] - 1).max(axis=1) <= length
        near &= np.abs(shapes[:, 3:] - shapes[k, 3:]).max(axis=1) <= ANGLE
        members = np.flatnonzero(near & left)
        left[members] = False
        out.append([int(m) for m in members])
    return out


def _shape(lattice: Floats) -> Floats:
    """Three lengths (Å) and three angles (degrees)."""
    lengths = np.linalg.norm(lattice, axis=1)
    cosines = [
        lattice[i] @ lattice[j] / lengths[i] / lengths[j] for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    return np.array([*lengths, *np.degrees(np.arccos(np.clip(cosines, -1, 1)))])


def decorations(cells: Sequence[Cell]) -> tuple[Ints, list[str]]:
    """What stands on the sites that any of some structures in one cell fills.

    Returns
    -------
    ndarray
        Shape (structures, sites): number of the element, from 1; 0: empty.
    list of str
        The elements, in the order of their numbers.
    """
    kinds = sorted({s for cell in cells for s in cell.species})
    lattice = cells[0].lattice
    sites = np.empty((0, 3))
    rows: list[dict[int, int]] = [{} for _ in cells]
    for k in sorted(range(len(cells)), key=lambda k: -len(cells[k].species)):
        where, sites = _placed(cells[k].coords, sites, lattice)
        rows[k] = {s: kinds.index(e) + 1 for s, e in zip(where, cells[k].species)}
    table = np.zeros((len(cells), len(sites)), np.int64)
    for k, row in enumerate(rows):
        table[k, list(row)] = list(row.values())
    return table, kinds


def _placed(coords: Floats, sites: Floats, lattice: Floats) -> tuple[list[int], Floats]:
    """Site of each atom, the nearest free one within `SAME_SITE`, else a new one at its end."""
    distance = periodic.distances(lattice, coords, sites)
    where = [-1] * len(coords)
    pairs = np.argwhere(distance < SAME_SITE)
    taken: set[int] = set()
    for atom, site in sorted(pairs.tolist(), key=lambda p: distance[p[0], p[1]]):
        if where[atom] < 0 and site not in taken:
            where[atom] = site
            taken.add(site)
    new = [k for k, site in enumerate(where) if site < 0]
    for number, atom in enumerate(new):
        where[atom] = len(sites) + number
    return where, np.vstack([sites, coords[new]])


def _linked(table: Ints, others: int) -> Iterator[tuple[int, int]]:
    """Pairs of structures with at most a few other atoms, and half of all in common."""
    filled = table > 0
    atoms = filled.sum(axis=1)
    for i in range(len(table) - 1):
        both = filled[i] & filled[i + 1 :]
        changed = (both & (table[i] != table[i + 1 :])).sum(axis=1)
        larger = np.maximum(atoms[i], atoms[i + 1 :])
        good = (changed <= np.minimum(others, SHARE * larger)) & (
            both.sum(axis=1) >= COMMON * larger
        )
        yield from ((i, i + 1 + int(j)) for j in np.flatnonzero(good))


def _empty(
    names: Sequence[str], table: Ints, kinds: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> dict[str, Counter[str]]:
    """Sites that a structure lacks against all those that it is linked to."""
    links = _Links(len(names))
    for pair in pairs:
        links.join(pair)
    out = {}
    for members in links.sets():
        if len(members) < 2:
            continue
        part = table[members]
        most = np.array([np.bincount(c[c > 0]).argmax() if c.any() else 0 for c in part.T])
        for k, row in zip(members, part):
            gone = most[(row == 0) & (most > 0)]
            out[names[k]] = Counter(kinds[int(e) - 1] for e in gone)
    return out
