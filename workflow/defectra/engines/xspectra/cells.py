"""Cells of inputs of pw.x: all lattices (``ibrav``) of its manual, all units of positions."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from defectra.core.fortran import quotient
from defectra.core.units import BOHR_ANGSTROM
from defectra.engines.xspectra.namelists import element_of, namelists, rows_after, species

Floats = NDArray[np.float64]
Cell = tuple[Floats, list[str], Floats]
_UNIT = re.compile(r"^\s*(ATOMIC_POSITIONS|CELL_PARAMETERS)[ \t]*[({]?[ \t]*(\w*)", re.I | re.M)


def read(text: str) -> Cell:
    """Lattice (rows, Å), elements and fractional coordinates of an input of pw.x.

    Raises
    ------
    ValueError
        If something is missing, or the positions are those of a space group.
    """
    keys = namelists(text)
    units = {card.upper(): unit.lower() for card, unit in _UNIT.findall(text)}
    lengths, cosines = _constants(keys)
    number = int(quotient(keys.get("ibrav", "")))
    rows = rows_after(text, ("ATOMIC_POSITIONS", "CELL_PARAMETERS"))
    if number == 0:
        scale = _scale(units.get("CELL_PARAMETERS", ""), lengths[0])
        lattice = (
            np.array([[quotient(w) for w in r[:3]] for r in rows["CELL_PARAMETERS"][:3]]) * scale
        )
    else:
        lattice = bravais(number, lengths, cosines)
    if lattice.shape != (3, 3):
        raise ValueError("CELL_PARAMETERS without three rows")
    kinds = {k.label: element_of(k) for k in species(text)[0]}
    atoms = [r for r in rows["ATOMIC_POSITIONS"] if len(r) >= 4]
    coords = np.array([[quotient(w) for w in r[1:4]] for r in atoms]).reshape(-1, 3)
    unit = units.get("ATOMIC_POSITIONS", "") or "alat"
    if unit == "crystal_sg":
        raise ValueError("positions of a space group (crystal_sg)")
    wanted = keys.get("nat", "")
    if wanted.isdecimal() and int(wanted[:9]) != len(atoms):
        raise ValueError(f"nat = {wanted}, but ATOMIC_POSITIONS has {len(atoms)} rows")
    unnamed = [r[0] for r in atoms if not kinds.get(r[0])]
    if unnamed:
        raise ValueError(
            f"the type {unnamed[0]!r} is in ATOMIC_POSITIONS, and ATOMIC_SPECIES leaves open which "
            "element it is (label, mass and pseudopotential)"
        )
    if unit != "crystal":
        coords = coords * _scale(unit, lengths[0]) @ np.linalg.inv(lattice)
    return lattice, [kinds[r[0]] for r in atoms], coords


def _constants(keys: dict[str, str]) -> tuple[list[float], dict[str, float]]:
    """Lengths a, b, c (Å) and cosines bc, ac, ab, from celldm (Bohr) or A, B, C (Å)."""
    if "a" in keys and any(k.startswith("celldm(") for k in keys):
        raise ValueError("celldm and A are both given: pw.x takes one of them")
    if "a" in keys:
        a = quotient(keys["a"])
        lengths = [a, quotient(keys.get("b", "0")) or a, quotient(keys.get("c", "0")) or a]
        cosines = {k: quotient(keys.get(f"cos{k}", "0")) for k in ("bc", "ac", "ab")}
        return lengths, cosines
    cell = [quotient(keys.get(f"celldm({n})", "0")) for n in range(1, 7)]
    a = cell[0] * BOHR_ANGSTROM
    number = int(quotient(keys.get("ibrav", "0")))
    cosines = {"bc": cell[3], "ac": cell[4], "ab": cell[5]}
    if number in (5, -5, 12, 13):
        cosines = {"bc": 0.0, "ac": 0.0, "ab": cell[3]}
    return [a, a * (cell[1] or 1), a * (cell[2] or 1)], cosines


def _scale(unit: str, alat: float) -> float:
    known = {"angstrom": 1.0, "bohr": BOHR_ANGSTROM, "alat": alat}
    known[""] = alat or BOHR_ANGSTROM
    if unit not in known or not known[unit]:
        raise ValueError(f"unit {unit!r} is unknown, or wants a lattice constant")
    return known[unit]


def bravais(number: int, lengths: list[float], cosines: dict[str, float]) -> Floats:
    """Lattice vectors (rows, Å) of an ``ibrav`` of the manual of pw.x.

    Raises
    ------
    ValueError
        For a number that is none, or a missing lattice constant.
    """
    a, b, c = lengths
    if a <= 0:
        raise ValueError("no lattice constant")
    simple = _cubic_and_tetragonal(a, c) | _orthorhombic(a, b, c)
    if number in simple:
        return np.array(simple[number], dtype=float)
    if number in (5, -5):
        return _trigonal(number, a, cosines["ab"])
    if number in (12, 13, -12, -13, 14):
        return _skew(number, a, b, c, cosines)
    raise ValueError(f"ibrav = {number} is no lattice of pw.x that is known")


def _cubic_and_tetragonal(a: float, c: float) -> dict[int, list[list[float]]]:
    h = a / 2
    return {
        1: [[a, 0, 0], [0, a, 0], [0, 0, a]],
        2: [[-h, 0, h], [0, h, h], [-h, h, 0]],
        3: [[h, h, h], [-h, h, h], [-h, -h, h]],
        -3: [[-h, h, h], [h, -h, h], [h, h, -h]],
        4: [[a, 0, 0], [-h, h * math.sqrt(3), 0], [0, 0, c]],
        6: [[a, 0, 0], [0, a, 0], [0, 0, c]],
        7: [[h, -h, c / 2], [h, h, c / 2], [-h, -h, c / 2]],
    }


def _orthorhombic(a: float, b: float, c: float) -> dict[int, list[list[float]]]:
    x, y, z = a / 2, b / 2, c / 2
    return {
        8: [[a, 0, 0], [0, b, 0], [0, 0, c]],
        9: [[x, y, 0], [-x, y, 0], [0, 0, c]],
        -9: [[x, -y, 0], [x, y, 0], [0, 0, c]],
        91: [[a, 0, 0], [0, y, -z], [0, y, z]],
        10: [[x, 0, z], [x, y, 0], [0, y, z]],
        11: [[x, y, z], [-x, y, z], [-x, -y, z]],
    }


def _trigonal(number: int, a: float, cosine: float) -> Floats:
    tx, ty = math.sqrt((1 - cosine) / 2), math.sqrt((1 - cosine) / 6)
    tz = math.sqrt((1 + 2 * cosine) / 3)
    if number == 5:
        return a * np.array([[tx, -ty, tz], [0, 2 * ty, tz], [-tx, -ty, tz]])
    u, v = tz - 2 * math.sqrt(2) * ty, tz + math.sqrt(2) * ty
    return a / math.sqrt(3) * np.array([[u, v, v], [v, u, v], [v, v, u]])


def _skew(number: int, a: float, b: float, c: float, cosines: dict[str, float]) -> Floats:
    ab, ac, bc = cosines["ab"], cosines["ac"], cosines["bc"]
    sine = math.sqrt(1 - (ac if number in (-12, -13) else ab) ** 2)
    x, z = a / 2, c / 2
    rows = {
        12: [[a, 0, 0], [b * ab, b * sine, 0], [0, 0, c]],
        13: [[x, 0, -z], [b * ab, b * sine, 0], [x, 0, z]],
        -12: [[a, 0, 0], [0, b, 0], [c * ac, 0, c * sine]],
        -13: [[x, b / 2, 0], [-x, b / 2, 0], [c * ac, 0, c * sine]],
    }
    if number in rows:
        return np.array(rows[number])
    y = (bc - ac * ab) / sine
    height = math.sqrt(1 - ac**2 - y**2)
    return np.array([[a, 0, 0], [b * ab, b * sine, 0], [c * ac, c * y, c * height]])
