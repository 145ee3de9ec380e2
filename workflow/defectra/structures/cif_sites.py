"""What a block of a CIF says of its cell, its listed sites and its formula."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError, StructureWarning
from defectra.core.fortran import real
from defectra.structures.cell_checks import OUTSIDE
from defectra.structures.cif_formula import ISOTOPES, formula_of
from defectra.structures.cif_syntax import Block, Loop, Value

Floats = NDArray[np.float64]
_CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
COORDINATE = ("_atom_site_fract_x", "_atom_site.fract_x")
_REAL = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?)(?:\(\d*\))?$")
_FRACTION = re.compile(r"([-+]?\d{1,3})/([1-9]\d?)$")
# Symbols with the number of an isotope and a charge, whole or mean: ``7Li``, ``Fe3+``, ``Mn3.5+``.
_SPECIES = re.compile(r"\d{0,3}([A-Za-z]{1,2})(?:\d*\.?\d*[+-]{1,2}|[+-]\d*\.?\d*|0)?$")
_WYCKOFF = re.compile(r"\s*(?:\S*\.)?(\d{1,3})?\s*([a-zA-Zα])\s*$")  # also ``.8h``, ``m.m2.4e``
_LABEL = re.compile(r"([A-Za-z]+)(?:[\d(_'*+-].*)?$")


@dataclass(frozen=True)
class Site:
    """A listed site: element, fractional coordinates, occupancy; multiplicity, letter if given."""

    label: str
    element: str
    coords: Floats
    occupancy: float
    multiplicity: int | None
    line: int
    letter: str | None = None


def number(value: Value, what: str) -> float:
    """Number with or without its standard deviation.

    Raises
    ------
    StructureError
        Naming the line and what should stand there.
    """
    found = _REAL.match(value.text.strip())
    parts = _FRACTION.match(value.text.strip())
    if parts is not None:
        return int(parts.group(1)) / int(parts.group(2))
    if found is None:
        hint = "; write a decimal point" if "," in value.text else ""
        raise StructureError(f"line {value.line}: {what}: {value.text!r} is no number{hint}")
    return real(found.group(1))


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
    known = formula.amounts if formula else {}
    kind = loop.column("_atom_site_calc_flag", "_atom_site.calc_flag")
    rows = [r for r in loop.rows if kind is None or r[kind].text.lower() != "dum"]
    if not rows:
        raise StructureError(f"line {loop.line}: the table of sites has none")
    sites = [_site(loop, row, known) for row in rows]
    _refuse_full_alternatives(loop, rows, sites)
    _tell_doubtful_names(loop, rows, sites, bool(known))
    return sites


def _refuse_full_alternatives(loop: Loop, rows: list[list[Value]], sites: list[Site]) -> None:
    """Refuse full sites in two disorder groups: they are alternatives of each other."""
    group = loop.column("_atom_site_disorder_group", "_atom_site.disorder_group")
    part = loop.column("_atom_site_disorder_assembly", "_atom_site.disorder_assembly")
    first: dict[str, tuple[str, Site]] = {}
    for row, site in zip(rows, sites) if group is not None else ():
        own = row[group].text if group is not None and row[group].known else "0"
        if site.occupancy < 1 or own == "0":
            continue
        assembly = row[part].text if part is not None else ""
        other, before = first.setdefault(assembly, (own, site))
        if other != own:
            raise StructureError(
                f"line {site.line}: {before.label} and {site.label} are of disorder groups {other} "
                f"and {own}, which exclude each other, and both are full: give occupancies, or "
                "keep one group"
            )


def _tell_doubtful_names(
    loop: Loop, rows: list[list[Value]], sites: list[Site], confirmed: bool
) -> None:
    """Tell of elements by labels alone, and of labels that look like another element."""
    kind = loop.column("_atom_site_type_symbol", "_atom_site.type_symbol")
    if confirmed:
        return
    alone = [s.label for r, s in zip(rows, sites) if kind is None or not r[kind].known]
    other = [s for s in sites if s.label not in alone and _reads_as(s.label) not in ("", s.element)]
    said = [f"{s.label} has the type symbol {s.element}, which is taken" for s in other]
    if alone:
        said.append(f"elements of {', '.join(alone[:5])} are those that the labels look like")
    for text in said:
        warnings.warn(f"{text}; no formula confirms it", StructureWarning, stacklevel=3)


def _reads_as(label: str) -> str:
    """Element that a label starts with, if it is one; else empty."""
    from pymatgen.core import Element

    found = _LABEL.match(label)
    return found.group(1) if found and Element.is_valid_symbol(found.group(1)) else ""


def _site(loop: Loop, row: list[Value], formula: dict[str, float]) -> Site:
    def value(name: str) -> Value | None:
        column = loop.column(f"_atom_site_{name}", f"_atom_site.{name}")
        return None if column is None or not row[column].known else row[column]

    line, shown = row[0].line, value("label") or value("type_symbol") or row[0]
    coords = [_coordinate(value(f"fract_{axis}"), axis, shown.text, line) for axis in "xyz"]
    hydrogens = value("attached_hydrogens")
    if hydrogens is not None and hydrogens.text.strip() != "0":
        raise StructureError(
            f"line {line}: site {shown.text} has {hydrogens.text} hydrogen atom(s) without "
            "coordinates (_atom_site_attached_hydrogens): add them as sites"
        )
    amount, many = value("occupancy"), None
    for name in ("site_symmetry_multiplicity", "symmetry_multiplicity", "multiplicity"):
        many = many or value(name)
    position = _position(value("wyckoff_symbol") or value("wyckoff_letter"))
    occupancy = 1.0 if amount is None else number(amount, f"occupancy of {shown.text}")
    if not 0 < occupancy <= 1.001:
        raise StructureError(f"line {line}: occupancy {occupancy:g} of {shown.text}")
    return Site(
        shown.text,
        _element(value("type_symbol"), value("label"), formula, line),
        np.array(coords),
        min(occupancy, 1.0),
        int(many.text) if many and many.text.isdecimal() else position[0],
        line,
        position[1],
    )


def _coordinate(given: Value | None, axis: str, site: str, line: int) -> float:
    """Fractional coordinate of a site that stands in the row of `line`."""
    if given is None:
        raise StructureError(
            f"line {line}: site {site} has no coordinate {axis}: give it, or "
            "take the site out (and out of the formula)"
        )
    found = number(given, f"site {site}, {axis}")
    if abs(found) > OUTSIDE:
        raise StructureError(
            f"line {given.line}: site {site} lies {found:.3g} cells away along {axis}: "
            "a damaged number?"
        )
    return found


def _position(given: Value | None) -> tuple[int | None, str | None]:
    """Multiplicity and letter of a Wyckoff symbol, ``4a`` or ``a``; None where not given."""
    found = _WYCKOFF.match(given.text) if given else None
    if found is None:
        return None, None
    letter = "A" if found.group(2) in "Aα" else found.group(2).lower()  # A follows z in P m m m
    return int(found.group(1)) if found.group(1) else None, letter


def _named_site(letters: str, formula: dict[str, float]) -> str:
    """Element that a label begins with, where a name of the site follows: ``MgM``, ``SiT``, ``OA``.

    Minerals are labelled so (American Mineralogist database). Empty where the formula has not
    exactly one such element, the rest of the label is one of its elements, too, or may mean water
    or hydroxyl whose hydrogen is not listed (``OW``, ``OH``).
    """
    starts = [letters[:n] for n in (1, 2) if letters[:n] in formula and len(letters) > n]
    rest = letters[len(starts[0]) :] if len(starts) == 1 else ""
    known = rest and rest.capitalize() not in formula and rest[0].upper() not in "HW"
    return starts[0] if known else ""


def _element(kind: Value | None, label: Value | None, formula: dict[str, float], line: int) -> str:
    """Element of a site by its type symbol, else by its label."""
    from pymatgen.core import Element

    given = kind or label
    if given is None:
        raise StructureError(f"line {line}: a site without type symbol and label")
    found = (_SPECIES if kind else _LABEL).match(given.text)
    letters = found.group(1) if found else ""
    isotope = letters in ISOTOPES and not kind and "H" not in formula  # `T1`: tetrahedron
    if Element.is_valid_symbol(letters) and not isotope:
        return letters
    other = letters.capitalize()  # `CO`, `LI`: cobalt, lithium, if the formula says so
    if len(letters) == 2 and other in formula and letters[0].upper() not in formula:
        return other
    if not kind and (named := _named_site(letters, formula)):
        return named
    name = "_atom_site_type_symbol" if kind else "label"
    raise StructureError(
        f"line {line}: {name} {given.text!r} is no element; write one as _atom_site_type_symbol "
        "for each site (a molecule atom by atom)"
    )
