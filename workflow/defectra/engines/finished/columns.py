"""Columns of numbers in text files, checked line by line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.fortran import ends_in_a_number, real
from defectra.core.held_values import held, is_constant
from defectra.core.textfiles import read_text

Floats = NDArray[np.float64]
LEAST = 20  # fewer energies are no spectrum
STEP = 0.1  # of the range; two values of one energy that differ by more are no rounding
BELOW = 0.05  # of the maximum; an absorption is nowhere further below zero
_PRINTED = re.compile(r"[-+.\dDdEe\s*]*[\d*][-+.\dDdEe\s*]*$")
_GLUED = re.compile(r"\d\*|\*\s*[-+.\d]|\.\d+-\d|\.\d+\.\d")


def read_columns(path: Path, comments: str = "#!") -> tuple[list[str], Floats]:
    """Header lines and columns, shape (rows, columns).

    Lines without numbers are header as long as no row has come; after that, each must be a row
    as long as the first. Rows with stars or numbers run together are nowhere header.

    Raises
    ------
    EngineError
        ``truncated_output`` (short, cut, glued or overflown rows, fewer than 20), ``bad_output``,
        ``not_finite``.
    """
    header: list[str] = []
    rows: list[list[float]] = []
    text = read_text(path)
    if ends_in_a_number(text):
        raise EngineError("truncated_output", f"{path.name} ends inside a number: cut off")
    for line_number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped:
            continue
        comment = stripped[0] in comments
        row = None if comment else row_of(stripped)
        wrong = row is None or bool(rows and len(row) != len(rows[0]))
        if wrong and not comment and (rows or damaged(stripped)):
            printed = row is not None or _PRINTED.match(stripped)
            kind = "truncated_output" if printed else "bad_output"
            raise EngineError(
                kind, f"{path.name}: line {line_number} is no row like the others: {stripped[:50]}"
            )
        if wrong or row is None:
            header.append(line)
        else:
            rows.append(row)
    return header, table_of(rows, path)


def table_of(rows: list[list[float]], path: Path) -> Floats:
    """Rows as an array.

    Raises
    ------
    EngineError
        ``truncated_output`` if there are fewer than 20, ``not_finite``.
    """
    if len(rows) < LEAST:
        raise EngineError("truncated_output", f"{path.name}: only {len(rows)} energies")
    data = np.array(rows)
    if not np.isfinite(data).all():
        raise EngineError("not_finite", f"{path.name}: not a number among the values")
    return data


def damaged(line: str) -> bool:
    """Whether a line is a row that Fortran printed with stars or with numbers run together."""
    return bool(_PRINTED.match(line) and _GLUED.search(line)) and row_of(line) is None


def row_of(line: str) -> list[float] | None:
    """Numbers of a line, exponents with D or E; None if a word is none."""
    try:
        return [real(v) for v in line.split()]
    except ValueError:
        return None


def number(text: str, path: Path) -> float:
    """A number that a file states outside its columns.

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
    """Energies and absorption, refused if they are no absorption spectrum.

    An energy that is printed twice with nearly the same value (a fine grid, few digits) is kept
    once, with the mean.

    Raises
    ------
    EngineError
        ``bad_output`` if energies decrease, or the absorption is flat (at all, or for a part of
        the energies) or negative.
    """
    energy, (mu,) = merged(path, energy, mu)
    if is_constant(mu) or mu.max() <= 0:
        raise EngineError("bad_output", f"{path.name}: the absorption is flat or negative")
    stands = held(mu)
    if stands and stands.first > 0 and stands.value > BELOW * mu.max():  # in gaps it is zero
        raise EngineError(
            "bad_output",
            f"{path.name}: the absorption stands still at {stands.value:.6g} from energy "
            f"{energy[stands.first]:g} to {energy[stands.last]:g}: cut off there, or filled in",
        )
    if mu.min() < -BELOW * mu.max():
        raise EngineError(
            "bad_output",
            f"{path.name}: falls to {mu.min():.3g} (maximum {mu.max():.3g}): no absorption, but a "
            "difference, an anomalous factor or a damaged file",
        )
    return energy, mu


def merged(path: Path, energy: Floats, *columns: Floats) -> tuple[Floats, tuple[Floats, ...]]:
    """Energies without repetitions, and the means of the columns at each.

    Raises
    ------
    EngineError
        ``bad_output`` if energies decrease, or values of one energy differ.
    """
    if (np.diff(energy) < 0).any():
        where = int(np.argmax(np.diff(energy) < 0))
        raise EngineError(
            "bad_output", f"{path.name}: energies do not increase (after {energy[where]:g})"
        )
    kept, group, count = np.unique(energy, return_inverse=True, return_counts=True)
    if len(kept) == len(energy):
        return energy, columns
    means = tuple(np.bincount(group, c) / count for c in columns)
    if len(kept) < LEAST:
        raise EngineError("bad_output", f"{path.name}: only {len(kept)} different energies")
    if np.abs(columns[0] - means[0][group]).max() > STEP * np.ptp(columns[0]):
        raise EngineError("bad_output", f"{path.name}: one energy has two different values")
    return kept, means


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
        if len(files) > 1 and parts[-1].min() < -BELOW * np.abs(parts[-1]).max():
            raise EngineError("bad_output", f"{path.name}: falls below zero, no absorption")
    return header, *checked(files[0], energy, np.mean(parts, axis=0))
