"""Text to tables of numbers: separators, decimal commas, headers, several scans in a file."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from defectra.core.fortran import ends_in_a_number, real
from defectra.spectra.measured_spectrum import LEAST, SpectrumError

Floats = NDArray[np.float64]
LONGEST_LINE = 100_000
COMMENTS = ("#", "!", "%", ";", "*", "//", "'")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")
_NO_VALUE = re.compile(r"|[-+]?nan|[-+]?inf(?:inity)?|#?n/a|\*+|-+", re.IGNORECASE)
_DATA_LINE = re.compile(r'[-+\d.,;\seEdDnNaAiIfFtTyY*/#"]+')
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}:\d{2}(?:\.\d+)?(?: ?[AP]M)?")
_WHITE = " "


@dataclass(frozen=True)
class Dialect:
    """How the numbers of a file are written: separator (a blank is any white space), decimals."""

    separator: str
    decimal: str

    def cells(self, line: str) -> list[str]:
        """Cells of a line, quotes taken off."""
        if self.separator == _WHITE:
            return line.split()
        cells = next(csv.reader([line.strip(" ")], delimiter=self.separator), [])
        return [c.strip() for c in cells]

    def numbers(self, line: str) -> list[float] | None:
        """Numbers of a line, NaN where a cell is empty; None if a cell is no number."""
        cells = self.cells(line)
        while cells and not cells[-1] and self.separator != _WHITE:
            cells.pop()  # a separator at the end of the line
        values = [number(c, self.decimal) for c in cells]
        if self.separator != _WHITE:  # a column of clock times holds no number
            values = [math.nan if v is None and _CLOCK.fullmatch(c) else v
                      for v, c in zip(values, cells)]  # fmt: skip
        found = [v for v in values if v is not None]
        return found if len(found) == len(values) and any(map(math.isfinite, found)) else None


@dataclass
class Table:
    """One table of a file.

    Attributes
    ----------
    header
        Lines before it, comment signs and all.
    data
        Numbers, shape (rows, columns).
    dialect
        How they were written.
    notes
        What was done on reading.
    lines
        Number of each row in the text, from 1, shape (rows,).
    """

    header: list[str]
    data: Floats
    dialect: Dialect
    notes: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def number(text: str, decimal: str = ".") -> float | None:
    """Value of a cell, Fortran's ``1.0D+03`` too; NaN if it is empty, None if it is no number."""
    text = text.strip().strip('"')
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".", 1)
    if _NUMBER.fullmatch(text):
        return real(text)
    return float("nan") if _NO_VALUE.fullmatch(text) else None


def tables(text: str, comments: Sequence[str] = COMMENTS) -> list[Table]:
    """Every table of at least 20 rows in a text; the only one, if it is shorter.

    Raises
    ------
    SpectrumError
        If there is none, rows differ in length, a row is damaged, or commas cannot be understood.
    """
    lines = text.split("\n")
    longest = max(map(len, lines))
    if longest > LONGEST_LINE:
        raise SpectrumError(f"a line of {longest} characters: no table of numbers")
    dialect = dialect_of([x for x in lines if not _is_comment(x, comments)])
    blocks = _blocks(lines, dialect, comments)
    whole = [b for b in blocks if len(b.rows) >= LEAST]
    kept = whole or sorted(blocks, key=lambda b: -len(b.rows))[:1]
    if not kept or kept[0].width < 2:
        raise SpectrumError(_why_no_table(lines, comments))
    if ends_in_a_number(text, dialect.decimal):
        raise SpectrumError(
            f"the file ends inside a number, without a line end, {lines[-1][-30:]!r}: copy it "
            "again; if the number is whole, end the line"
        )
    for block in kept:
        block.check()
    notes = ["decimal commas"] if dialect.decimal == "," else []
    return [Table(b.header, np.array(b.rows), dialect, list(notes), b.lines) for b in kept]


