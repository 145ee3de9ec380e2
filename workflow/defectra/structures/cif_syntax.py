"""Syntax of CIF 1.1: blocks, items and loops, with the line that each value stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from defectra.core.errors import StructureError

_TOKEN = re.compile(r"""#.*|'(?P<s>.*?)'(?=\s|$)|"(?P<d>.*?)"(?=\s|$)|(?P<w>\S+)""")
_RESERVED = re.compile(r"(data_|save_|loop_$|global_$|stop_$)", re.I)
_NEEDED = ("_atom_site", "_symmetry", "_space_group", "_cell", "_chemical")
_COORDINATE = "_atom_site_fract_x"
_ONCE = re.compile(r"_atom_site[._]fract|_symmetry_equiv_pos|_space_group_symop")
_APART = re.compile(r"_atom_site[._](occupancy|type_symbol)$")
UNKNOWN = ("", "?", ".")


@dataclass(frozen=True)
class Value:
    """A value and its line; `bare` if it stood without quotes."""

    text: str
    line: int
    bare: bool = False

    @property
    def known(self) -> bool:
        """Neither ``?`` nor ``.`` nor empty."""
        return self.text.strip() not in UNKNOWN


@dataclass
class Loop:
    """A table: lower-case names of columns, and rows of values."""

    line: int
    names: list[str] = field(default_factory=list)
    rows: list[list[Value]] = field(default_factory=list)

    def column(self, *names: str) -> int | None:
        """Number of the first of these columns that is there."""
        return next((self.names.index(n) for n in names if n in self.names), None)


@dataclass
class Block:
    """A data block.

    Attributes
    ----------
    items
        Single values by lower-case name.
    """

    name: str
    line: int
    items: dict[str, Value] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)

    def text(self, *names: str) -> Value | None:
        """First known value of these names."""
        found = (self.items.get(n) for n in names)
        return next((v for v in found if v is not None and v.known), None)

    def loop(self, *names: str) -> Loop | None:
        """Loop that has one of these columns; single items make a loop of one row."""
        for loop in self.loops:
            if set(names) & set(loop.names):
                return loop
        single = next((n for n in names if n in self.items), None)
        if single is None:
            return None
        start = "_atom_site" if single.startswith("_atom_site") else single
        own = [n for n in self.items if n.startswith(start) and "aniso" not in n]
        return Loop(self.items[single].line, own, [[self.items[n] for n in own]])


def parse(text: str) -> list[Block]:
    """Blocks of a file.

    Raises
    ------
    StructureError
        Naming the line: a text field or quote that does not end, a loop with a value too few, a
        name twice, two blocks of one name, values outside of a block.
    """
    blocks: list[Block] = []
    tokens = list(_tokens(text))
    k = 0
    while k < len(tokens):
        token = tokens[k]
        word = token.text.lower()
        if token.bare and word.startswith("data_"):
            if any(b.name == token.text[5:] for b in blocks):
                raise StructureError(
                    f"line {token.line}: a second block {token.text}; keep the one that is meant"
                )
            blocks.append(Block(token.text[5:], token.line))
            k += 1
        elif not blocks:
            raise StructureError(f"line {token.line}: {token.text[:30]!r} before any `data_` block")
        elif token.bare and word == "loop_":
            k = _loop(tokens, k, blocks[-1])
        elif token.bare and word.startswith("_"):
            k = _item(tokens, k, blocks[-1])
        elif token.bare and word.startswith("save_"):
            k += 1
        else:
            raise StructureError(
                f"line {token.line}: {token.text[:30]!r} belongs to no name; is a quote missing?"
            )
    return blocks


def _tokens(text: str) -> Iterator[Value]:
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith(";"):
            start, parts = number, [line[1:]]
            while number < len(lines) and not lines[number].startswith(";"):
                parts.append(lines[number])
                number += 1
            if number == len(lines):
                raise StructureError(f"line {start}: a text field (;) that does not end")
            yield Value("\n".join(parts), start)
            line, number = " " + lines[number][1:], number + 1
        for found in _TOKEN.finditer(line):
            quoted = found.group("s") if found.group("s") is not None else found.group("d")
            if quoted is not None:
                yield Value(quoted, number)
            elif found.group("w") is not None:
                yield Value(found.group("w"), number, bare=True)


def _ends(token: Value) -> bool:
    return token.bare and bool(token.text.startswith("_") or _RESERVED.match(token.text))


def _item(tokens: list[Value], k: int, block: Block) -> int:
    name = tokens[k].text.lower()
    if k + 1 == len(tokens) or _ends(tokens[k + 1]):
        raise StructureError(f"line {tokens[k].line}: {tokens[k].text} has no value")
    value = tokens[k + 1]
    if name in block.items and block.items[name].text != value.text:
        raise StructureError(
            f"line {tokens[k].line}: {tokens[k].text} is given a second time, with another value"
        )
    block.items[name] = value
    return k + 2


def _loop(tokens: list[Value], k: int, block: Block) -> int:
    loop = Loop(tokens[k].line)
    k += 1
    while k < len(tokens) and tokens[k].bare and tokens[k].text.startswith("_"):
        loop.names.append(tokens[k].text.lower())
        k += 1
    start = k
    while k < len(tokens) and not _ends(tokens[k]):
        k += 1
    values, width = tokens[start:k], len(loop.names)
    if not width or len(values) % width:
        if width and not any(n.startswith(_NEEDED) for n in loop.names):
            return k  # a damaged table of something else, e.g. of a powder pattern
        raise StructureError(
            f"line {loop.line}: the loop has {width} columns and {len(values)} values: it is cut "
            "off, or a value is missing"
        )
    _refuse_second(loop, block)
    loop.rows = [values[n : n + width] for n in range(0, len(values), width)]
    block.loops.append(loop)
    return k


def _refuse_second(loop: Loop, block: Block) -> None:
    """Refuse a second table of coordinates or operations, and occupancies in a table apart."""
    own = set(loop.names)
    for other in block.loops:
        both = sorted(n for n in own & set(other.names) if _ONCE.match(n))
        sites = [_COORDINATE in {n.replace(".", "_") for n in x.names} for x in (loop, other)]
        apart = [
            n for x, has in zip((other, loop), sites) if has for n in x.names if _APART.match(n)
        ]
        if both or (apart and sum(sites) == 1):
            raise StructureError(
                f"line {loop.line}: {(both or apart)[0]} stands in a second table of block "
                f"{block.name} (the first is in line {other.line}): put all sites, and all that is "
                "said of them, into one table"
            )
