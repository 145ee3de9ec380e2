"""Space groups by name: every setting that a symbol, a Hall symbol or a number can mean."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError

_SETTINGS = 530  # of spglib's table, numbered by Hall symbol from 1
# Symbols with the double glide `e` had one of its letters before 1992, by choice of axes
# (International Tables A, 1983, table 4.3.1).
_POLAR = {"": "b", "ba-c": "a", "cab": "c", "-cba": "b", "bca": "a", "a-cb": "c"}
_OTHER = {"": "a", "ba-c": "b", "cab": "b", "-cba": "c", "bca": "c", "a-cb": "a"}
_GLIDE_E = {39: _POLAR, 41: _POLAR, 64: _OTHER, 67: _OTHER, 68: _OTHER}
_SUFFIX = {"H": "H", "R": "R", "S": "1", "Z": "2"}  # hexagonal, rhombohedral, origins 1 and 2
_STANDARD = ("", "1", "2", "H", "R", "b", "b1")  # settings that a bare number may mean
METRIC = 0.01  # relative; by so much a cell may miss the metric of its group


class UnknownSymbolError(StructureError):
    """A symbol that is none of a space group."""


@dataclass(frozen=True)
class Setting:
    """One setting of a space group.

    Attributes
    ----------
    hall
        Number in spglib's table.
    choice
        Origin, axes or unique axis as spglib writes it, e.g. ``1``, ``H``, ``b1``.
    rotations, translations
        Operations x -> R x + t, shapes (g, 3, 3), (g, 3).
    """

    hall: int
    number: int
    symbol: str
    choice: str
    rotations: NDArray[np.int64]
    translations: NDArray[np.float64]

    @property
    def name(self) -> str:
        """Symbol with its choice, for people."""
        return f"{self.symbol}:{self.choice}" if self.choice else self.symbol

    @property
    def standard(self) -> bool:
        """Whether the axes are those of the International Tables."""
        return self.choice in _STANDARD


@lru_cache(maxsize=1)
def _types() -> dict[int, Any]:
    import spglib

    return {h: spglib.get_spacegroup_type(h) for h in range(1, _SETTINGS + 1)}


@lru_cache(maxsize=64)
def setting(hall: int) -> Setting:
    """Setting by number of spglib's table."""
    import spglib

    kind = _types()[hall]
    group: Any = spglib.get_symmetry_from_database(hall)
    return Setting(
        hall,
        int(kind.number),
        kind.international.split("=")[-1].strip(),
        kind.choice,
        np.asarray(group["rotations"], dtype=np.int64),
        np.asarray(group["translations"], dtype=np.float64),
    )


def _plain(symbol: str) -> str:
    return re.sub(r"[\s_()~]", "", symbol)


@lru_cache(maxsize=1)
def _names() -> dict[str, tuple[int, ...]]:
    """Settings by symbol without blanks: short, full, without 1 and with the older glides."""
    first: dict[str, list[int]] = {}
    older: dict[str, list[int]] = {}
    for hall, kind in _types().items():
        names = {kind.international_full, kind.international.split("=")[-1]}
        if 3 <= kind.number <= 15:
            words = kind.international_full.split()
            names.add("".join(w for w in words if w != "1"))
        elif kind.choice in _STANDARD:
            names.add(kind.international_short)
        for name in {_plain(n) for n in names}:
            first.setdefault(name, []).append(hall)
            if kind.number in _GLIDE_E:
                letter = _GLIDE_E[kind.number][kind.choice.lstrip("12")]
                older.setdefault(name.replace("e", letter), []).append(hall)
            if kind.number in (*range(200, 207), *range(221, 231)):
                older.setdefault(name.replace("-3", "3"), []).append(hall)
    return {name: tuple(halls) for name, halls in (older | first).items()}


def by_symbol(text: str) -> list[Setting]:
    """Settings that a Hermann–Mauguin symbol can mean.

    ``:1``, ``:H``, ``:b1`` and the letters H, R, S, Z at the end choose one.

    Raises
    ------
    StructureError
        If it is no symbol of a space group, or its choice is none of that group.
    """
    body, _, choice = text.partition(":")
    number = re.search(r"\((?:no\.?\s*)?(\d{1,3})\)\s*$", body, re.I)
    body = body[: number.start()] if number else body
    symbol, choice = _plain(body), choice.strip()
    if not symbol:
        raise StructureError("no space group symbol")
    symbol = symbol[0].upper() + symbol[1:].lower()
    halls = _names().get(symbol, ())
    if not halls and not choice and symbol[-1].upper() in _SUFFIX:
        choice, symbol = _SUFFIX[symbol[-1].upper()], symbol[:-1]
        halls = _names().get(symbol, ())
    found = [setting(h) for h in halls]
    standard = [s for s in found if s.number in _GLIDE_E and not s.choice.lstrip("12")]
    if not choice:
        found = standard or found  # Cmme is Cmma; Cmmb has the same symbol, but a choice
    if number:
        found = [s for s in found if s.number == int(number.group(1))]
    if not found:
        raise UnknownSymbolError(
            f"{text!r} is no space group symbol that is known; list the operations "
            "(_space_group_symop_operation_xyz)"
        )
    if not choice:
        return found
    chosen = [s for s in found if s.choice.lower() == choice.lower()]
    if not chosen:
        known = ", ".join(sorted({s.choice or "none" for s in found}))
        raise StructureError(f"{text!r}: no setting {choice!r} of this group; known: {known}")
    return chosen