def without_doubled_tabs(text: str) -> str | None:
    """Text with each run of tabs made one, if the same cells are empty in every row; else None."""
    if "\t\t" not in text:
        return None
    tabs = Dialect("\t", ".")
    empty = {
        tuple(k for k, cell in enumerate(tabs.cells(line.rstrip())) if not cell)
        for line in text.split("\n")
        if not _is_comment(line, COMMENTS) and _values(line, tabs)
    }
    return re.sub(r"\t{2,}", "\t", text) if len(empty) == 1 and empty != {()} else None


def _why_no_table(lines: Sequence[str], comments: Sequence[str]) -> str:
    rows = [x.strip() for x in lines if not _is_comment(x, comments) and re.search(r"\d.*\d", x)]
    parted = next((m for x in rows if (m := re.search(r"\d[\u00a0\u202f\u2009]\d{3}\b", x))), None)
    if parted:
        return f"{parted.group()!r}: a space parts the thousands: write numbers without"
    shown = f"; in such a line not all is a number: {rows[len(rows) // 2][:60]!r}" if rows else ""
    return f"no table of at least two columns with rows of one length{shown}"


def dialect_of(lines: Sequence[str]) -> Dialect:
    """Separator and decimal sign of the lines that look like numbers.

    Raises
    ------
    SpectrumError
        If a comma may be a decimal sign as well as a separator of thousands.
    """
    rows = [_CLOCK.sub("0", x.strip()) for x in lines]  # its blank parts no cells
    rows = [x for x in rows if x and _DATA_LINE.fullmatch(x)]
    rows = [
        x for x in rows if re.search(r"\d", x) and not re.fullmatch(r"[A-Za-z]\w*", x)
    ]  # ``I2``
    sample = rows[:200] + rows[-50:]
    for separator in (";", "\t"):
        if sum(separator in x for x in sample) > len(sample) / 2:
            return _checked(Dialect(separator, _decimal(sample, separator)), sample)
    commas = sum("," in x for x in sample)
    if commas <= len(sample) / 2:
        return Dialect(_WHITE, ".")
    if any(re.search(r",\s|,$|\s,|,,", x) for x in sample):
        return Dialect(",", ".")
    if any('"' in x for x in sample):
        return Dialect(",", "," if any(re.search(r'"[^"]*\d,\d', x) for x in sample) else ".")
    if not all(re.search(r"\s", x) for x in sample):
        return Dialect(",", ".")
    return _checked(Dialect(_WHITE, ","), sample)


def _decimal(sample: Sequence[str], separator: str) -> str:
    cells = [c.strip() for x in sample for c in x.split(separator)]
    return (
        "," if any(re.fullmatch(r'"?[-+]?\d*,\d+(?:[eEdD][-+]?\d+)?"?', c) for c in cells) else "."
    )


