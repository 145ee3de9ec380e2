"""Columns of numbers in text files, checked line by line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import read_text

Floats = NDArray[np.float64]
LEAST = 20  # fewer energies are no spectrum


def read_columns(path: Path, comments: str = "#!") -> tuple[list[str], Floats]:
    """Header lines and columns, shape (rows, columns).

    Lines without numbers are header as long as no row has come; after that, each must be a row
    as long as the first.

    Raises
    ------
    EngineError
        ``truncated_output`` (short or cut rows, fewer than 20), ``bad_output``, ``not_finite``.
    """
    header: list[str] = []
    rows: list[list[float]] = []
    lines = read_text(path).splitlines()
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped:
            continue
        row = None if stripped[0] in comments else _row(stripped)
        if row is None or (rows and len(row) != len(rows[0])):
            if rows and stripped[0] not in comments:
                last = number == len(lines)
                kind = "truncated_output" if last or row is not None else "bad_output"
                raise EngineError(kind, f"{path.name}: line {number} is no row like the others")
            header.append(line)
        else:
            rows.append(row)
    if len(rows) < LEAST:
        raise EngineError("truncated_output", f"{path.name}: only {len(rows)} energies")
    data = np.array(rows)
    if not np.isfinite(data).all():
        raise EngineError("not_finite", f"{path.name}: not a number among the values")
    return header, data


def _row(line: str) -> list[float] | None:
    try:
        return [float(v.replace("D", "E").replace("d", "e")) for v in line.split()]
    except ValueError:
        return None


def number(text: str, path: Path) -> float:
    """A number that a file tells outside its columns.

    Raises
    ------
    EngineError
        ``bad_output`` if it is none, or not finite.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise EngineError("bad_output", f"{path.name}: {text[:30]!r} is no number")
    return value


def checked(path: Path, energy: Floats, mu: Floats) -> tuple[Floats, Floats]:
    """Energies and absorption, refused if they are no spectrum.

    Raises
    ------
    EngineError
        ``bad_output`` if energies do not increase, or the absorption is flat or negative.
    """
    if (np.diff(energy) <= 0).any():
        raise EngineError("bad_output", f"{path.name}: energies do not increase")
    if np.ptp(mu) == 0 or mu.max() <= 0:
        raise EngineError("bad_output", f"{path.name}: the absorption is flat or negative")
    return energy, mu


def mean_of(
    files: tuple[Path, ...], column: int, comments: str = "#!"
) -> tuple[list[str], Floats, Floats]:
    """Header of the first file, energies (column 0) and the mean of a column over files.

    Raises
    ------
    EngineError
        As :func:`read_columns`; ``bad_output`` if the energies of the files differ.
    """
    header: list[str] = []
    energy: Floats = np.empty(0)
    parts: list[Floats] = []
    for path in files:
        head, data = read_columns(path, comments)
        if data.shape[1] <= column:
            raise EngineError("truncated_output", f"{path.name}: {data.shape[1]} columns only")
        if parts and (len(data) != len(energy) or not np.allclose(data[:, 0], energy)):
            raise EngineError("bad_output", f"{path.name}: other energies than {files[0].name}")
        header, energy = header or head, data[:, 0]
        parts.append(data[:, column])
    return header, *checked(files[0], energy, np.mean(parts, axis=0))
