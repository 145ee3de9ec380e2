"""Seeded orderings, delithiation and defects as decorations of the ideal lattice.

A decoration is a tuple of species, one for each site of the ideal lattice; vacancies are a
species. Two decorations that a symmetry operation of the lattice carries into each other are
the same structure and get the same identity.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass

import numpy as np

from defectra.core.records import Defect
from defectra.core.seeds import seeded
from defectra.structures.composition import counts
from defectra.structures.layered import VACANCY, IdealLattice

Decoration = tuple[str, ...]


@dataclass(frozen=True)
class Canonical:
    """Canonical form of a decoration.

    Attributes
    ----------
    species
        The smallest of all equivalent decorations, one species for each ideal site.
    labels
        Orbit of each ideal site under the operations that keep `species`, e.g. ``Ni17``:
        the species and the smallest site index of the orbit.
    multiplicity
        Number of distinct equivalent decorations.
    mapping
        Site of the input that sits on each canonical site.
    """

    species: Decoration
    labels: tuple[str, ...]
    multiplicity: int
    mapping: tuple[int, ...]


def canonical(decoration: Decoration, ideal: IdealLattice) -> Canonical:
    """Canonical form of `decoration` under the symmetry of the undecorated supercell."""
    names = np.array(decoration)
    codes = np.unique(names, return_inverse=True)[1]
    images = np.empty_like(ideal.permutations)
    rows = np.arange(len(images))[:, None]
    images[rows, ideal.permutations] = codes[None, :]
    best = np.lexsort(images.T[::-1])[0]
    source = np.empty(len(names), dtype=np.int64)
    source[ideal.permutations[best]] = np.arange(len(names))
    smallest = images[best]
    keep = np.flatnonzero((smallest[ideal.permutations] == smallest[None, :]).all(axis=1))
    orbit = ideal.permutations[keep].min(axis=0)
    species = names[source]
    labels = tuple(sys.intern(f"{s}{o:02d}") for s, o in zip(species, orbit))
    multiplicity = len(ideal.permutations) // len(keep)
    return Canonical(
        tuple(sys.intern(str(s)) for s in species), labels, multiplicity, tuple(map(int, source))
    )


def structure_id(
    host: str, ideal: IdealLattice, form: Canonical, defect: Defect, charge: int
) -> str:
    """Hash of the ideal decorated lattice: host, supercell, species by site, defect, charge."""
    parts = [host, str(ideal.matrix.tolist()), ",".join(form.species), defect, str(charge)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def ordering(composition: str, number: int, seed: int, ideal: IdealLattice) -> Decoration:
    """Fully lithiated decoration with a seeded random order of the metals."""
    metals = [m for m, n in counts(composition).items() for _ in range(n)]
    order = seeded(seed, "ordering", composition, number).permutation(len(metals))
    out = ["O"] * len(ideal.coords)
    for site in ideal.sites_of("Li"):
        out[site] = "Li"
    for site, k in zip(ideal.sites_of("M"), order):
        out[site] = metals[k]
    return tuple(out)


def delithiate(
    parent: Decoration, lithium: float, key: tuple[object, ...], ideal: IdealLattice
) -> Decoration:
    """Take lithium out down to `lithium` per metal.

    Removals at lower contents contain those at higher ones, so that a series is nested.
    """
    sites = ideal.sites_of("Li")
    order = seeded(*key, "lithium").permutation(sites)
    out = list(parent)
    for site in order[: len(sites) - round(lithium * len(sites))]:
        out[site] = VACANCY
    return tuple(out)


def oxygen_vacancy(
    parent: Decoration, key: tuple[object, ...], ideal: IdealLattice
) -> tuple[Decoration, tuple[int, ...]]:
    """Remove one seeded oxygen; also returns the site."""
    site = int(seeded(*key, "vacancy").choice(ideal.sites_of("O")))
    return _replace(parent, {site: VACANCY}), (site,)


def antisite_pair(
    parent: Decoration, key: tuple[object, ...], ideal: IdealLattice
) -> tuple[Decoration, tuple[int, ...]]:
    """Exchange one seeded nickel with its nearest lithium; also returns both sites."""
    nickel = [int(i) for i in ideal.sites_of("M") if parent[i] == "Ni"]
    lithium = [int(i) for i in ideal.sites_of("Li") if parent[i] == "Li"]
    generator = seeded(*key, "antisite")
    ni = int(generator.choice(nickel))
    distances = ideal.distances(ni, lithium)
    nearest = [s for s, d in zip(lithium, distances) if d < distances.min() + 1e-3]
    li = int(generator.choice(nearest))
    return _replace(parent, {ni: "Li", li: "Ni"}), (ni, li)


def _replace(parent: Decoration, changes: dict[int, str]) -> Decoration:
    return tuple(changes.get(i, s) for i, s in enumerate(parent))
