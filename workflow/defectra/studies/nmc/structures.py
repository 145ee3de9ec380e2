"""Recipe of the `nmc` study: which structures, in which seeded order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

from defectra.core.records import Defect
from defectra.structures.composition import all_compositions
from defectra.structures.decorate import (
    Canonical,
    Decoration,
    antisite_pair,
    canonical,
    delithiate,
    ordering,
    oxygen_vacancy,
    seeded,
    structure_id,
)
from defectra.structures.layered import HOST, VACANCY, IdealLattice, ideal_lattice, repeats_for
from defectra.studies.nmc.settings import LithiumSeries, NmcStructures

STUDY = "nmc"
_NO_LIMIT = 1_000_000_000


def draws(spec: NmcStructures, seed: int) -> Iterator[tuple[str, int, float, Defect]]:
    """Endless-until-exhausted seeded order over (composition, ordering, lithium, defect).

    The order runs through every composition before it repeats one, and likewise through
    lithium contents and defects, so that any first part of it is a fair sample of the space.
    It covers every composition of the cell, whichever the study asks for: asking for one more
    moves none of the others.
    """
    axes: tuple[list[Any], ...] = (
        all_compositions(spec.metals),
        list(range(spec.orderings)),
        spec.lithium,
        list(spec.defects),
    )
    streams = [cycle(values, seed, name) for values, name in zip(axes, ("c", "o", "l", "d"))]
    everything = list(dict.fromkeys(product(*axes)))
    order = seeded(seed, "rest").permutation(len(everything))
    rest = (everything[k] for k in order)
    seen: set[tuple[Any, ...]] = set()
    while len(seen) < len(everything):
        item = tuple(next(s) for s in streams)
        if item in seen:
            item = next(x for x in rest if x not in seen)
        seen.add(item)
        yield item


def cycle(values: list[Any], seed: int, name: str) -> Iterator[Any]:
    """Endless stream: seeded order after seeded order of all values."""
    block = 0
    while True:
        order = seeded(seed, "cycle", name, block).permutation(len(values))
        yield from (values[k] for k in order)
        block += 1


def campaign(spec: NmcStructures, seed: int) -> list[dict[str, Any]]:
    """Rows of the structures table: the first draws of the compositions asked for.

    `rank` is the number of the draw; two draws of the same structure count once.
    """
    ideal = ideal_lattice(repeats_for(spec.metals))
    names = set(spec.names)
    limit = min(spec.count or _NO_LIMIT, (spec.per_composition or _NO_LIMIT) * len(names))
    rows: dict[str, dict[str, Any]] = {}
    taken: Counter[str] = Counter()
    for rank, item in enumerate(draws(spec, seed)):
        if len(rows) >= limit:
            break
        name = item[0]
        if name not in names or taken[name] >= (spec.per_composition or _NO_LIMIT):
            continue
        row = make(*item, seed=seed, ideal=ideal)
        if row["structure_id"] not in rows:
            rows[row["structure_id"]] = row | {"rank": rank}
            taken[name] += 1
    return list(rows.values())


def lithium_series(spec: LithiumSeries, metals: int, seed: int) -> list[dict[str, Any]]:
    """Rows of the pristine structures of the lithium series, every ordering at every content."""
    ideal = ideal_lattice(repeats_for(metals))
    items = product(range(spec.orderings), spec.lithium)
    return [
        make(spec.composition, o, x, Defect.PRISTINE, seed=seed, ideal=ideal) | {"rank": -1}
        for o, x in items
    ]


def make(
    composition: str,
    number: int,
    lithium: float,
    defect: Defect,
    *,
    seed: int,
    ideal: IdealLattice,
) -> dict[str, Any]:
    """One row of the structures table.

    The family is the fully lithiated parent: a split that cuts it would train on a structure
    and test on its own delithiated or defected copy.
    """
    full = ordering(composition, number, seed, ideal)
    key = (seed, composition, number)
    parent = delithiate(full, lithium, key, ideal)
    decoration, touched = _defected(parent, defect, (*key, lithium), ideal)
    return describe(full, parent, decoration, touched, defect, ideal) | {
        "composition": composition,
        "ordering": number,
        "lithium": lithium,
        "defect": str(defect),
        "seed": seed,
    }


def describe(
    full: Decoration,
    parent: Decoration,
    decoration: Decoration,
    touched: tuple[int, ...],
    defect: Defect,
    ideal: IdealLattice,
) -> dict[str, Any]:
    """Identity, family and cell of a decoration: a structures row without its draw.

    Parameters
    ----------
    full, parent
        The fully lithiated decoration and the defect-free one at this lithium content.
    touched
        Sites of the defect.
    """
    family_form, family = identify(full, Defect.PRISTINE, ideal)
    form, own_id = identify(decoration, defect, ideal)
    where = {source: site for site, source in enumerate(form.mapping)}
    family_site = {source: site for site, source in enumerate(family_form.mapping)}
    kept = [i for i, s in enumerate(form.species) if s != VACANCY]
    return {
        "structure_id": own_id,
        "study": STUDY,
        "host": HOST,
        "defect_sites": [form.labels[where[t]] for t in touched],
        "charge": 0,
        "supercell": [int(v) for v in ideal.matrix.ravel()],
        "multiplicity": form.multiplicity,
        "parent_id": identify(parent, Defect.PRISTINE, ideal)[1],
        "family": family,
        "family_sites": [family_site[form.mapping[i]] for i in kept],
        **cell(form, ideal),
    }


def cell(form: Canonical, ideal: IdealLattice) -> dict[str, Any]:
    """Formula and ideal cell of a canonical decoration, vacancies left out."""
    kept = [i for i, s in enumerate(form.species) if s != VACANCY]
    species = [form.species[i] for i in kept]
    order = ("Li", "Ni", "Mn", "Co", "O")
    formula = " ".join(f"{e}{species.count(e)}" for e in order if e in species)
    return {
        "formula": formula,
        "lattice": [float(v) for v in ideal.lattice.ravel()],
        "species": species,
        "coords": [v for i in kept for v in ideal.fractional[i]],
        "site_labels": [form.labels[i] for i in kept],
    }


def _defected(
    parent: Decoration, defect: Defect, key: tuple[object, ...], ideal: IdealLattice
) -> tuple[Decoration, tuple[int, ...]]:
    if defect is Defect.OXYGEN_VACANCY:
        return oxygen_vacancy(parent, key, ideal)
    if defect is Defect.ANTISITE_PAIR:
        return antisite_pair(parent, key, ideal)
    return parent, ()


@lru_cache(maxsize=8192)
def identify(decoration: Decoration, defect: Defect, ideal: IdealLattice) -> tuple[Canonical, str]:
    """Canonical form and ``structure_id`` of an uncharged decoration."""
    form = canonical(decoration, ideal)
    return form, structure_id(HOST, ideal, form, defect, 0)
