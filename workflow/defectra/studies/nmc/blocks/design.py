"""Blocks of the NMC campaign: one ordering at one lithium content in several arms.

The arms of a block share metals, ordering and removed lithium; what differs between them is the
defect alone, the electron count or the cell. So a model on contents cannot distinguish the arms
pristine, vacancy and antisite apart, whatever the draw. Blocks come in a seeded order whose first
part is a fair sample: every composition before one comes twice, lithium contents in equal numbers.
NMC: lithium nickel manganese cobalt oxide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from defectra.core.records import Column, Defect, Table
from defectra.core.seeds import seeded
from defectra.structures.composition import all_compositions
from defectra.structures.decorate import Decoration, delithiate, ordering
from defectra.structures.layered import VACANCY, IdealLattice, ideal_lattice, repeats_for
from defectra.studies.nmc.settings import ARMS, NmcBlocks, Relaxer
from defectra.studies.nmc.structures import STUDY, cycle, describe, identify

Row = dict[str, Any]

BLOCKS = Table(
    "blocks",
    (
        Column("block", "int", "", "position in the seeded order"),
        Column("arm", "string", "", "what was done to the block's structure"),
        Column("structure_id", "string", "", "structure of the arm"),
        Column("geometry_protocol", "string", "", "how its geometry was made"),
        Column("composition", "string", "", "metals"),
        Column("ordering", "int", "", "number of the seeded ordering"),
        Column("lithium", "float", "", "lithium per metal site of the block"),
        Column("family", "string", "", "fully lithiated parent"),
        Column("vacancy_metals", "string", "", "metals next to the vacancy, e.g. Ni2Mn1"),
        Column("vacancy_lithium", "int", "", "lithium next to the vacancy, of three sites"),
        Column("antisite", "string", "", "near or far"),
        Column("antisite_distance", "float", "Å", "between its two sites in the ideal lattice"),
        Column("converged", "bool", "", "also with converged potentials"),
    ),
)
TRIES = 400  # orderings that are looked at for one of an unused family
CLOSE = 1e-3  # Å, distances that count as equal
_KINDS = {"vacancy_own_cell": "vacancy", "pristine_volume": "pristine"}  # arms of the same atoms


def arm_geometry(arm: str, relaxer: Relaxer) -> str:
    """Geometry protocol of an arm with another potential than CHGNet."""
    return ARMS[arm].replace("chgnet", relaxer)


@dataclass(frozen=True)
class Block:
    """One block of the design.

    Attributes
    ----------
    rows
        Structures rows by arm.
    table
        Rows of :data:`BLOCKS`, one for each arm.
    """

    number: int
    converged: bool
    rows: dict[str, Row]
    table: list[Row]


def blocks(spec: NmcBlocks, metals: int, seed: int, count: int | None = None) -> Iterator[Block]:
    """The first `count` (default: ``spec.count``) blocks of the seeded order."""
    ideal = ideal_lattice(repeats_for(metals))
    names = cycle(all_compositions(metals), seed, "blocks c")
    kinds = cycle(["near", "far"], seed, "blocks a")
    pairs: Counter[tuple[str, float]] = Counter()
    contents: Counter[float] = Counter()
    families: set[str] = set()
    for number in range(spec.count if count is None else count):
        composition = next(names)
        lithium = _rarest(spec.lithium, composition, pairs, contents, (seed, number))
        pairs[composition, lithium] += 1
        contents[lithium] += 1
        index = _ordering(spec, composition, seed, ideal, families)
        draw = Draw(composition, index, lithium, next(kinds), seed, number)
        yield _block(draw, spec, ideal)


@dataclass(frozen=True)
class Draw:
    """What a block is drawn as."""

    composition: str
    ordering: int
    lithium: float
    antisite: str
    seed: int
    number: int

    @property
    def key(self) -> tuple[object, ...]:
        """Seed of what is drawn inside the block."""
        return (self.seed, self.composition, self.ordering, self.lithium, "block")


@dataclass(frozen=True)
class Arm:
    """What is done to the structure of a block.

    Attributes
    ----------
    parent, decoration
        Species of each site before and after.
    touched
        Sites of the defect.
    lithium
        Per metal site.
    """

    parent: Decoration
    decoration: Decoration
    touched: tuple[int, ...]
    defect: Defect
    lithium: float


def _rarest(
    lithium: list[float],
    composition: str,
    pairs: Counter[tuple[str, float]],
    contents: Counter[float],
    key: tuple[object, ...],
) -> float:
    order = seeded(*key, "lithium of block").permutation(len(lithium))
    shuffled = [lithium[k] for k in order]
    return min(shuffled, key=lambda x: (pairs[composition, x], contents[x]))


def _ordering(
    spec: NmcBlocks, composition: str, seed: int, ideal: IdealLattice, used: set[str]
) -> int:
    """First ordering of a family that neither another block nor the first campaign has.

    Where a composition has no other family, one of the first campaign is taken, then any.
    """

    @cache
    def family(number: int) -> str:
        return identify(ordering(composition, number, seed, ideal), Defect.PRISTINE, ideal)[1]

    first = spec.first_ordering
    earlier = {family(number) for number in range(first)}
    for taboo in (used | earlier, used, set()):
        for number in range(first, first + TRIES):
            if family(number) not in taboo:
                used.add(family(number))
                return number
    raise AssertionError("unreachable: the last taboo is empty")


def _block(draw: Draw, spec: NmcBlocks, ideal: IdealLattice) -> Block:
    full = ordering(draw.composition, draw.ordering, draw.seed, ideal)
    key = (draw.seed, draw.composition, draw.ordering)
    plain = delithiate(full, draw.lithium, key, ideal)
    more = delithiate(full, draw.lithium + spec.step, key, ideal)
    hole, neighbours = vacancy(plain, draw.key, ideal)
    (nickel, lithium), distance = antisite(plain, draw.antisite, draw.key, ideal)
    swapped = _with(plain, {nickel: "Li", lithium: "Ni"})
    empty = _with(plain, {hole: VACANCY})
    made = {
        "pristine": Arm(plain, plain, (), Defect.PRISTINE, draw.lithium),
        "lithium": Arm(more, more, (), Defect.PRISTINE, draw.lithium + spec.step),
        "vacancy": Arm(plain, empty, (hole,), Defect.OXYGEN_VACANCY, draw.lithium),
        "antisite": Arm(plain, swapped, (nickel, lithium), Defect.ANTISITE_PAIR, draw.lithium),
    }
    rows: dict[str, Row] = {
        arm: _row(draw, full, made[_KINDS.get(arm, arm)], ideal) for arm in spec.arms
    }
    every = spec.converged_every
    converged = bool(every) and draw.number % every == every - 1
    table: list[Row] = [
        {
            "block": draw.number,
            "arm": arm,
            "structure_id": row["structure_id"],
            "geometry_protocol": arm_geometry(arm, spec.relaxer),
            "composition": draw.composition,
            "ordering": draw.ordering,
            "lithium": draw.lithium,
            "family": row["family"],
            **neighbours,
            "antisite": draw.antisite,
            "antisite_distance": distance,
            "converged": converged,
        }
        for arm, row in rows.items()
    ]
    return Block(draw.number, converged, rows, table)


def _row(draw: Draw, full: Decoration, arm: Arm, ideal: IdealLattice) -> Row:
    """Structures row of an arm; `full`: the ordering with all of its lithium."""
    return describe(full, arm.parent, arm.decoration, arm.touched, arm.defect, ideal) | {
        "study": STUDY,
        "composition": draw.composition,
        "ordering": draw.ordering,
        "lithium": round(arm.lithium, 10),
        "defect": str(arm.defect),
        "seed": draw.seed,
        "rank": draw.number,
    }


def vacancy(
    parent: Decoration, key: tuple[object, ...], ideal: IdealLattice
) -> tuple[int, dict[str, Any]]:
    """A seeded oxygen, every kind of metal neighbourhood that the cell has equally likely.

    Returns
    -------
    The site, and ``vacancy_metals`` and ``vacancy_lithium`` of the blocks table.
    """
    kinds: dict[str, list[int]] = {}
    for site in ideal.sites_of("O"):
        kinds.setdefault(_metals(parent, int(site), ideal), []).append(int(site))
    draw = seeded(*key, "vacancy")
    name = str(draw.choice(sorted(kinds)))
    site = int(draw.choice(kinds[name]))
    lithium = [parent[i] for i in _nearest(ideal, site, "Li")].count("Li")
    return site, {"vacancy_metals": name, "vacancy_lithium": lithium}


def _metals(parent: Decoration, site: int, ideal: IdealLattice) -> str:
    found = Counter(parent[i] for i in _nearest(ideal, site, "M"))
    return "".join(f"{m}{found[m]}" for m in ("Ni", "Mn", "Co") if found[m])


def _nearest(ideal: IdealLattice, site: int, sublattice: str) -> list[int]:
    """The three sites of a sublattice that an oxygen is bound to."""
    sites = ideal.sites_of(sublattice)
    near = np.argsort(ideal.distances(site, sites), kind="stable")[:3]
    return [int(sites[k]) for k in near]


def antisite(
    parent: Decoration, kind: str, key: tuple[object, ...], ideal: IdealLattice
) -> tuple[tuple[int, int], float]:
    """Sites of a nickel and a lithium that are exchanged, and their distance (Å).

    Parameters
    ----------
    kind
        ``near``: at the shortest distance in the cell; ``far``: at the longest.
    """
    nickel = [int(i) for i in ideal.sites_of("M") if parent[i] == "Ni"]
    lithium = np.array([i for i in ideal.sites_of("Li") if parent[i] == "Li"])
    table = np.array([ideal.distances(n, lithium) for n in nickel])
    wanted = table.min() if kind == "near" else table.max()
    found = np.argwhere(np.abs(table - wanted) < CLOSE)
    row, column = found[seeded(*key, "antisite").integers(len(found))]
    return (nickel[row], int(lithium[column])), float(table[row, column])


def _with(parent: Decoration, changes: dict[int, str]) -> Decoration:
    return tuple(changes.get(i, s) for i, s in enumerate(parent))


def tasks(block: Block, spec: NmcBlocks, engine: str = "feff") -> list[Row]:
    """Tasks of a block, arm after arm: the same seeded sites in each, as far as they are there."""
    asked = [(spec.protocol, dict(spec.sites))]
    if block.converged:
        asked.append((spec.converged, dict(spec.converged_sites)))
    out = []
    for entry in block.table:
        row = block.rows[entry["arm"]]
        found = [
            {
                "structure_id": row["structure_id"],
                "geometry_protocol": entry["geometry_protocol"],
                "engine": engine,
                "protocol": protocol,
                "element": element,
                "edge": edge,
                "site": site,
                "site_index": index,
                "multiplicity": multiplicity,
            }
            for protocol, numbers in asked
            for element, edge in (name.split() for name in spec.edges)
            for site, index, multiplicity in sites(row, element, numbers[element])  # type: ignore[index]
        ]
        out += sorted(found, key=lambda t: (t["protocol"] != spec.protocol, *_site_key(t)))
    return out


def _site_key(task: Row) -> tuple[str, int, str]:
    return task["element"], task["site_index"], task["edge"]


def sites(row: Row, element: str, number: int) -> list[tuple[str, int, int]]:
    """Seeded sites of an element: orbit, index of its first site, multiplicity.

    The order is one of the sites of the family and knows neither defect nor arm: every arm takes
    the first `number` that hold the element, so arms share their sites, and a site that a defect
    touches is drawn as often as any other. A larger number contains the choice of a smaller one.
    """
    index_of = {site: index for index, site in enumerate(row["family_sites"])}
    order = seeded(row["family"], row["ordering"], "sites").permutation(_cell_sites(row))
    labels, species = row["site_labels"], row["species"]
    indices = [index_of[s] for s in order if s in index_of and species[index_of[s]] == element]
    first: dict[str, int] = {}
    for index in indices:
        first.setdefault(labels[index], index)
    return [(name, index, labels.count(name)) for name, index in list(first.items())[:number]]


def _cell_sites(row: Row) -> int:
    """Sites of the undecorated supercell, four for each formula unit."""
    return 4 * round(abs(np.linalg.det(np.array(row["supercell"]).reshape(3, 3))))
