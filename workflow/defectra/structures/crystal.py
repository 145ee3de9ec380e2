"""Crystals: a primitive site lattice with its symmetry, on which everything is a colouring.

A :class:`Crystal` is the undecorated parent: sites, the sublattice that each belongs to, what
sits there by default, and the space group that keeps the sublattices. Supercells, orderings
and defects are colourings of its sites; an interstitial is a sublattice that is empty at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures import periodic

if TYPE_CHECKING:
    from pymatgen.core import Structure

VACANCY = "X"
SYMPREC = 1e-3
EDGE = (0.1, 0.001)  # Å; a cell whose group differs between the two is on the edge
CLOSEST = 0.5  # Å; two sites nearer than this cannot both be meant


def check_element(species: str, where: str) -> None:
    """Refuse what is no element and no vacancy.

    Raises
    ------
    StructureError
        Naming the species and where it was asked for.
    """
    from pymatgen.core import Element

    if species != VACANCY and not Element.is_valid_symbol(species):
        raise StructureError(f"{where}: {species!r} is no element (and not X, a vacancy)")


@dataclass(frozen=True)
class Crystal:
    """Primitive parent crystal.

    Attributes
    ----------
    host
        Name that enters the identity, e.g. ``rocksalt``.
    lattice
        Primitive vectors, rows, Å, shape (3, 3).
    coords
        Fractional coordinates, shape (n, 3).
    sublattices
        Name of the sublattice of each site, length n.
    species
        What sits on each site by default; ``X`` where it is empty, length n.
    rotations, translations
        Space group operations x -> R x + t in the primitive basis, shapes (g, 3, 3), (g, 3).
    spacegroup
        International number.
    symprec
        Å, with which the group was found.
    edge
        True if the file it came from has another group at 0.1 than at 0.001 Å.
    """

    host: str
    lattice: NDArray[np.float64]
    coords: NDArray[np.float64]
    sublattices: tuple[str, ...]
    species: tuple[str, ...]
    rotations: NDArray[np.int64]
    translations: NDArray[np.float64]
    spacegroup: int
    symprec: float = SYMPREC
    edge: bool = False

    def sites_of(self, sublattice: str) -> NDArray[np.int64]:
        """Indices of the sites of a sublattice.

        Raises
        ------
        StructureError
            If there is no such sublattice.
        """
        found = np.flatnonzero(np.array(self.sublattices) == sublattice)
        if not len(found):
            names = ", ".join(dict.fromkeys(self.sublattices))
            raise StructureError(f"{self.host}: no sublattice {sublattice!r}; there are {names}")
        return found

    def named(self, host: str) -> Crystal:
        """The same crystal under another host name."""
        return replace(self, host=host)


def build(
    host: str,
    lattice: NDArray[np.float64],
    coords: NDArray[np.float64],
    sublattices: Sequence[str],
    species: Sequence[str],
    *,
    symprec: float = SYMPREC,
    edge: bool = False,
) -> Crystal:
    """Crystal of an explicit primitive cell; its space group is that of the sublattices.

    Raises
    ------
    StructureError
        If a number is not finite, two sites are nearer than 0.5 Å, or the cell is not primitive.
    """
    import spglib

    coords = np.asarray(coords, dtype=float) % 1.0
    if not (np.isfinite(lattice).all() and np.isfinite(coords).all()):  # spglib would crash
        raise StructureError(f"{host}: a lattice constant or coordinate is not a finite number")
    _check_distances(host, lattice, coords, list(species))
    kinds = list(dict.fromkeys(zip(sublattices, species)))
    numbers = [kinds.index(k) + 1 for k in zip(sublattices, species)]
    cell: Any = (lattice, coords, numbers)
    data = spglib.get_symmetry_dataset(cell, symprec=symprec)
    if data is None:
        raise StructureError(f"{host}: no space group found at symprec {symprec} Å")
    if len(np.unique(data.rotations, axis=0)) != len(data.rotations):
        raise StructureError(f"{host}: the cell of {len(coords)} sites is not primitive")
    order = np.lexsort(np.hstack([data.rotations.reshape(-1, 9), data.translations]).T[::-1])
    return Crystal(
        host,
        np.asarray(lattice, dtype=float),
        coords,
        tuple(sublattices),
        tuple(species),
        np.asarray(data.rotations[order], dtype=np.int64),
        np.asarray(data.translations[order], dtype=float),
        int(data.number),
        symprec,
        edge,
    )


def with_sublattice(crystal: Crystal, name: str, coords: NDArray[np.float64]) -> Crystal:
    """Add an empty sublattice, e.g. interstitial sites; the space group stays that of the host.

    Raises
    ------
    StructureError
        If a new site lies nearer than 0.5 Å to another, or the sites are not a union of orbits.
    """
    new = np.asarray(coords, dtype=float).reshape(-1, 3) % 1.0
    everything = np.vstack([crystal.coords, new])
    labels = [*crystal.species, *([VACANCY] * len(new))]
    _check_distances(f"{crystal.host}: sublattice {name}", crystal.lattice, everything, labels)
    out = replace(
        crystal,
        coords=everything,
        sublattices=(*crystal.sublattices, *([name] * len(new))),
        species=tuple(labels),
    )
    site_images(out)
    return out


def site_images(crystal: Crystal) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Image of each site under each operation: site, shape (g, n), and cell, shape (g, n, 3).

    Raises
    ------
    StructureError
        If an operation does not carry the sites onto each other within `symprec` (or 1e-3 Å).
    """
    x = np.einsum("gij,nj->gni", crystal.rotations, crystal.coords)
    x += crystal.translations[:, None, :]
    site = np.empty(x.shape[:2], dtype=np.int64)
    worst = 0.0
    for g, image in enumerate(x):
        distance = periodic.distances(crystal.lattice, image, crystal.coords)
        site[g] = distance.argmin(axis=1)
        worst = max(worst, float(distance.min(axis=1).max()))
    if worst > max(2 * crystal.symprec, 1e-3):
        raise StructureError(
            f"{crystal.host}: the sites are no union of symmetry orbits: an operation of space "
            f"group {crystal.spacegroup} carries one {worst:.3g} Å away from the next"
        )
    cell = np.round(x - crystal.coords[site]).astype(np.int64)
    return site, cell


