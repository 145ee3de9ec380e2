"""Which structure a run belongs to, and which of its sites absorbs."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from defectra.core.errors import EngineError, StructureError
from defectra.core.records import Origin
from defectra.engines.finished.reader import Absorber, Reading
from defectra.engines.finished.structures import Candidate, levels, load, stamp
from defectra.structures.geometry import as_row

if TYPE_CHECKING:
    from pymatgen.core import Structure

_TOLERANCE = 0.02  # Å, of the distances of a listed cluster
_FARTHEST = 50.0  # Å; no cluster is so wide
_SHELLS = 40  # atoms of the cluster that are compared
_INPUT = "input"
_NUMBER = re.compile(r"(?:^|[_\-])(\d{1,4})[_\-]([A-Z][a-z]?)$")


@dataclass(frozen=True)
class Paired:
    """A run with its structure and site; `rows` is None if no structure was found.

    Attributes
    ----------
    structure, geometry
        Rows of the tables of these names.
    index
        Absorbing site, from 0; None if it could not be determined.
    site, multiplicity
        Name and number of sites of its symmetry orbit.
    how
        How structure and site were found, for people.
    """

    structure: dict[str, Any] | None
    geometry: dict[str, Any] | None
    source: str
    index: int | None
    site: str
    multiplicity: int | None
    how: str


def pair(reading: Reading, folder: Path, root: Path) -> Paired:
    """Structure and site of a run.

    A structure that does not hold the elements of the run, or none of whose sites has the
    surroundings of the listed cluster, is passed over: a folder may have been moved beside another
    material. Where several different crystals of one folder fit, none is taken. A site number of
    the input counts the sites of the run's own structure, and is not asked of another file.
    """
    refused: list[str] = []
    for level in levels(reading, folder, root):
        fits = [p for p in (_fit(c, reading.absorber, folder, refused) for c in level) if p]
        chosen = _chosen(fits, refused)
        if chosen is not None:
            return chosen
        if fits:
            break
    how = "; ".join(refused) or "no structure file in the folder or up to three above"
    return Paired(None, None, "", None, "", None, how)


def _fit(found: Candidate, absorber: Absorber, folder: Path, refused: list[str]) -> Paired | None:
    if found.structure is None:
        refused.append(f"{found.name}: {found.reason}")
        return None
    asked = absorber if found.own else replace(absorber, index=None, listed=None)
    try:
        index, how = find_site(found.structure, asked, folder, found.listed)
    except EngineError as error:
        refused.append(f"{found.name}: {error}")
        return None
    source = found.source or _INPUT
    rows = _rows(Path(source), stamp(Path(source))) if found.source else rows_of(found.structure)
    structure, geometry, names = rows
    remark = "; ".join(t for t in (f"{found.name}; {how}", found.reason) if t)
    if index is None:
        return Paired(structure, geometry, source, None, "", None, remark)
    site = names[index]
    return Paired(structure, geometry, source, index, site, names.count(site), remark)


def _chosen(fits: list[Paired], refused: list[str]) -> Paired | None:
    """The one that fits; the cell before a relaxation, where both are there; None of several."""
    before = [f for f in fits if not Path(f.source).name.upper().startswith("CONTCAR")]
    kinds = {f.structure["structure_id"] for f in before or fits if f.structure}
    if len(kinds) > 1:
        names = ", ".join(Path(f.source).name for f in before or fits)
        refused.append(f"{names}: all fit, and are different crystals; leave that of the run")
        return None
    return next(iter(before or fits), None)


@lru_cache(maxsize=16)
def _rows(path: Path, _stamp: tuple[int, int]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """What :func:`rows_of` gives for a file: the sites of a cell often lie side by side."""
    structure = load(path).structure
    assert structure is not None
    return rows_of(structure)


def find_site(
    structure: Structure, absorber: Absorber, folder: Path, listed: tuple[int, ...] = ()
) -> tuple[int | None, str]:
    """Absorbing site of a structure, and how it was determined.

    Parameters
    ----------
    listed
        For each site its number in the asymmetric list; empty if the structure has none.

    Raises
    ------
    EngineError
        ``wrong_structure`` if the structure cannot be that of the run.
    """
    species = [s.specie.symbol for s in structure]
    element = absorber.element
    _check_elements(species, absorber)
    if absorber.shells:
        return _by_surroundings(structure, species, absorber)
    if absorber.listed is not None:
        index = _first_of(absorber.listed, listed, len(species))
        absorber = replace(absorber, index=index)
    if absorber.index is not None:
        if not 0 <= absorber.index < len(species):
            raise EngineError("wrong_structure", f"has no site {absorber.index}")
        if element and species[absorber.index] != element:
            raise EngineError(
                "wrong_structure",
                f"site {absorber.index} is {species[absorber.index]}, the run is of {element}",
            )
        return absorber.index, absorber.label
    named = _NUMBER.search(folder.name)
    if named and named.group(2) == element and int(named.group(1)) < len(species):
        index = int(named.group(1))
        if species[index] == element:
            return index, f"number in the name of the folder {folder.name}"
    sites = [i for i, s in enumerate(species) if s == element]
    orbits = orbit_labels(structure)
    if len({orbits[i] for i in sites}) == 1:
        return sites[0], f"the only kind of {element} site"
    return None, f"{len(sites)} sites of {element or 'the element'}, nothing says which"


def _first_of(number: int, listed: tuple[int, ...], sites: int) -> int:
    """First site of the cell that comes from a listed one; without a list the number itself.

    Raises
    ------
    EngineError
        ``wrong_structure`` if there is none such.
    """
    numbers = listed or tuple(range(sites))
    if number not in numbers:
        raise EngineError("wrong_structure", f"lists no site {number + 1}")
    return numbers.index(number)


def _check_elements(species: list[str], absorber: Absorber) -> None:
    wanted = absorber.others | ({absorber.element} if absorber.element else set())
    missing = sorted(wanted - set(species))
    if missing:
        raise EngineError("wrong_structure", f"has no {', '.join(missing)}, the run has")
    foreign = sorted(set(species) - wanted)
    if absorber.others and foreign:
        raise EngineError("wrong_structure", f"has {', '.join(foreign)}, the run has not")


def _by_surroundings(
    structure: Structure, species: list[str], absorber: Absorber
) -> tuple[int, str]:
    """The site whose neighbours have the elements and distances of the listed cluster."""
    shells = absorber.shells[:_SHELLS]
    radius = shells[-1][1] + 2 * _TOLERANCE
    if not radius < _FARTHEST:
        raise EngineError("wrong_structure", f"the input lists an atom at {radius:.3g} Å")
    orbits = orbit_labels(structure)
    candidates = [i for i, s in enumerate(species) if s == shells[0][0]]
    first = {orbits[i]: i for i in reversed(candidates)}
    worst = np.inf
    for index in sorted(first.values()):
        found = structure.get_sites_in_sphere(structure[index].coords, radius)
        worst = min(worst, _misfit(found, shells))
        if worst <= _TOLERANCE:
            return index, f"surroundings of {len(shells)} atoms agree within {worst:.3f} Å"
    raise EngineError(
        "wrong_structure",
        f"no {shells[0][0]} site has the surroundings listed in the input (nearest: {worst:.2f} Å)",
    )


def _misfit(found: list[Any], shells: tuple[tuple[str, float], ...]) -> float:
    """Largest difference of distances, element by element; infinite if atoms are missing."""
    have: dict[str, list[float]] = {}
    for neighbour in found:
        have.setdefault(neighbour.specie.symbol, []).append(float(neighbour.nn_distance))
    worst = 0.0
    for element, number in Counter(e for e, _ in shells).items():
        own = sorted(have.get(element, []))[:number]
        wanted = sorted(d for e, d in shells if e == element)
        if len(own) < number:
            return float("inf")
        worst = max(worst, float(np.abs(np.subtract(own, wanted)).max()))
    return worst


def orbit_labels(structure: Structure) -> list[str]:
    """Symmetry orbit of each site of the cell as it is, e.g. ``Cu3``."""
    import spglib

    from defectra.structures.crystal import SYMPREC

    species = [s.specie.symbol for s in structure]
    kinds = sorted(set(species))
    cell: Any = (structure.lattice.matrix, structure.frac_coords, [kinds.index(s) for s in species])
    data = spglib.get_symmetry_dataset(cell, symprec=SYMPREC)
    first = range(len(species)) if data is None else data.equivalent_atoms
    return [f"{species[i]}{int(i)}" for i in first]


def rows_of(structure: Structure) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Structures and geometries row of a cell as it is, and the name of each site.

    A site is named by its orbit in the canonical primitive cell: the same site of the same
    crystal has one name in every file, whatever the order of the sites, and no other site has it.
    """
    species = [s.specie.symbol for s in structure]
    lattice, coords = structure.lattice.matrix, structure.frac_coords
    name, host, orbits = identity(structure)
    amounts = Counter(species)
    formula = " ".join(f"{s}{n}" for s, n in amounts.items())
    row = {
        "structure_id": name,
        "study": "import",
        "host": host,
        "formula": formula,
        "composition": formula,
        "ordering": 0,
        "lithium": float("nan"),
        "defect": "unknown",
        "defect_sites": [],
        "charge": 0,
        "supercell": [1, 0, 0, 0, 1, 0, 0, 0, 1],
        "multiplicity": 1,
        "parent_id": name,
        "family": name,
        "family_sites": list(range(len(species))),
        "seed": 0,
        "rank": 0,
        "lattice": [float(v) for v in lattice.ravel()],
        "species": species,
        "coords": [float(v) for v in coords.ravel()],
        "site_labels": orbits,
    }
    geometry = as_row(row, "parsed", lattice, coords) | {"origin": str(Origin.PARSED)}
    return row, geometry, orbits


def identity(structure: Structure) -> tuple[str, str, list[str]]:
    """structure_id, host and site names: those of the crystal, so that copies are one structure.

    A cell that the factory refuses (atoms that overlap) is named by its coordinates, its sites by
    their numbers.
    """
    from defectra.structures.crystal import site_images, with_sites
    from defectra.structures.identity import pristine, structure_id
    from defectra.structures.supercells import Supercell

    try:
        crystal, sites = with_sites(structure)
        first = site_images(crystal)[0].min(axis=0)
        names = [f"{crystal.species[k]}{int(first[k])}" for k in sites]
        cell = Supercell(crystal, np.eye(3, dtype=np.int64))
        return structure_id(pristine(cell)), crystal.host, names
    except StructureError:
        numbers = np.round(np.vstack([structure.lattice.matrix, structure.cart_coords]), 3) + 0.0
        text = structure.formula + " ".join(f"{v:.3f}" for v in numbers.ravel())
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        return name, structure.composition.reduced_formula, orbit_labels(structure)