def by_hall(text: str) -> list[Setting]:
    """The setting of a Hall symbol; empty if it is none of the table."""
    wanted = re.sub(r"[\s_]", "", text).lower().replace('"', "''")
    known = ((h, re.sub(r"[\s_=]", "", k.hall_symbol)) for h, k in _types().items())
    return [setting(h) for h, name in known if name.lower().replace('"', "''") == wanted]


def by_number(number: int) -> list[Setting]:
    """Standard settings of a number of the International Tables, all origins and axes.

    Raises
    ------
    StructureError
        If there is no such number.
    """
    if not 1 <= number <= 230:
        raise StructureError(f"space group number {number}: they run from 1 to 230")
    halls = [h for h, k in _types().items() if k.number == number]
    return [setting(h) for h in halls if _types()[h].choice in _STANDARD]


def all_settings(number: int) -> list[Setting]:
    """Every setting of a number of the International Tables; empty if there is no such number."""
    return [setting(h) for h, k in _types().items() if k.number == number]


def has_other_settings(found: Setting, lattice: NDArray[np.float64]) -> bool:
    """Whether the group has settings beside the standard ones whose metric a cell has, too."""
    others = (
        h for h, k in _types().items() if k.number == found.number and k.choice not in _STANDARD
    )
    return any(fits_cell(setting(h), lattice) for h in others)


def fits_cell(found: Setting, lattice: NDArray[np.float64]) -> bool:
    """Whether the operations of a setting keep lengths and angles of a cell (rows, Å)."""
    gram = lattice @ lattice.T
    scale = np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    turned = np.einsum("gji,jk,gkl->gil", found.rotations, gram, found.rotations)
    return bool((np.abs(turned - gram) / scale).max() < METRIC)


def number_of(
    rotations: NDArray[np.int64], translations: NDArray[np.float64], lattice: NDArray[np.float64]
) -> int:
    """Number of the space group of a list of operations, at any origin; 0 if none is found."""
    import spglib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        kind: Any = spglib.get_spacegroup_type_from_symmetry(
            rotations, translations, lattice=lattice, symprec=1e-3
        )
    return int(kind.number) if kind is not None else 0


_TERM = re.compile(r"([+-]?)\s*(?:(\d+\.?\d*|\.\d+)(?:/(\d+))?\s*\*?\s*)?([xyz]?)", re.I)


def operation(text: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rotation and translation of a triplet such as ``-x,y+1/2,-z``.

    Raises
    ------
    StructureError
        If it is none.
    """
    rows = text.replace(" ", "").strip("'\"").split(",")
    rotation, shift = np.zeros((3, 3)), np.zeros(3)
    if len(rows) != 3 or not all(rows):
        raise StructureError(f"{text!r} is no symmetry operation such as 'x,y,z+1/2'")
    for n, row in enumerate(rows):
        at = 0
        while at < len(row):
            term = _TERM.match(row, at)
            if term is None or term.end() == at or not (term.group(2) or term.group(4)):
                raise StructureError(f"{text!r} is no symmetry operation such as 'x,y,z+1/2'")
            value = float(term.group(2) or 1) / float(term.group(3) or 1)
            value = -value if term.group(1) == "-" else value
            if term.group(4):
                rotation[n, "xyz".index(term.group(4).lower())] += value
            else:
                shift[n] += value
            at = term.end()
    whole = np.round(rotation).astype(np.int64)
    if np.abs(rotation - whole).max() > 1e-6 or abs(round(float(np.linalg.det(rotation)))) != 1:
        raise StructureError(f"{text!r} is no symmetry operation: it keeps no lattice")
    return whole, shift % 1.0


def key(rotation: NDArray[np.int64], shift: NDArray[np.float64]) -> tuple[int, ...]:
    """What an operation is, up to lattice vectors."""
    return tuple(_rows(rotation[None], shift[None])[0].tolist())


def is_group(rotations: NDArray[np.int64], translations: NDArray[np.float64]) -> bool:
    """Whether products of the operations are among them, up to lattice vectors."""
    if len(rotations) > 192:
        return False
    own = _rows(rotations, translations)
    turned = np.einsum("aij,bjk->abik", rotations, rotations).reshape(-1, 3, 3)
    moved = np.einsum("aij,bj->abi", rotations, translations) + translations[:, None, :]
    both = np.vstack([own, _rows(turned, moved.reshape(-1, 3))])
    return len(np.unique(own, axis=0)) == len(np.unique(both, axis=0)) == len(own)


def _rows(rotations: NDArray[np.int64], shifts: NDArray[np.float64]) -> NDArray[np.int64]:
    steps = np.round(shifts * 24).astype(np.int64) % 24
    return np.hstack([rotations.reshape(-1, 9), steps])
