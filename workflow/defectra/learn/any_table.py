"""A table of any origin (Parquet or csv) as columns to train on: numbers, and curves of one length.

A curve is a column of lists of numbers, such as ``raw: Ni K`` of a training table; the columns
``first_eV: Ni K`` and ``step_eV: Ni K`` tell its energies.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.csvs import is_number
from defectra.core.errors import TableError, meant
from defectra.core.paths import why_no_file

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
EMPTY = ("", "nan", "NaN", "NA", "null", "None", "-")
SHOWN = 12  # columns named in a message


@dataclass(frozen=True)
class AnyTable:
    """Columns of a file by name.

    Attributes
    ----------
    path
        The file, for messages.
    columns
        Values of each column, in the order of the rows; what is missing is None.
    units
        Unit of each column that says one.
    """

    path: Path
    columns: Mapping[str, Sequence[Any]]
    units: Mapping[str, str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str) -> Sequence[Any]:
        """Values of a column.

        Raises
        ------
        TableError
            If there is none of the name; the message suggests one and lists all.
        """
        if name not in self.columns:
            known = list(self.columns)
            rest = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
            listed = ", ".join(known[:SHOWN]) + rest
            raise TableError(
                f"{self.path}: no column {name!r}{meant(name, known)}; there are: {listed}"
            )
        return self.columns[name]

    def is_curve(self, name: str) -> bool:
        """Whether a column holds lists of numbers."""
        return any(isinstance(v, list | tuple | np.ndarray) for v in self.columns[name])

    def is_number(self, name: str) -> bool:
        """Whether a column holds numbers, and at least one."""
        values = [v for v in self.columns[name] if v is not None]
        return bool(values) and all(isinstance(v, int | float) for v in values)

    def numbers(self, name: str) -> Floats:
        """A column of numbers, NaN where one is missing, shape (n,).

        Raises
        ------
        TableError
            If the column holds something else.
        """
        values = self.column(name)
        wrong = next((v for v in values if v is not None and not isinstance(v, int | float)), None)
        if wrong is not None:
            wrong = next((v for v in values if isinstance(v, str) and not is_number(v)), wrong)
            what = "curves" if self.is_curve(name) else f"words (e.g. {str(wrong)[:40]!r})"
            raise TableError(f"{self.path}: column {name!r} holds {what}, numbers are needed")
        return np.array([np.nan if v is None else float(v) for v in values], np.float64)

    def matrix(self, name: str) -> Floats:
        """A column as features, shape (n, p): a number is one, a curve as many as it has points.

        A row without the value is NaN throughout.

        Raises
        ------
        TableError
            If the curves differ in length, or hold no numbers.
        """
        if name in self.columns and not self.is_curve(name):
            return self.numbers(name)[:, None]
        values = self.column(name)
        sizes = {len(v) for v in values if v is not None and len(v)}
        if len(sizes) != 1:
            found = ", ".join(map(str, sorted(sizes)))
            raise TableError(f"{self.path}: curves of {name!r} have different lengths: {found}")
        (size,) = sizes
        nothing = [np.nan] * size
        rows = [nothing if v is None or not len(v) else v for v in values]
        try:
            return np.array(rows, np.float64)
        except (ValueError, TypeError):
            raise TableError(f"{self.path}: column {name!r} holds no numbers") from None


def read_any(path: Path) -> AnyTable:
    """Read a Parquet or csv file.

    Raises
    ------
    TableError
        If it is missing, damaged, of another kind, or has no rows.
    """
    if not path.is_file():
        raise TableError(f"{path}: {why_no_file(path)}")
    if not os.access(path, os.R_OK):
        raise TableError(f"{path}: cannot be read (no permission)")
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise TableError(f"{path}: tables are .parquet or .csv files")
    data = _parquet(path) if suffix == ".parquet" else _csv(path)
    if not data.num_rows:
        raise TableError(f"{path}: has no rows")
    columns = {name: data[name].to_pylist() for name in data.column_names}
    units = {f.name: (f.metadata or {}).get(b"unit", b"").decode() for f in data.schema}
    return AnyTable(path, columns, {k: v for k, v in units.items() if v})


def read_parts(paths: Sequence[Path]) -> AnyTable:
    """Read files that are parts of one table, such as those of an archive.

    Raises
    ------
    TableError
        If one cannot be read, or has other columns or units than the first.
    """
    first, *others = (read_any(path) for path in paths)
    for other in others:
        if odd := sorted(set(first.columns) ^ set(other.columns)):
            raise TableError(
                f"{other.path}: no part of the table of {first.path}: only one of them has "
                f"{', '.join(odd[:SHOWN])}"
            )
        if first.units != other.units:
            raise TableError(f"{other.path}: other units than {first.path}")
    parts = (first, *others)
    joined = {name: [v for p in parts for v in p.columns[name]] for name in first.columns}
    return AnyTable(first.path, joined, first.units)


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowInvalid, OSError) as error:
        text = " ".join(str(error).split())
        raise TableError(f"{path}: damaged Parquet file ({text[:150]})") from None


def _csv(path: Path) -> pa.Table:
    """A csv file; a column is one of numbers if all its values are, or are missing."""
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ConvertOptions(null_values=list(EMPTY), strings_can_be_null=True)
    try:
        data = csv.read_csv(path, convert_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        text = " ".join(str(error).split())
        raise TableError(f"{path}: cannot be read as csv ({text[:150]})") from None
    names = data.column_names
    double = next((n for n in names if names.count(n) > 1), None)
    if double is not None:
        raise TableError(f"{path}: two columns are called {double!r}; rename one")
    return data
