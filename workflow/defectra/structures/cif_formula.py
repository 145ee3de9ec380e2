"""Chemical formulas of CIF files: glued or spaced, with brackets, charges and multipliers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from defectra.core.errors import StructureError
from defectra.structures.cif_syntax import Block

SUM = "_chemical_formula_sum"
# Written by people, for people: taken where there is no sum, and only if nothing is left open.
FREE = (
    "_chemical_formula_structural", "_chemical_formula_moiety", "_chemical_formula_analytical",
    "_chemical_formula_iupac",
)  # fmt: skip
ISOTOPES = {"D": "H", "T": "H"}
# Of its own (`Cl O4 1-`) or a sign alone (`Na+`); `O2-` leaves open what the number counts.
_CHARGE = re.compile(r"(?:(?<=[\s)\]])\d?|(?<=[A-Za-z]))[+-](?=[\s,;)\]]|$)")
_TOKEN = re.compile(r"\s*(?:([A-Z][a-z]?)|([(\[{])|([)\]}])|(\d+\.?\d*|\.\d+)|([,;·•*]|\.(?!\d)))")


@dataclass(frozen=True)
class Formula:
    """Amounts of the elements (hydrogen for all its isotopes), and whether it is the sum formula.

    Attributes
    ----------
    free
        Written by people in a form of their own: idealised where sites are partly occupied.
    """

    amounts: dict[str, float]
    free: bool = False


def formula_of(block: Block) -> Formula | None:
    """Formula that a block states; None if it states none that can be read.

    Raises
    ------
    StructureError
        If ``_chemical_formula_sum`` is there, but is no formula.
    """
    given = block.text(SUM)
    if given is not None:
        amounts = amounts_of(given.text)
        if amounts is None:
            raise StructureError(
                f"line {given.line}: {SUM} {given.text[:40]!r} is no formula that can be read: "
                "write each element once with its amount, e.g. 'Li3 Co3 O6', or take it out"
            )
        return Formula(amounts)
    for name in FREE:
        value = block.text(name)
        amounts = amounts_of(value.text) if value is not None else None
        if amounts:
            return Formula(amounts, free=True)
    return None


def amounts_of(text: str) -> dict[str, float] | None:
    """Amounts of the elements of a formula; None if a part of it is open or no element.

    Parts are parted by commas or dots, each with a multiplier before it if need be
    (``C24 H28 N2 O4, 2(H2 O)``, ``CuSO4·5H2O``); charges are passed over.
    """
    plain = _CHARGE.sub(" ", re.sub(r"[~_\s]+", " ", text)).strip()
    if not re.search(r"[a-z]", plain):
        plain = _capitals(plain)
    tokens = _tokens(plain)
    if tokens is None:
        return None
    total: dict[str, float] = {}
    for part in tokens:
        found = _part(part)
        if found is None:
            return None
        for element, amount in found.items():
            name = ISOTOPES.get(element, element)
            total[name] = total.get(name, 0.0) + amount
    return {k: v for k, v in total.items() if v} or None


def _capitals(text: str) -> str:
    """Words of two capitals that are one element and cannot be two: ``LI`` is Li, ``CO`` stays."""
    from pymatgen.core import Element

    def element(found: re.Match[str]) -> str:
        word = found.group()
        apart = all(Element.is_valid_symbol(letter) for letter in word)
        one = word.capitalize()
        return one if not apart and Element.is_valid_symbol(one) else word

    return re.sub(r"\b[A-Z]{2}(?=\d|\b)", element, text)


def _tokens(text: str) -> list[list[str]] | None:
    """Parts of a formula, each a list of elements, brackets (round) and numbers."""
    from pymatgen.core import Element

    parts: list[list[str]] = [[]]
    at = depth = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        element, opened, closed, number, _ = found.groups()
        at = found.end()
        depth += bool(opened) - bool(closed)
        if depth < 0 or (element and not Element.is_valid_symbol(element)):
            return None
        if element or opened or closed or number:
            parts[-1].append(element or number or ("(" if opened else ")"))
        elif depth:
            return None  # (Mg, Fe): amounts are left open
        else:
            parts.append([])
    return [p for p in parts if p] if not depth else None


def _part(tokens: list[str]) -> dict[str, float] | None:
    factor = 1.0
    if tokens[0][0].isdigit() or tokens[0][0] == ".":
        factor, tokens = float(tokens[0]), tokens[1:]
    stack: list[dict[str, float]] = [{}]
    last: dict[str, float] = {}
    for k, word in enumerate(tokens):
        if word == "(":
            stack.append({})
            continue
        if word == ")":
            last = stack.pop()
        elif word[0].isalpha():
            last = {word: 1.0}
        elif not last:
            return None  # a number that belongs to nothing
        else:
            last = {}
            continue
        after = tokens[k + 1] if k + 1 < len(tokens) else ""
        times = float(after) if after and (after[0].isdigit() or after[0] == ".") else 1.0
        for element, amount in last.items():
            stack[-1][element] = stack[-1].get(element, 0.0) + times * amount
    return {k: factor * v for k, v in stack[0].items()}
