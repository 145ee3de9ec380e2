"""Lines of a csv that people write or edit: as many cells as names, or an error with the line.

A decimal comma makes one cell too many and moves all behind it under the wrong names; a lost cell
does the same to the left.
"""

from __future__ import annotations

import csv
from pathlib import Path

from defectra.core.errors import TableError

Line = tuple[int, list[str]]


def read_lines(path: str | Path) -> tuple[list[str], list[Line]]:
    """Names of the columns, and each line with its number and its cells, as many as names.

    Empty lines are passed over, and empty cells behind the last name.

    Raises
    ------
    TableError
        If a line has fewer or more cells than there are names, or the file is not UTF-8.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle)
            heads = next(reader, [])
            lines = [(number, c) for number, c in enumerate(reader, 2) if _filled(c)]
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 ({error}); export it as UTF-8") from None
    return heads, [(number, _whole(path, number, cells, len(heads))) for number, cells in lines]


def read_named(path: str | Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """As :func:`read_lines`, each cell by its name."""
    heads, lines = read_lines(path)
    return heads, [(number, dict(zip(heads, cells, strict=True))) for number, cells in lines]


def _filled(cells: list[str]) -> bool:
    return any(c.strip() for c in cells)


def _whole(path: str | Path, number: int, cells: list[str], width: int) -> list[str]:
    if len(cells) < width or _filled(cells[width:]):
        raise TableError(
            f"{path}: line {number}: {len(cells)} cells under {width} names; a decimal comma, or "
            "is a cell lost?"
        )
    return cells[:width]
