r"""Formulas of columns, such as ``ln(I0/It)``: a small parser that knows nothing else.

    sum    = term (("+" | "-") term)*
    term   = factor (("*" | "/") factor)*
    factor = ("+" | "-") factor | number | name | function "(" sum ")" | "(" sum ")"

``ln`` and ``log`` are the natural logarithm, as beamlines use both words, ``log10`` the decadic.
Nothing is ever handed to Python's own evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.measured_spectrum import SpectrumError

Floats = NDArray[np.float64]
FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "ln": np.log,
    "log": np.log,
    "log10": np.log10,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
}
LONGEST = 300
DEEPEST = 40
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|([^\W\d][\w.]*)|([-+*/()]))")


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True)
class Name:
    """A column."""

    text: str


@dataclass(frozen=True)
class Call:
    """A function of one argument."""

    function: str
    argument: Tree


@dataclass(frozen=True)
class Pair:
    """Two parts and the sign between them."""

    sign: str
    left: Tree
    right: Tree


Tree: TypeAlias = "Number | Name | Call | Pair"


def parse(text: str) -> Tree:
    """Tree of a formula.

    Raises
    ------
    SpectrumError
        If it is none; the message says where it ends to be one.
    """
    if len(text) > LONGEST:
        raise SpectrumError(f"a formula of {len(text)} characters; at most {LONGEST} are read")
    reader = _Reader(text)
    tree = reader.sum(0)
    if reader.position < len(reader.tokens):
        reader.fail()
    return tree


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.position = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                raise SpectrumError(
                    f"formula {text!r}: {text[at:].strip()[:20]!r} is not understood"
                )
            kind = ("number", "name", "sign")[found.lastindex - 1 if found.lastindex else 0]
            self.tokens.append((kind, found.group(found.lastindex or 1)))
            at = found.end()

    def fail(self) -> None:
        rest = "".join(t for _, t in self.tokens[self.position :]) or "its end"
        raise SpectrumError(
            f"formula {self.text!r} is not understood at {rest[:20]!r}; write e.g. 'ln(I0/It)'"
        )

    def next_is(self, signs: str) -> str:
        """The next token, taken, if it is one of the signs; else nothing."""
        if self.position < len(self.tokens):
            kind, text = self.tokens[self.position]
            if kind == "sign" and text in signs:
                self.position += 1
                return text
        return ""

    def sum(self, depth: int) -> Tree:
        tree = self.term(depth)
        while sign := self.next_is("+-"):
            tree = Pair(sign, tree, self.term(depth))
        return tree

    def term(self, depth: int) -> Tree:
        tree = self.factor(depth)
        while sign := self.next_is("*/"):
            tree = Pair(sign, tree, self.factor(depth))
        return tree

    def factor(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise SpectrumError(f"formula {self.text[:30]!r}: too many brackets")
        if sign := self.next_is("+-"):
            return Pair(sign, Number(0.0), self.factor(depth + 1))
        if self.next_is("("):
            return self.closed(depth)
        if self.position >= len(self.tokens):
            self.fail()
        kind, text = self.tokens[self.position]
        if kind == "sign":
            self.fail()
        self.position += 1
        if kind == "number":
            return Number(float(text))
        if text.lower() in FUNCTIONS and self.next_is("("):
            return Call(text.lower(), self.closed(depth))
        return Name(text)

    def closed(self, depth: int) -> Tree:
        tree = self.sum(depth + 1)
        if not self.next_is(")"):
            self.fail()
        return tree


def names(tree: Tree) -> Iterator[str]:
    """Columns that a formula names, in order."""
    if isinstance(tree, Name):
        yield tree.text
    elif isinstance(tree, Call):
        yield from names(tree.argument)
    elif isinstance(tree, Pair):
        yield from names(tree.left)
        yield from names(tree.right)


def value(tree: Tree, column: Callable[[str], Floats]) -> Floats:
    """Values of a formula; `column` gives the values of a name, shape (n,).

    Where a logarithm or a quotient has no value, the result is not finite.
    """
    if isinstance(tree, Number):
        return np.asarray(tree.value, np.float64)
    if isinstance(tree, Name):
        return column(tree.text)
    with np.errstate(all="ignore"):
        if isinstance(tree, Call):
            return np.asarray(FUNCTIONS[tree.function](value(tree.argument, column)), np.float64)
        left, right = value(tree.left, column), value(tree.right, column)
        if tree.sign == "+":
            return left + right
        if tree.sign == "-":
            return left - right
        return np.asarray(left * right if tree.sign == "*" else left / right, np.float64)
