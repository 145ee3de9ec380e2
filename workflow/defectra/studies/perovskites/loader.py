"""Read the published tables: schema, ranges, duplicates; the B site from its descriptors.

The files have no header, so a column that moved shows only by what stands in it: every column is
held against the range that its quantity can have. Data: arXiv:2109.10798 and its repositories.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.studies.perovskites.compounds import (
    A_IONS,
    B_IONS,
    EIGHTHS,
    X_IONS,
    Compound,
    b_compositions,
    from_amounts,
)
from defectra.studies.perovskites.tables import DESCRIPTORS, UNITS, composition_columns

Row = dict[str, Any]
NAN = float("nan")
# Columns from 0 of each file; ranges are what the quantity can be, not what the file holds.
_MAIN = {
    5: "lattice_PBE",
    6: "decomposition_PBE",
    7: "lattice_HSE",
    8: "decomposition_HSE",
    9: "gap_PBE",
    10: "gap_HSE",
    11: "refractive_index",
    12: "log_fom",
}
_DEFECTS = {
    5: "defect_energy_x_rich",
    6: "fermi_level_x_rich",
    8: "defect_energy",
    9: "fermi_level",
    11: "defect_energy_b_rich",
    12: "fermi_level_b_rich",
    14: "vacancy_A_x_rich",
    15: "vacancy_X_x_rich",
    16: "vacancy_A",
    17: "vacancy_X",
    18: "vacancy_A_b_rich",
    19: "vacancy_X_b_rich",
    20: "level_A",
    21: "level_X",
}
_DESIGN = {
    "PBE": {2: "lattice_PBE", 3: "gap_PBE", 4: "energy_PBE", 5: "decomposition_PBE"},
    "HSE": {2: "lattice_HSE", 3: "gap_HSE", 4: "energy_HSE", 5: "decomposition_HSE"},
}
_DESIGN_START, _DESIGN_WIDTH = {"PBE": 8, "HSE": 6}, {"PBE": 58, "HSE": 56}
_RANGES = {
    "lattice": (4.5, 8.0),
    "decomposition": (-3.0, 5.0),
    "gap": (0.0, 9.0),
    "energy": (-25.0, -2.0),
    "refractive": (1.0, 5.0),
    "log": (2.0, 8.0),
    "defect": (-6.0, 8.0),
    "fermi": (-6.0, 10.0),
    "vacancy": (-6.0, 12.0),
    "level": (-2.0, 8.0),
}
_DEFECTS_WIDTH, _MAIN_WIDTH = 69, 58
_MATCH = 2e-4
SAME = 1e-3


def read_main(path: str | Path) -> list[Row]:
    """Rows of ``Data.csv``: composition, labels and the descriptors of the file.

    Raises
    ------
    DataError
        With file, line and column, if the file is not what it should be.
    """
    lines = _lines(path, _MAIN_WIDTH)
    descriptors = [
        _numbers(path, n, r, range(_MAIN_WIDTH - DESCRIPTORS, _MAIN_WIDTH)) for n, r in lines
    ]
    sites = _b_site(path, lines, np.array(descriptors)[:, 15:30])
    rows = []
    for (number, fields), b, own in zip(lines, sites, descriptors):
        a, x = _ion(path, number, fields, 2, A_IONS), _ion(path, number, fields, 4, X_IONS)
        compound = Compound(a, tuple(int(n) for n in b), x)
        rows.append(_row(compound, "perovs_ml", _labels(path, number, fields, _MAIN), own))
    return unique(rows, path)


def read_defects(path: str | Path, rows: Sequence[Row]) -> list[Row]:
    """The same rows with the labels of ``Defect_data.csv`` added; the order must be the same."""
    lines = _lines(path, _DEFECTS_WIDTH)
    if len(lines) != len(rows):
        raise DataError(f"{path}: {len(lines)} compounds where the main table has {len(rows)}")
    out = []
    for row, (number, fields) in zip(rows, lines):
        a, x = _ion(path, number, fields, 2, A_IONS), _ion(path, number, fields, 4, X_IONS)
        own = _numbers(path, number, fields, range(_DEFECTS_WIDTH - DESCRIPTORS, _DEFECTS_WIDTH))
        same = np.abs(np.array(own) - row["descriptors"]).max() < _MATCH
        if list(a) != row["a"] or list(x) != row["x"] or not same:
            raise DataError(
                f"{path}: line {number} is another compound than in the main table ({row['name']});"
                f" the two tables must be in the same order"
            )
        out.append({**row, **_labels(path, number, fields, _DEFECTS)})
    return out


def read_design(path: str | Path, fidelity: str) -> tuple[list[Row], dict[str, int]]:
    """Rows of ``PBE_data.csv`` or ``HSE_data.csv``, and what was left out, counted by its kind.

    Left out are compounds with cations beyond the study and cells beyond the 1/8 grid, both of
    which the file names by their kind; anything else that is off is an error.
    """
    start = _DESIGN_START[fidelity]
    rows: list[Row] = []
    left_out: dict[str, int] = {}
    for number, fields in _lines(path, _DESIGN_WIDTH[fidelity]):
        kind = fields[1].strip()
        if kind.startswith("New"):
            left_out[kind] = left_out.get(kind, 0) + 1
            continue
        amounts = _numbers(path, number, fields, range(start, start + 14))
        compound = from_amounts(amounts, f"{path}: line {number} ({fields[0]})")
        labels = _labels(path, number, fields, _DESIGN[fidelity])
        rows.append(_row(compound, "halide_perovs_design", labels, []))
    return unique(rows, path), left_out


def unique(rows: Sequence[Row], path: str | Path) -> list[Row]:
    """Rows without repeats.

    Raises
    ------
    DataError
        If a compound occurs twice with different values.
    """
    seen: dict[str, Row] = {}
    for row in rows:
        other = seen.setdefault(row["name"], row)
        for label in UNITS:
            one, two = row[label], other[label]
            if abs(one - two) > SAME or math.isnan(one) != math.isnan(two):
                raise DataError(
                    f"{path}: {row['name']} occurs twice with different values of "
                    f"{label}: {two:g} and {one:g}; keep one"
                )
    return list(seen.values())


def merge_sets(ml: Sequence[Row], pbe: Sequence[Row], hse: Sequence[Row]) -> list[Row]:
    """All compounds once: those of perovs_ml first, each with the energies of the design set."""
    design: dict[str, Row] = {}
    for row in (*pbe, *hse):
        known = design.setdefault(row["name"], dict(row))
        known.update({k: row[k] for k in UNITS if not math.isnan(row[k])})
    own = {row["name"] for row in ml}
    out = []
    for row in ml:
        energies = {k: design.get(row["name"], row)[k] for k in ("energy_PBE", "energy_HSE")}
        out.append({**row, **energies, "in_ml": True})
    return out + [row for name, row in design.items() if name not in own]


def _row(compound: Compound, source: str, labels: Row, descriptors: list[float]) -> Row:
    return {
        **composition_columns(compound),
        "source": source,
        "in_ml": source == "perovs_ml",
        **dict.fromkeys(UNITS, NAN),
        **labels,
        "descriptors": descriptors,
        "flags": [],
    }


def _lines(path: str | Path, width: int) -> list[tuple[int, list[str]]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file in UTF-8") from None
    lines = [(n, f) for n, f in enumerate(csv.reader(text.splitlines()), 1) if any(f)]
    if not lines:
        raise DataError(f"{path}: the file is empty")
    for number, fields in lines:
        if len(fields) != width:
            hint = "; are there decimal commas or semicolons?" if _commas(fields, width) else ""
            raise DataError(
                f"{path}: line {number}: {len(fields)} columns where {width} belong{hint}"
            )
    return lines


def _commas(fields: Sequence[str], width: int) -> bool:
    return len(fields) > width or any(";" in f for f in fields)


def _numbers(path: str | Path, number: int, fields: Sequence[str], columns: range) -> list[float]:
    return [_number(path, number, fields, column) for column in columns]


def _number(path: str | Path, number: int, fields: Sequence[str], column: int) -> float:
    try:
        value = float(fields[column])
    except ValueError:
        comma = "; write a decimal point, not a comma" if "," in fields[column] else ""
        raise DataError(
            f"{path}: line {number}: column {column + 1} holds {fields[column]!r} where a number "
            f"belongs{comma}"
        ) from None
    if not math.isfinite(value):
        raise DataError(f"{path}: line {number}: column {column + 1} is not finite")
    return value


def _labels(path: str | Path, number: int, fields: Sequence[str], columns: dict[int, str]) -> Row:
    out = {}
    for column, label in columns.items():
        value = _number(path, number, fields, column)
        low, high = _RANGES[label.split("_")[0]]
        if not low <= value <= high:
            raise DataError(
                f"{path}: line {number}: column {column + 1} should be {label} "
                f"({low:g} to {high:g} {UNITS[label]}), found {value:g}; was the order of the "
                f"columns changed?"
            )
        out[label] = value
    return out


def _ion(
    path: str | Path, number: int, fields: Sequence[str], column: int, ions: Sequence[str]
) -> tuple[int, ...]:
    ion = fields[column].strip()
    if ion not in ions:
        raise DataError(
            f"{path}: line {number}: column {column + 1} holds {ion!r}; known ions: "
            f"{', '.join(ions)}"
        )
    return tuple(EIGHTHS * (ion == known) for known in ions)


def _b_site(
    path: str | Path, lines: Sequence[tuple[int, list[str]]], averages: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Eighths on the B site: the mixed rows are known only by their fraction-averaged descriptors.

    The pure rows give the descriptors of each cation; of the 1,287 compositions of the grid the
    one whose average agrees to the printed digits is taken, and it has to be the only one.
    """
    pure = {fields[3].strip(): k for k, (_, fields) in enumerate(lines)}
    missing = [ion for ion in B_IONS if ion not in pure]
    if missing:
        raise DataError(f"{path}: no pure compound of {', '.join(missing)}: the mixed are unknown")
    grid = b_compositions()
    table = grid / EIGHTHS @ averages[[pure[ion] for ion in B_IONS]]
    out = []
    for (number, fields), average in zip(lines, averages):
        ion = fields[3].strip()
        distance = np.abs(table - average).max(axis=1)
        found = np.flatnonzero(distance < _MATCH)
        if len(found) != 1:
            raise DataError(
                f"{path}: line {number}: the B-site descriptors are those of {len(found)} "
                f"compositions of the 1/8 grid; unknown cation or fraction off the grid?"
            )
        if ion in B_IONS and grid[found[0], B_IONS.index(ion)] != EIGHTHS:
            raise DataError(f"{path}: line {number}: descriptors disagree with cation {ion!r}")
        out.append(grid[found[0]])
    return np.array(out)
