"""POSCAR files, read line by line as VASP 5 writes them; what is missing is never guessed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError, StructureWarning
from defectra.core.fortran import real

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?$")
UNWRAPPED = 2.0  # fractions; atoms that moved farther look like coordinates in Å
_MODES = {"d": False, "c": True, "k": True}


def read_poscar(text: str, known: Sequence[str] = ()) -> Structure:
    """Crystal of a POSCAR or CONTCAR.

    Element names come from line 6, or from the ends of the lines of coordinates; never from the
    comment in line 1.

    Parameters
    ----------
    known
        Elements of the blocks, from elsewhere (POTCAR, OUTCAR), for a file that names none.

    Raises
    ------
    StructureError
        Naming the line and what is wrong there.
    """
    from pymatgen.core import Lattice, Structure

    lines = text.splitlines()
    scales = _numbers(lines, 2, (1, 3))
    vectors = np.array([_numbers(lines, n, (3,)) for n in (3, 4, 5)])
    names, counts, at = _blocks(lines)
    if at <= len(lines) and _line(lines, at).strip()[:1].lower() == "s":
        at += 1
    mode = _line(lines, at).strip()[:1].lower()
    if mode not in _MODES:
        raise StructureError(
            f"line {at}: 'Direct' or 'Cartesian' is expected, found {_line(lines, at).strip()!r}"
        )
    rows = [_numbers(lines, at + 1 + k, (3,), open_end=True) for k in range(sum(counts))]
    _check_end(lines, at + 1 + len(rows), counts)
    per_atom = _names_at_ends(lines[at : at + len(rows)])
    names = names or (list(known) if len(known) == len(counts) and not any(per_atom) else [])
    species = _species(names, counts, per_atom)
    factor = _factor(scales, vectors)
    if not _MODES[mode] and np.abs(rows).max() > UNWRAPPED:
        warnings.warn(
            f"Direct coordinates up to {np.abs(rows).max():.3g}: taken as fractions of the cell",
            StructureWarning,
            stacklevel=2,
        )
    coords = np.array(rows) * (factor if _MODES[mode] else 1.0)
    lattice = Lattice(vectors * factor)
    return Structure(lattice, species, coords, coords_are_cartesian=_MODES[mode])


def lattice_of(text: str) -> Floats:
    """Vectors of the cell of a POSCAR as rows, Å, shape (3, 3).

    Raises
    ------
    StructureError
        If lines 2 to 5 do not say them.
    """
    lines = text.splitlines()
    vectors = np.array([_numbers(lines, n, (3,)) for n in (3, 4, 5)])
    return np.asarray(vectors * _factor(_numbers(lines, 2, (1, 3)), vectors))


def species_of(text: str, known: Sequence[str] = ()) -> tuple[list[str], list[int]]:
    """Elements and numbers of the blocks of a POSCAR, in its order; `known` as above.

    Raises
    ------
    StructureError
        If line 6 does not name elements, or line 7 does not count them.
    """
    lines = text.splitlines()
    names, counts, at = _blocks(lines)
    if not names and len(known) == len(counts):
        names = list(known)
    per_atom = _names_at_ends(lines[at : at + sum(counts)])
    if not names and per_atom and all(per_atom):
        names = [per_atom[sum(counts[:k])] for k in range(len(counts))]
    if not names:
        raise StructureError(_missing())
    return names, counts


def _missing() -> str:
    return (
        "line 6: numbers where the element symbols are expected (VASP 5): add a line such as "
        "'Li Co O' before it, in the order of the POTCAR; the words of line 1 are not taken"
    )


def _line(lines: list[str], number: int) -> str:
    if number > len(lines):
        raise StructureError(f"line {number}: the file ends before it; it is cut off")
    return lines[number - 1]


def _numbers(
    lines: list[str], number: int, lengths: tuple[int, ...], *, open_end: bool = False
) -> Floats:
    line = _line(lines, number)
    words = re.split(r"[!#]", line)[0].split()
    own = words[: lengths[-1]] if open_end else words
    bad = next((w for w in own if not _NUMBER.match(w)), None)
    if bad is not None or len(own) not in lengths:
        what = f"{bad!r} is no number" if bad is not None else f"{len(own)} numbers"
        hint = "; write decimal points, no commas" if "," in line else ""
        hint = hint or ("; the line is blank: take it out" if not line.strip() else "")
        raise StructureError(
            f"line {number}: {' or '.join(map(str, lengths))} number(s) expected, {what}{hint}"
        )
    values = np.array([real(w) for w in own])
    if not np.isfinite(values).all():
        raise StructureError(f"line {number}: a number that is not finite")
    return values


def element_of(name: str) -> str:
    """Element of a name that VASP writes, e.g. ``Ni_pv/5e0f28c``; empty if it is none."""
    from pymatgen.core import Element

    symbol = re.split(r"[_/.]", name)[0]
    return symbol if Element.is_valid_symbol(symbol) else ""


def _blocks(lines: list[str]) -> tuple[list[str], list[int], int]:
    """Elements (empty in a VASP 4 file), counts, and the line that follows."""
    words = re.split(r"[!#]", _line(lines, 6))[0].split()
    if not words:
        raise StructureError("line 6: blank; the element symbols are expected")
    if all(w.isdecimal() for w in words):
        return [], _counts(words, 6), 7
    names = [element_of(w) for w in words]
    if not all(names):
        raise StructureError(f"line 6: {words[names.index('')]!r} is no element symbol")
    counted = re.split(r"[!#]", _line(lines, 7))[0].split()
    counts = _counts(counted, 7)
    if len(counts) != len(names):
        raise StructureError(f"line 7: {len(counts)} counts for {len(names)} symbols of line 6")
    return names, counts, 8


def _counts(words: list[str], number: int) -> list[int]:
    if not words or not all(w.isdecimal() and int(w[:9]) > 0 for w in words):
        raise StructureError(f"line {number}: counts of atoms are expected, found {words}")
    counts = [int(w[:9]) for w in words]
    if sum(counts) > 100_000:
        raise StructureError(f"line {number}: {sum(counts)} atoms")
    return counts


def _check_end(lines: list[str], number: int, counts: list[int]) -> None:
    """Refuse further coordinates, a further frame or cell; velocities follow a blank line."""
    n = sum(counts)
    rest = [line.split() for line in lines[number - 1 :]]
    if rest and _is_row(rest[0]):
        raise StructureError(f"line {number}: more coordinates than the {n} atoms that are counted")
    filled = next((k for k, words in enumerate(rest) if words), len(rest))
    rows = next(
        (k for k, words in enumerate(rest[filled:]) if not _is_row(words)), len(rest) - filled
    )
    if rows not in (0, n) and rows < n:
        raise StructureError(
            f"line {number + filled}: {rows} row(s) after the coordinates, which are no velocities "
            f"of {n} atoms: coordinates that are not counted?"
        )
    before: list[str] = []
    for k, words in enumerate(rest):
        if words and words[0][0].lower() == "s":  # selective dynamics, between counts and mode
            continue
        counted = bool(before) and all(w.isdecimal() for w in before)
        if (
            words
            and words[0][0].lower() in _MODES
            and (counted or "configuration" in " ".join(words).lower())
        ):
            raise StructureError(
                f"line {number + k}: a second cell or frame begins: keep one (of an XDATCAR, the "
                "lines of one configuration)"
            )
        before = words


def _is_row(words: list[str]) -> bool:
    return len(words) >= 3 and all(_NUMBER.match(w) for w in words[:3])


def before_grid(text: str) -> str:
    """The POSCAR at the head of a file of values on a grid (CHGCAR, LOCPOT)."""
    lines = text.splitlines()
    end = next((k for k, line in enumerate(lines) if k > 7 and not line.strip()), len(lines))
    return "\n".join(lines[:end])


def _names_at_ends(rows: list[str]) -> list[str]:
    """Element that each row names after its coordinates; empty strings where it names none."""
    return [_name_at_end(re.split(r"[\s!#]+", row.strip())[3:]) for row in rows]


def _name_at_end(words: list[str]) -> str:
    """Element before or after the flags of selective dynamics: ``Li1``, ``T T F Li``."""
    flags = [w.upper().strip(".") in ("T", "F", "TRUE", "FALSE") for w in words]
    for start in (0, 1):
        if len(words) >= start + 3 and all(flags[start : start + 3]):
            words = [*words[:start], *words[start + 3 :]]
            break
    found = re.match(r"[A-Z][a-z]?(?![A-Za-z])", words[0]) if words else None
    return element_of(found.group()) if found else ""


def _species(names: list[str], counts: list[int], per_atom: list[str]) -> list[str]:
    if not names and not all(per_atom):
        raise StructureError(_missing())
    listed = [n for n, count in zip(names, counts) for _ in range(count)]
    wrong = [k for k, (a, b) in enumerate(zip(listed, per_atom)) if b and a != b]
    if wrong:
        first = wrong[0]
        raise StructureError(
            f"atom {first + 1} is {listed[first]} by line 6 and {per_atom[first]} by its own line"
        )
    if names:
        return listed
    starts = np.cumsum([0, *counts])
    if any(len(set(per_atom[a:b])) > 1 for a, b in pairwise(starts)):
        raise StructureError("line 6: the counts do not fit the symbols at the ends of the lines")
    return per_atom


def _factor(scales: Floats, vectors: Floats) -> Floats:
    """Scale of each Cartesian axis; a negative number is the volume of the cell."""
    if len(scales) == 3:
        if (scales <= 0).any():
            raise StructureError("line 2: three scales are to be positive")
        return scales
    volume = abs(float(np.linalg.det(vectors)))
    if scales[0] == 0 or volume < 1e-12:
        raise StructureError("line 2: a cell without volume")
    scale = float(scales[0])
    return np.full(3, scale if scale > 0 else (-scale / volume) ** (1 / 3))
