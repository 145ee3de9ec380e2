"""How lines of numbers are cut, and which commas are refused because they may mean two things."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from defectra.core.errors import DataError

Split = Callable[[str], list[str]]
_NUMERIC = re.compile(r"[-+\d.,;\seE]+")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
_BLANKS = re.compile(r"[\d.]\s+[-+.\d]")  # between numbers, no comma beside them
_FEW = 5  # numbers of several digits that stand in every second column alone: no chance
_ADVICE = "Write decimal points, and no separators of thousands"


def splitter(path: Path, lines: Sequence[str]) -> Split:
    """How lines are cut: at semicolons, tabs, commas or blanks; decimal commas where they must be.

    Raises
    ------
    DataError
        Where a comma may part thousands or columns, or be a decimal comma.
    """
    lines = [line for line in lines if _NUMERIC.fullmatch(line)] or list(lines)
    sign = next((s for s in (";", "\t") if s in lines[-1]), "")
    if sign:
        comma = _has_decimal_commas(path, [w.strip() for s in lines for w in s.split(sign)])
        return lambda s: [w.replace(",", ".") if comma else w for w in s.rstrip(sign).split(sign)]
    with_commas = [line for line in lines if "," in line]
    if not with_commas:
        return str.split
    blanks = next((line for line in with_commas if _BLANKS.search(line)), "")
    if blanks:
        raise DataError(
            f"{path}: commas within numbers that blanks divide, as in {blanks[:40]!r}: decimal "
            "commas or two separators? Write decimal points, or divide by semicolons or tabs"
        )
    rows = [line.rstrip(",").split(",") for line in lines]
    _refuse_tight(path, rows)
    if len({len(row) for row in rows}) == 1:
        _refuse_pairs(path, rows)
    return lambda s: s.rstrip(",").split(",")


def _has_decimal_commas(path: Path, cells: Sequence[str]) -> bool:
    """Whether numbers that something else divides have decimal commas."""
    parted = [c for c in cells if "," in c]
    if not parted:
        return False
    points = next((c for c in cells if "." in c), "")
    if points:
        raise DataError(f"{path}: holds {parted[0]} and {points}: commas and points. {_ADVICE}")
    if all(_THOUSANDS.fullmatch(c) for c in parted):
        other = next((f" beside {c}" for c in cells if c and "," not in c), "")
        raise DataError(f"{path}: holds {parted[0]}{other}: thousands or decimals? {_ADVICE}")
    many = next((c for c in parted if c.count(",") > 1), "")
    if many:
        raise DataError(f"{path}: {many[:40]!r} has several commas. {_ADVICE}")
    return True


def _refuse_tight(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Refuse ``999, 1,234``: commas with and without a blank, unless columns have one width."""
    later = [w for row in rows for w in row[1:]]
    if len({len(w) for w in later}) == 1 or not any(w[:1].isspace() for w in later):
        return
    pairs = [f"{a.strip()},{b}" for row in rows for a, b in pairwise(row) if not b[:1].isspace()]
    if pairs and all(_THOUSANDS.fullmatch(p) for p in pairs):
        raise DataError(
            f"{path}: holds {pairs[0]} where other commas are followed by a blank: thousands or "
            f"two numbers? {_ADVICE}"
        )


def _refuse_pairs(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Refuse whole numbers parted by commas of which each second one looks like decimals.

    ``1,5,2,5`` is two numbers with decimal commas, or four. Decimals have leading zeros, or one
    digit where the numbers before have several; a square image comes out twice as wide.
    """
    width = len(rows[0])
    cells = [[w.strip() for w in row] for row in rows]
    if width % 2 or not all(w.lstrip("-+").isdecimal() for row in cells for w in row):
        return
    first = [w.lstrip("-+") for row in cells for w in row[::2]]
    second = [w for row in cells for w in row[1::2]]
    if any(w[0] in "-+" for w in second):
        return
    padded = len({len(w) for w in (*first, *second)}) == 1
    zeros = not padded and any(len(w) > 1 and w[0] == "0" for w in second)
    digits = all(len(w) == 1 for w in second)
    longer = sum(len(w) > 1 for w in first) >= _FEW
    square = padded and width == 2 * len(rows) and len({*first, *second}) > 2
    if zeros or (digits and (longer or square)):
        raise DataError(
            f"{path}: {','.join(cells[0])[:40]!r}: {width} whole numbers, or {width // 2} with "
            f"decimal commas? {_ADVICE}; or divide by semicolons or tabs"
        )
