"""Structures that a finished run can have: its own files and cell, then files near it."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.core.errors import EngineError, StructureError, StructureWarning
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.finished.reader import Reading
from defectra.engines.xspectra import cells

if TYPE_CHECKING:
    from pymatgen.core import Structure

UP = 3  # folders above the run that are searched for a structure
NAMES = re.compile(r"(^(POSCAR|CONTCAR))|\.(m?cif|vasp|poscar)$", re.I)


@dataclass(frozen=True)
class Candidate:
    """A structure that may be that of a run.

    Attributes
    ----------
    source
        Its file; empty for the cell that the input spells out.
    structure
        None if it cannot be read; then `reason` says why.
    listed
        For each site its number in the asymmetric list of the file; empty if there is none.
    own
        Whether the run itself names it: site numbers of the input count its sites.
    """

    source: str
    name: str
    structure: Structure | None
    reason: str = ""
    listed: tuple[int, ...] = ()
    own: bool = False


def levels(reading: Reading, folder: Path, root: Path) -> Iterator[list[Candidate]]:
    """Candidates, those that come together in one list, the likeliest first.

    Files that the run names; the folders from its own upwards, not above `root`; the cell of the
    input (at once, where the input states a site number: that counts its sites).
    """
    numbered = reading.absorber.index is not None or reading.absorber.listed is not None
    for path in reading.structures:
        yield [load(path, own=True)]
    if numbered:
        yield _spelt(reading)
    for paths in _nearby(folder, root):
        yield [load(p) for p in paths if p not in reading.structures]
    if not numbered:
        yield _spelt(reading)


def _spelt(reading: Reading) -> list[Candidate]:
    if reading.own_structure is None:
        return []
    name, structure, reason = "cell in the input", None, ""
    try:
        structure = _build(*reading.own_structure)
    except (ValueError, EngineError) as error:
        reason = f"is no cell: {error}"
    return [Candidate("", name, structure, reason, reading.own_listed, own=True)]


def _nearby(folder: Path, root: Path) -> Iterator[list[Path]]:
    above = folder
    for _ in range(UP + 1):
        with os.scandir(above) as entries:  # a folder above may hold thousands of runs
            named = [above / e.name for e in entries if NAMES.search(plain_name(e.name))]
        yield sorted(p for p in named if p.is_file())
        if above in (root, above.parent):
            break
        above = above.parent


def load(path: Path, *, own: bool = False) -> Candidate:
    """Structure of a file, or why it cannot be read; what a reader warns of is in the reason."""
    structure, reason, listed = _read(path, stamp(path))
    return Candidate(str(path), path.name, structure, reason, listed, own)


def stamp(path: Path) -> tuple[int, int]:
    """Time and size of a file, by which a changed one is known; zeros if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _read(path: Path, _stamp: tuple[int, int]) -> tuple[Structure | None, str, tuple[int, ...]]:
    from defectra.structures.io import read_structure

    name = plain_name(path).lower()
    if name == "input.xml":
        return _by(_exciting, path)
    if not NAMES.search(plain_name(path)):
        return _by(_pw, path)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            structure = read_structure(path)
    except StructureError as error:
        return None, str(error).removeprefix(f"{path}: "), ()
    if not structure.is_ordered:
        return None, "has partly occupied sites", ()
    return structure, _told(said), tuple(structure.site_properties.get("listed", ()))


def _told(said: list[warnings.WarningMessage]) -> str:
    return "; ".join(str(w.message) for w in said if w.category is StructureWarning)


def _by(reader: Any, path: Path) -> tuple[Structure | None, str, tuple[int, ...]]:
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = reader(path)
        return found, _told(said), ()
    except Exception as error:  # the parsers of others raise whatever comes
        return None, f"{type(error).__name__}: {' '.join(str(error).split())[:120]}", ()


def _exciting(path: Path) -> Structure:
    from pymatgen.io.exciting import ExcitingInput

    return _mutable(ExcitingInput.from_file(str(path)).structure)


def _pw(path: Path) -> Structure:
    """Cell of an input or output of pw.x; the elements are those of its types, by our rule."""
    from io import StringIO

    from ase.io import read
    from pymatgen.io.ase import AseAtomsAdaptor

    text = read_text(path)
    if "Program PWSCF" not in text:
        lattice, species, coords = cells.read(text)
        return _build(lattice, species, coords)
    atoms: Any = read(StringIO(text), format="espresso-out")  # ASE reads meaning into names
    return _mutable(AseAtomsAdaptor.get_structure(atoms))


def _mutable(found: Any) -> Structure:
    from pymatgen.core import Structure

    from defectra.structures.cell_checks import checked

    return checked(Structure(found.lattice, [s.specie for s in found], found.frac_coords))


def _build(lattice: Any, species: list[str], coords: Any) -> Structure:
    from pymatgen.core import Structure

    from defectra.structures.cell_checks import checked

    if not len(species) or not all(species):
        raise ValueError("no atoms, or a type that is no element")
    checked(Structure(lattice, species, coords))  # as listed: what lies far outside is damaged
    return Structure(lattice, species, coords, to_unit_cell=True)