def _checked(dialect: Dialect, sample: Sequence[str]) -> Dialect:
    """Refuse commas that may be thousands separators or decimal commas."""
    if dialect.decimal == ".":
        return dialect
    columns = list(zip(*(dialect.cells(x) for x in sample)))
    for k, column in enumerate(columns, 1):
        if any("." in c and "," in c for c in column) or any(c.count(",") > 1 for c in column):
            raise SpectrumError(
                f"column {k} holds commas and points (such as {column[0]}): write numbers without "
                "separators of thousands"
            )
        plain = [c for c in column if c and "," not in c]
        if any("." in c for c in plain):
            raise SpectrumError(f"column {k} holds decimal commas and decimal points")
        parted = [c for c in column if "," in c]
        three = all(re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", c) for c in parted)
        if parted and plain and three:
            raise SpectrumError(
                f"column {k} holds {parted[0]} and {plain[0]}: thousands or decimals? Write "
                "decimal points, and no separators of thousands"
            )
    return dialect


@dataclass
class _Block:
    """Rows that belong together, with the lines before them."""

    header: list[str]
    rows: list[list[float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    odd: str = ""
    cut: bool = False

    @property
    def width(self) -> int:
        return len(self.rows[0]) if self.rows else 0

    def check(self) -> None:
        if self.odd:
            raise SpectrumError(f"no row of numbers: {self.odd.strip()[:60]!r}")
        if self.cut:
            raise SpectrumError("the last row is cut off: copy the file again")
        if len({len(r) for r in self.rows}) > 1:
            raise SpectrumError("no table of at least two columns with rows of one length")


def _blocks(lines: Sequence[str], dialect: Dialect, comments: Sequence[str]) -> list[_Block]:
    blocks: list[_Block] = []
    between: list[str] = []
    for number_of_line, line in enumerate(lines, 1):
        if not line.strip():
            continue
        values = None if _is_comment(line, comments) else _values(line, dialect)
        if values is None:
            between.append(line)
            continue
        if between or not blocks:
            _open(blocks, between, len(values), comments)
            if len(blocks) == 1 and not blocks[0].rows and _is_broken_row(between, values, dialect):
                blocks[0].odd = between[-1]
            between = []
        blocks[-1].rows.append(values)
        blocks[-1].lines.append(number_of_line)
    if blocks:
        _close(blocks[-1], between, comments)
    return blocks


def _values(line: str, dialect: Dialect) -> list[float] | None:
    try:
        values = dialect.numbers(line)
    except csv.Error:
        return None
    return values if values and len(values) > 1 else None


def _open(blocks: list[_Block], between: list[str], width: int, comments: Sequence[str]) -> None:
    """Start a block after the lines `between`, unless they are remarks inside the last one."""
    last = blocks[-1] if blocks else None
    text = [x for x in between if not _is_comment(x, comments)]
    if last is None:
        blocks.append(_Block(between))
        return
    starts = any(re.match(r"\s*#\s*[SL]\s", x) for x in between) or any(
        b.strip() and b in last.header and not _is_row(b) for b in between
    )
    if starts or (text and _is_names(text[-1]) and not _is_row(text[-1])):
        small = len(last.rows) < LEAST  # numbers of a header, no table
        header = [*last.header, *between] if small else between
        if small:
            blocks.pop()
        blocks.append(_Block(header))
    elif len(last.rows) < LEAST and any(x.rstrip().endswith(":") for x in text):
        blocks[-1] = _Block([*last.header, *between])  # ``Offsets:`` and its numbers
    elif text and (len(last.rows) >= LEAST or width == last.width or _is_row(text[-1])):
        last.odd = last.odd or text[0]
    elif width != last.width:
        if len(last.rows) < LEAST:
            blocks.pop()
            between = [*last.header, *between]
        blocks.append(_Block(between))


def _is_broken_row(before: Sequence[str], row: Sequence[float], dialect: Dialect) -> bool:
    """Whether the line before the first row is a damaged row: its cells, a number of its size."""
    cells = dialect.cells(before[-1]) if before else []
    values = [number(c, dialect.decimal) for c in cells]
    if len(cells) != len(row) or values[0] is None or 2 * values.count(None) > len(cells):
        return False
    return abs(values[0] - row[0]) < 0.1 * abs(row[0])


def _is_row(line: str) -> bool:
    """Whether a line looks like a row of numbers, damaged or not."""
    return bool(re.match(r"\s*[-+.]?\d", line))


def _close(block: _Block, after: Sequence[str], comments: Sequence[str]) -> None:
    text = [x for x in after if not _is_comment(x, comments)]
    if text and not _is_rule(text[0]):
        block.odd = block.odd or text[0]
    if len(block.rows) > 1 and len(block.rows[-1]) < len(block.rows[0]):
        block.cut = {len(r) for r in block.rows[:-1]} == {len(block.rows[0])}


def _is_rule(line: str) -> bool:
    return not re.search(r"\w", line)


def _is_names(line: str) -> bool:
    return len(re.findall(r"[A-Za-z]\w*", line)) > 1


def _is_comment(line: str, comments: Sequence[str]) -> bool:
    return line.lstrip().startswith(tuple(comments))
