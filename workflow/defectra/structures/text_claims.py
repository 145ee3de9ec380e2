"""What XSF, CSSR and SHELX files say that their readers in pymatgen and ASE pass over."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core import Structure

# of an XSF file: periodic in fewer than three directions
_FEWER = re.compile(r"^\s*(MOLECULE|ATOMS|POLYMER|SLAB|DIM-GROUP\s+[012]\b)", re.M)
_LATTICE = re.compile(r"^\s*LATT\s+(-?\d+)", re.M | re.I)
_SYMMETRY = re.compile(r"^\s*SYMM\s+(.+)", re.M | re.I)


def compare(name: str, text: str, found: Structure) -> None:
    """Refuse a structure that is not what its file states.

    Parameters
    ----------
    name
        Of the file, without the ending of a packed one.

    Raises
    ------
    ValueError
        If an XSF or CSSR file states another number of atoms, an XSF file is periodic in fewer
        than three directions, or a SHELX file has symmetry that its reader does not apply.
    """
    kind = name.lower().rpartition(".")[2]
    if kind == "res":
        _shelx(text)
    elif kind == "cssr" or re.search(r"^\s*PRIMCOORD\b", text, re.M):
        _counted(text, found, kind == "cssr")


def _counted(text: str, found: Structure, cssr: bool) -> None:
    fewer = None if cssr else _FEWER.search(text)
    if fewer:
        raise ValueError(f"{fewer[1].split()[0]}: not periodic in three directions, no crystal")
    claim = r"\A[^\n]*\n[^\n]*\n\s*(\S+)" if cssr else r"^\s*PRIMCOORD\b[^\n]*\n\s*(\S+)"
    for stated in re.finditer(claim, text, re.M):
        below = text[stated.end() :].split("\n")[1:]
        rows = list(takewhile(lambda x: len(x.split()) > 3, below))
        if stated[1] != str(len(found)) or not (cssr or len(rows) == len(found)):
            raise ValueError(
                f"the file states {stated[1]} atoms, {len(found)} were read: cut, or damaged lines"
            )


def _shelx(text: str) -> None:
    """Without ``LATT`` SHELX takes a primitive cell with an inversion centre (1)."""
    lattice = _LATTICE.search(text)
    number = int(lattice[1]) if lattice else 1
    symmetry = _SYMMETRY.search(text)
    if number != -1 or symmetry:
        what = f"SYMM {symmetry[1].strip()}" if symmetry else f"LATT {number}"
        raise ValueError(
            f"{what}: the symmetry of a SHELX file is not applied here; write all atoms of the "
            "cell with LATT -1, or give a CIF"
        )
