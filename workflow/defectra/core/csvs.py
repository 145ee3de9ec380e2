"""CSV files, written atomically; NaN is an empty field."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from defectra.core.errors import TableError
from defectra.core.store import replacing

NUMBERS = (
    *("value", "lo", "hi", "published", "ours", "tolerance", "bound"),
    *("uncorrected", "band_filling", "deviation", "share"),
)
# Ends of names, after an underscore; A is none of them, since it is a site in `level_A`.
UNITS = ("eV", "meV", "deg", "percent", "px", "um", "nm", "GPa", "s", "mb")


def write_csv(path: str | Path, rows: Iterable[Mapping[str, Any]], columns: list[str]) -> None:
    """Write rows with exactly these columns.

    Raises
    ------
    TableError
        If a row has other columns.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if set(row) != set(columns):
                raise TableError(f"{path}: columns {sorted(row)} where {sorted(columns)} belong")
            writer.writerow({k: _text(v) for k, v in row.items()})


def _text(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def read_csv(path: str | Path, columns: list[str]) -> list[dict[str, Any]]:
    """Read rows; a field that reads as a number is a float, an empty one is NaN where numeric.

    A column is numeric if every filled field in it is a number; one that is empty throughout is
    numeric if it is one of :data:`NUMBERS`, or its name ends with one of :data:`UNITS`.

    Raises
    ------
    TableError
        If the file is missing or its columns differ.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            names = list(reader.fieldnames or [])  # while the file is open: it may be empty
            rows: list[dict[str, Any]] = list(reader)
    except FileNotFoundError:
        raise TableError(
            f"{path}: no such table; a run makes it (`make`, with the study), or name another"
        ) from None
    if names != columns:
        raise TableError(f"{path}: columns {names}, expected {columns}")
    for name in columns:
        filled = [r[name] for r in rows if r[name] not in ("", None)]
        numeric = all(is_number(v) for v in filled) if filled else _is_numeric(name)
        if numeric:
            for row in rows:
                row[name] = float(row[name]) if row[name] else float("nan")
    return rows


def _is_numeric(name: str) -> bool:
    """Whether a column without any field holds numbers, by its name."""
    quantity, _, unit = name.rpartition("_")
    return name in NUMBERS or (quantity != "" and unit in UNITS)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
