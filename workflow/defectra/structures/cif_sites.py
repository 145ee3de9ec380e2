"""What a block of a CIF says of its cell, its listed sites and its formula."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures.cif_syntax import Block, Loop, Value

Floats = NDArray[np.float64]
_CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
COORDINATE = ("_atom_site_fract_x", "_atom_site.fract_x")
_FORMULA = "_chemical_formula_sum"
_REAL = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?)(?:\(\d*\))?$")
_SPECIES = re.compile(r"([A-Za-z]{1,2})(?:\d*[+-]\d*|[+-]\d*|0)?$")
_LABEL = re.compile(r"([A-Za-z]+)(?:[\d(_'*+-].*)?$")


@dataclass(frozen=True)
class Site:
    """A listed site: element, fractional coordinates, occupancy, multiplicity if given."""

    label: str
    element: str
    coords: Floats
    occupancy: float
    multiplicity: int | None
    line: int


def number(value: Value, what: str) -> float:
    """Number with or without its standard deviation.

    Raises
    ------
    StructureError
        Naming the line and what should stand there.
    """
    found = _REAL.match(value.text.strip())
    if found is None:
        hint = "; write a decimal point" if "," in value.text else ""
        raise StructureError(f"line {value.line}: {what}: {value.text!r} is no number{hint}")
    return float(found.group(1).lower().replace("d", "e"))


def lattice_of(block: Block) -> Any:
    """Lattice of the cell constants (a pymatgen Lattice).

    Raises
    ------
    StructureError
        If a length is missing, or no cell has these constants.
    """
    from pymatgen.core import Lattice

    values = []
    for name in _CELL:
        given = block.text(f"_cell_{name}", f"_cell.{name}")
        if given is None and name.startswith("length"):
            raise StructureError(f"block {block.name}: no _cell_{name}")
        # An angle that is not given is 90 degrees by the dictionary; the group must then allow it.
        values.append(90.0 if given is None else number(given, f"_cell_{name}"))
    lengths, angles = values[:3], values[3:]
    if min(lengths) <= 0 or not all(0 < a < 180 for a in angles):
        raise StructureError(f"block {block.name}: a cell of {values} is none")
    cosines = [math.cos(math.radians(a)) for a in angles]
    if 1 - sum(c * c for c in cosines) + 2 * math.prod(cosines) <= 1e-6:
        raise StructureError(f"block {block.name}: no cell has the angles {angles}")
    return Lattice.from_parameters(*values)


def sites_of(block: Block) -> list[Site]:
    """Listed sites of a block that has some.

    Raises
    ------
    StructureError
        Naming the line of a site without coordinates, element or sound occupancy.
    """
    loop = block.loop(*COORDINATE)
    assert loop is not None
    formula = formula_of(block)
    return [_site(loop, row, formula) for row in loop.rows]


def _site(loop: Loop, row: list[Value], formula: dict[str, float]) -> Site:
    def value(name: str) -> Value | None:
        column = loop.column(f"_atom_site_{name}", f"_atom_site.{name}")
        return None if column is None or not row[column].known else row[column]

    shown = value("label") or value("type_symbol") or row[0]
    coords = []
    for axis in "xyz":
        given = value(f"fract_{axis}")
        if given is None:
            raise StructureError(
                f"line {row[0].line}: site {shown.text} has no coordinate {axis}: give it, or "
                "take the site out (and out of the formula)"
            )
        coords.append(number(given, f"site {shown.text}, {axis}"))
    amount, many = value("occupancy"), None
    for name in ("site_symmetry_multiplicity", "symmetry_multiplicity"):
        many = many or value(name)
    occupancy = 1.0 if amount is None else number(amount, f"occupancy of {shown.text}")
    if not 0 < occupancy <= 1.001:
        raise StructureError(f"line {row[0].line}: occupancy {occupancy:g} of {shown.text}")
    return Site(
        shown.text,
        _element(value("type_symbol"), value("label"), formula, row[0].line),
        np.array(coords),
        min(occupancy, 1.0),
        int(many.text) if many and many.text.isdecimal() else None,
        row[0].line,
    )


def _element(kind: Value | None, label: Value | None, formula: dict[str, float], line: int) -> str:
    """Element of a site by its type symbol, else by its label."""
    from pymatgen.core import Element

    given = kind or label
    if given is None:
        raise StructureError(f"line {line}: a site without type symbol and label")
    found = (_SPECIES if kind else _LABEL).match(given.text)
    letters = found.group(1) if found else ""
    if Element.is_valid_symbol(letters):
        return letters
    other = letters.capitalize()  # `CO`, `LI`: cobalt, lithium, if the formula says so
    if len(letters) == 2 and other in formula and letters[0].upper() not in formula:
        return other
    name = "_atom_site_type_symbol" if kind else "label"
    raise StructureError(
        f"line {line}: {name} {given.text!r} is no element; write one as _atom_site_type_symbol "
        "for each site (a molecule atom by atom)"
    )


def formula_of(block: Block) -> dict[str, float]:
    """Amounts of the elements that ``_chemical_formula_sum`` tells; empty if it does not."""
    formula = block.text(_FORMULA)
    out: dict[str, float] = {}
    for word in formula.text.split() if formula else []:
        found = re.fullmatch(r"([A-Z][a-z]?)(\d+\.?\d*|\.\d+)?", word)
        if found is None:
            return {}
        out[found.group(1)] = out.get(found.group(1), 0.0) + float(found.group(2) or 1)
    return {k: v for k, v in out.items() if v}