def from_structure(
    structure: Structure, host: str | None = None, *, symprec: float = SYMPREC
) -> Crystal:
    """Primitive crystal of any pymatgen structure; each symmetry orbit is a sublattice.

    The basis, origin and order of sites are made canonical, so that the same crystal from
    another file, in another orientation or as a supercell, gives the same identities.

    Parameters
    ----------
    host
        Name that enters the identity; by default the formula and a digest of the crystal.
    symprec
        Å, tolerance of the space group.

    Raises
    ------
    StructureError
        If a site is partly occupied (say what to fill it with instead) or two overlap.
    """
    return with_sites(structure, host, symprec=symprec)[0]


def with_sites(
    structure: Structure, host: str | None = None, *, symprec: float = SYMPREC
) -> tuple[Crystal, NDArray[np.int64]]:
    """Crystal as :func:`from_structure` makes it, and its site for each site of the structure.

    Raises
    ------
    StructureError
        As :func:`from_structure`.
    """
    from defectra.structures.presentation import canonical_presentation

    _check_ordered(structure)
    import spglib

    species = [site.specie.symbol for site in structure]
    for symbol in dict.fromkeys(species):
        check_element(symbol, "sites of the file")
    formula = structure.composition.reduced_formula
    _check_distances(formula, structure.lattice.matrix, structure.frac_coords, species)
    kinds = sorted(set(species))
    cell: Any = (structure.lattice.matrix, structure.frac_coords, [kinds.index(s) for s in species])
    numbers = [getattr(spglib.get_symmetry_dataset(cell, symprec=p), "number", 0) for p in EDGE]
    found = spglib.standardize_cell(cell, to_primitive=True, no_idealize=False, symprec=symprec)
    if found is None:
        raise StructureError(f"no space group found at symprec {symprec} Å; try a smaller one")
    lattice, coords = (np.asarray(v, dtype=float) for v in found[:2])
    shown = canonical_presentation(lattice, coords, [kinds[k] for k in found[2]])
    host = host or f"{formula}-{shown.digest}"
    args = (shown.lattice, shown.coords)
    plain = build(host, *args, shown.species, shown.species, symprec=symprec)
    crystal = replace(plain, sublattices=_orbit_names(plain), edge=len(set(numbers)) > 1)
    return crystal, np.argsort(shown.order)[_primitive_sites(cell, lattice, coords, symprec)]


def _primitive_sites(
    cell: Any, lattice: NDArray[np.float64], coords: NDArray[np.float64], symprec: float
) -> NDArray[np.int64]:
    """Site of the idealised primitive cell that each site of a cell is an image of."""
    import spglib

    data: Any = spglib.get_symmetry_dataset(cell, symprec=symprec)
    inside = np.asarray(data.std_positions) @ data.std_lattice @ np.linalg.inv(lattice)
    distance = periodic.distances(lattice, inside, coords)
    site_of = dict(zip(data.std_mapping_to_primitive, distance.argmin(axis=1)))
    return np.array([site_of[k] for k in data.mapping_to_primitive], dtype=np.int64)


def _orbit_names(crystal: Crystal) -> tuple[str, ...]:
    """``Ni`` if an element has one orbit, else ``Ni1``, ``Ni2`` ... in order of sites."""
    orbits = site_images(crystal)[0].min(axis=0)
    names = []
    for site, orbit in enumerate(orbits):
        element = crystal.species[site]
        own = sorted({int(o) for o, s in zip(orbits, crystal.species) if s == element})
        names.append(element if len(own) == 1 else f"{element}{own.index(int(orbit)) + 1}")
    return tuple(names)


def _check_ordered(structure: Structure) -> None:
    for number, site in enumerate(structure):
        if not site.is_ordered:
            raise StructureError(
                f"site {number} is partly occupied ({site.species_string}); give the file with "
                "one species on each site and ask for the occupation as an ordering of that "
                "sublattice"
            )


def _check_distances(
    host: str, lattice: NDArray[np.float64], coords: NDArray[np.float64], labels: list[str]
) -> None:
    image = periodic.repeat(lattice)
    if image < CLOSEST:
        raise StructureError(f"{host}: the cell repeats after {image:.3f} Å; are its units Å?")
    for i in range(len(coords) - 1):
        distance = periodic.distances(lattice, coords[i], coords[i + 1 :])[0]
        j = int(distance.argmin())
        if distance[j] < CLOSEST:
            raise StructureError(
                f"{host}: sites {i} ({labels[i]}) and {i + 1 + j} ({labels[i + 1 + j]}) overlap: "
                f"{distance[j]:.3f} Å apart, at least {CLOSEST} Å is needed"
            )
