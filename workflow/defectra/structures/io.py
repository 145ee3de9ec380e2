"""In and out: decorated ideal lattices to pymatgen, files, and back."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError, StructureError, StructureWarning
from defectra.core.paths import why_no_file
from defectra.core.textfiles import Ending, plain_name, read_text
from defectra.structures import text_claims
from defectra.structures.cell_checks import checked
from defectra.structures.cif import read_cif
from defectra.structures.crystal import SYMPREC, VACANCY, Crystal, from_structure
from defectra.structures.identity import Decorated, atoms_of, orbit_labels
from defectra.structures.integers import Matrix, cell_index
from defectra.structures.poscar import before_grid, read_poscar
from defectra.structures.supercells import Supercell

if TYPE_CHECKING:
    from pymatgen.core import Structure

Vectors = NDArray[np.float64]
LARGEST = 50_000_000  # bytes of a structure file
# Text formats of ASE whose readers only parse.
ASE_FORMATS = {"aims", "extxyz", "espresso-in", "gen", "res", "xsf", "xyz"}
_CIF = re.compile(r"^\s*(?:#.*\s+)*data_\S*\s", re.I)
_CIF_NAME = re.compile(r"\.m?cif$", re.I)
_POSCAR_NAME = re.compile(r"POSCAR|CONTCAR|XDATCAR|\.vasp$", re.I)
_GRID_NAME = re.compile(r"^(?:CHGCAR|CHG|AECCAR\d|LOCPOT|PARCHG|ELFCAR)(?![a-z])", re.I)


def read_crystal(
    path: str | Path, host: str | None = None, *, symprec: float = SYMPREC, block: str | None = None
) -> Crystal:
    """Primitive crystal of a CIF, POSCAR or any file that pymatgen or ASE reads.

    Raises
    ------
    StructureError
        If the file is not there, cannot be read, or has partly occupied sites.
    """
    structure = read_structure(path, block)
    try:
        return from_structure(structure, host, symprec=symprec)
    except StructureError as error:
        raise StructureError(f"{path}: {error}") from None


def read_structure(path: str | Path, block: str | None = None) -> Structure:
    """Pymatgen structure of a file; CIF and POSCAR by our own readers, others by pymatgen, ASE.

    ASE is asked for text formats alone: some of its readers unpickle what they are given. What
    pymatgen or ASE warn of is passed on (StructureWarning).

    Parameters
    ----------
    block
        Data block of a CIF with several crystals.

    Raises
    ------
    StructureError
        If the file is not there, too large, damaged, of no known format, or ambiguous.
    """
    path = Path(path)
    if not path.is_file():
        raise StructureError(f"{path}: {why_no_file(path)}")
    if path.stat().st_size > LARGEST:
        raise StructureError(f"{path}: over {LARGEST} bytes; give one cell, not a trajectory")
    own = _own_reader(path, block)
    if own is None and block is not None:
        raise StructureError(f"{path}: a block was named, but this is no CIF")
    return _named(path, own) if own else _by_others(path)


def _own_reader(path: Path, block: str | None) -> Callable[[], Structure] | None:
    """Reader of a CIF or POSCAR, by name and else by content; None for other formats."""
    name = plain_name(path)
    try:
        text = read_text(path, most=LARGEST)
    except EngineError as error:
        raise StructureError(f"{path}: {error}") from None
    mine = any(n.search(name) for n in (_CIF_NAME, _POSCAR_NAME, _GRID_NAME))
    if mine and "\0" in text:
        raise StructureError(f"{path}: not a structure file: binary data")
    if _CIF_NAME.search(name) or (_CIF.search(text[:4000]) and "_cell_length_a" in text.lower()):
        return lambda: read_cif(text, block)
    if _POSCAR_NAME.search(name):
        return lambda: read_poscar(text)
    if _GRID_NAME.search(name):
        return lambda: read_poscar(before_grid(text))
    return None


def _named(path: Path, reader: Callable[[], Structure]) -> Structure:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", StructureWarning)
        try:
            found = checked(reader())
        except (StructureError, ValueError) as error:
            raise StructureError(f"{path}: {error}") from None
    for other in said:
        if other.category is not StructureWarning:
            warnings.warn_explicit(
                other.message, other.category, other.filename, other.lineno, source=other.source
            )
    _pass_on(path, [w for w in said if w.category is StructureWarning])
    return found


def _by_others(path: Path) -> Structure:
    """Structure by pymatgen, else ASE; their warnings are passed on with the name of the file."""
    from pymatgen.core import Structure

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = checked(Structure.from_file(path))
        except Exception as error:  # the parsers of others raise whatever comes
            found = _ase_or_refused(path, f"{type(error).__name__}: {error}")
    try:
        text_claims.compare(plain_name(path), read_text(path, most=LARGEST), found)
    except ValueError as error:
        raise StructureError(f"{path}: {error}") from None
    _pass_on(path, said)
    return found


def _pass_on(path: Path, said: list[warnings.WarningMessage]) -> None:
    for text in dict.fromkeys(" ".join(str(w.message).split()) for w in said):
        warnings.warn(f"{path.name}: {text}", StructureWarning, stacklevel=4)


def _ase_or_refused(path: Path, reason: str) -> Structure:
    try:
        return checked(_by_ase(path))
    except Exception as error:  # the parsers of others raise whatever comes
        strange = re.search(r"Unrecognized extension|No module named", reason)
        if re.search(r"\.(?:json|ya?ml)$", plain_name(path), re.I):
            reasons = f"no structure as pymatgen writes it ({reason})"
        elif "unknown format" in str(error):
            reasons = str(error) if strange else reason
        else:
            known = "" if strange else f"{reason}; "
            reasons = f"{known}ASE: {error or type(error).__name__}"
    text = " ".join(reasons.split())[:300]
    raise StructureError(f"{path}: not a structure file that can be read: {text}")


def _by_ase(path: Path) -> Structure:
    from ase.io.formats import filetype
    from pymatgen.io.ase import AseAtomsAdaptor

    kind = filetype(str(path), read=True)
    if kind == "vasp":
        return read_poscar(read_text(path))
    if kind not in ASE_FORMATS:
        known = ", ".join(sorted({*ASE_FORMATS, "cif", "vasp"}))
        raise ValueError(f"unknown format {kind}; known: {known}")
    if kind == "espresso-in":
        return _of_pwscf(read_text(path))
    frames = _frames(path, kind)
    if len(frames) != 1:
        raise ValueError(f"{len(frames)} cells in one file (a trajectory): give one of them")
    atoms = frames[0]
    if not all(atoms.pbc):
        raise ValueError("not periodic in all three directions (pbc): state a crystal's cell")
    for own in atoms.info.get("occupancy", {}).values():  # ASE keeps one species of each site
        if abs(sum(own.values()) - 1) > 1e-3 or len(own) > 1:
            raise ValueError(f"a site is occupied by {own}, not by one species")
    return AseAtomsAdaptor.get_structure(atoms)


def _frames(path: Path, kind: str) -> list[Any]:
    from ase.io import read
    from ase.io.formats import ioformats

    if not ioformats[kind].acceptsfd:
        if "@" in str(path):  # ASE takes what follows for the number of a frame
            raise ValueError("a name with @; rename the file")
        return list(read(str(path), index=":", format=kind))
    # A handle: ASE reads meaning into names.
    handle = Ending(path.read_text(encoding="utf-8"))
    return list(read(handle, index=":", format=kind))


def _of_pwscf(text: str) -> Structure:
    """Cell of an input of pw.x; elements by mass and pseudopotential, not by label alone."""
    from pymatgen.core import Structure

    from defectra.engines.xspectra import cells

    lattice, species, coords = cells.read(text)
    return Structure(lattice, species, coords)


def to_structure(decorated: Decorated) -> Structure:
    """Pymatgen structure without the empty sites; orbit labels and site numbers as properties."""
    from pymatgen.core import Lattice, Structure

    kept = atoms_of(decorated)
    labels = orbit_labels(decorated)
    cell = decorated.supercell
    return Structure(
        Lattice(cell.lattice),
        [decorated.species[i] for i in kept],
        cell.coords[kept],
        charge=decorated.charge,
        site_properties={"orbit": [labels[i] for i in kept], "site": kept},
    )


def identify(
    structure: Structure,
    crystal: Crystal,
    *,
    tolerance: float = 0.3,
    charge: int = 0,
    defects: tuple[str, ...] = (),
) -> Decorated:
    """Decoration of `crystal` that a structure in any order, origin and orientation is.

    Of all ways to lay it on the sites the one that changes the fewest default species, then the
    one with the smallest displacements.

    Parameters
    ----------
    tolerance
        Å, largest displacement from an ideal site; the cell may be strained by 3 %.
    defects
        Names, if the structure has defects: then its supercell is part of its identity.

    Raises
    ------
    StructureError
        If the structure does not fit; the message names the smallest displacement found.
    """
    best: tuple[tuple[int, float], Supercell, NDArray[np.int64]] | None = None
    closest = np.inf
    structure = _in_short_vectors(structure)
    for matrix in _matrices(structure.lattice.matrix, crystal.lattice):
        cell = Supercell(crystal, matrix)
        for sites, worst, spread in _layings(structure, cell):
            closest = min(closest, worst)
            if worst > tolerance or len(set(sites.tolist())) < len(sites):
                continue
            score = (_changed(structure, cell, sites), round(spread, 4))
            if best is None or score < best[0]:
                best = (score, cell, sites)
    if best is None:
        raise StructureError(
            f"the structure does not fit {crystal.host}: "
            + (
                f"a site is {closest:.2f} Å from the ideal one, allowed are {tolerance} Å"
                if np.isfinite(closest)
                else "its cell is no supercell of the primitive one (3 % strain allowed)"
            )
        )
    _, cell, sites = best
    species = [VACANCY] * len(cell.coords)
    for site, atom in zip(sites, structure):
        species[site] = atom.specie.symbol
    return Decorated(cell, tuple(species), charge, defects)


def _in_short_vectors(structure: Structure) -> Structure:
    """The same crystal in short vectors of its lattice: fewer supercells have their lengths.

    Atoms keep their order. Algorithm of Lenstra, Lenstra and Lovász, Math. Ann. 261, 515 (1982).
    """
    from pymatgen.core import Structure

    short = structure.lattice.get_lll_reduced_lattice()
    return Structure(short, structure.species, structure.cart_coords, coords_are_cartesian=True)


def _changed(structure: Structure, cell: Supercell, sites: NDArray[np.int64]) -> int:
    default = cell.species
    kept = sum(default[i] == atom.specie.symbol for i, atom in zip(sites, structure))
    return sum(s != VACANCY for s in default) - kept + (len(sites) - kept)


def _matrices(lattice: Vectors, primitive: Vectors, strain: float = 0.03) -> Iterator[Matrix]:
    """Integer matrices whose supercell has the metric of `lattice`, of the same handedness."""
    lengths = np.linalg.norm(lattice, axis=1)
    heights = 1 / np.linalg.norm(np.linalg.inv(primitive), axis=0)
    reach = np.floor(lengths.max() * (1 + strain) / heights).astype(int) + 1
    grid = np.array(list(np.ndindex(*(2 * reach + 1)))) - reach
    size = np.linalg.norm(grid @ primitive, axis=1)
    own = [grid[np.abs(size - length) < strain * length] for length in lengths]
    gram = lattice @ lattice.T
    hand = np.sign(np.linalg.det(lattice) * np.linalg.det(primitive))
    for first, second in product(own[0], own[1]):
        a, b = first @ primitive, second @ primitive
        if abs(a @ b - gram[0, 1]) > 2 * strain * lengths[0] * lengths[1]:
            continue
        c = own[2] @ primitive
        good = np.abs(c @ a - gram[0, 2]) < 2 * strain * lengths[0] * lengths[2]
        good &= np.abs(c @ b - gram[1, 2]) < 2 * strain * lengths[1] * lengths[2]
        for third in own[2][good]:
            matrix = np.array([first, second, third])
            if np.sign(round(float(np.linalg.det(matrix)))) == hand:
                yield matrix


def _layings(
    structure: Structure, cell: Supercell
) -> Iterator[tuple[NDArray[np.int64], float, float]]:
    """Ways to lay the atoms on the sites: sites, largest and mean-square displacement."""
    crystal = cell.crystal
    symbols = [atom.specie.symbol for atom in structure]
    anchor = min(range(len(symbols)), key=lambda i: (symbols.count(symbols[i]), i))
    inside = structure.frac_coords @ cell.matrix
    for parent in crystal.coords:
        moved = inside + (parent - inside[anchor])
        for _ in range(2):
            delta = moved[:, None, :] - crystal.coords[None, :, :]
            delta -= np.round(delta)
            distance = np.linalg.norm(delta @ crystal.lattice, axis=2)
            nearest = distance.argmin(axis=1)
            rows = np.arange(len(moved))
            moved = moved - delta[rows, nearest].mean(axis=0)
        offset = np.round(moved - crystal.coords[nearest]).astype(np.int64)
        sites = nearest * cell.index + cell_index(offset, cell.hnf)
        shift = (moved - offset - crystal.coords[nearest]) @ crystal.lattice
        size = np.linalg.norm(shift, axis=1)
        yield sites, float(size.max()), float((size**2).mean())
