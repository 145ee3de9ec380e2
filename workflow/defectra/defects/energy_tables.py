"""Tables of total energies of a user's own (csv) with declared columns, made into levels."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from defectra.core.errors import EngineError, TableError
from defectra.defects.energy_levels import ChargedEnergies, energy, level_rows

Row = dict[str, Any]
Left = dict[str, str]


_UNIT = re.compile(
    r"(?<![A-Za-z])(?:meV|mRy|Ry(?:dbergs?)?|Ha(?:rtrees?)?|a\.u\.|kJ/mol|kcal/mol|"
    r"(?:e?V)?\s*(?:/|per)[\s_]*(?:atom|ion|at\.|f\.?u\.?|formula unit))(?![A-Za-z])",
    re.I,
)


@dataclass(frozen=True)
class Mapped:
    """Which column of a table holds what; a column is named as in its head.

    Attributes
    ----------
    host, defect
        Names. A host that starts with ``=`` is a constant: ``=CdTe``.
    vbm, gap
        eV, valence-band maximum on the axis of the energies.
    energies
        Column of the total energy by charge.
    corrections
        Column of the correction by charge; charges that lack one stay uncorrected.
    bulk
        Total energy of the host, only checked for blanks; may be empty.
    fidelity
        What made the energies, e.g. ``HSE06``.
    """

    host: str
    defect: str
    vbm: str
    gap: str
    energies: Mapping[int, str]
    corrections: Mapping[int, str] = field(default_factory=dict)
    bulk: str = ""
    fidelity: str = "functional unknown"


def levels_of_table(
    path: Path, columns: Mapped, coefficient: float
) -> tuple[list[Row], list[Left]]:
    """Levels of every whole row of a csv, in the columns of COMPUTED_LEVELS, and what was left out.

    A row with a zero, an empty cell or a word for an energy, more or fewer cells than names, or one
    energy for two charges is left out whole, with its line.

    Raises
    ------
    TableError
        If the file cannot be read, or a declared column is not there.
    """
    _check_units(path, columns)
    rows: list[Row] = []
    left_out: list[Left] = []
    seen: set[tuple[str, str]] = set()
    for line, heads, cells in _lines(path, columns):
        where = f"{path.name} line {line}"
        try:
            found = _defect(_by_name(heads, cells), columns)
            if (found.host, found.defect) in seen:
                raise EngineError("twice", f"{found.host} {found.defect} occurs twice")
            rows += level_rows(found, coefficient)
            seen.add((found.host, found.defect))
        except EngineError as error:
            left_out.append({"source": where, "reason": str(error)})
    return rows, left_out


def _check_units(path: Path, columns: Mapped) -> None:
    """Refuse energies whose column says that they are no eV of a whole cell."""
    names = [columns.vbm, columns.gap, columns.bulk, *columns.energies.values()]
    for name in (*names, *columns.corrections.values()):
        unit = _UNIT.search(name)
        if unit:
            raise TableError(
                f"{path}: column {name!r} says {unit[0].strip(' ()[]_/')!r}: energies are read in "
                "eV of the whole cell; convert them"
            )


def _defect(raw: Mapping[str, str], columns: Mapped) -> ChargedEnergies:
    if columns.bulk:
        energy(raw[columns.bulk], columns.bulk)
    energies = {q: energy(raw[name], name) for q, name in columns.energies.items()}
    corrections = {}
    for charge, name in columns.corrections.items():
        corrections[charge] = _number(raw[name], name)
    gap, vbm = _number(raw[columns.gap], columns.gap), _number(raw[columns.vbm], columns.vbm)
    if gap <= 0:
        raise EngineError("no_states", f"{columns.gap}: {gap:g} is no gap")
    host = columns.host[1:] if columns.host.startswith("=") else raw[columns.host].strip()
    if not host or not raw[columns.defect].strip():
        raise EngineError("no_name", "the host or the defect has no name")
    return ChargedEnergies(
        host, raw[columns.defect].strip(), vbm, gap, energies, corrections,
        f"{columns.fidelity}, {len(energies)} charges of a table", "table",
    )  # fmt: skip


def _number(text: str, name: str) -> float:
    """A number that may be zero."""
    try:
        return 0.0 if float(text) == 0 else energy(text, name)
    except ValueError:
        raise EngineError("blank_energy", f"{name}: {text.strip()!r} is no number") from None


def _by_name(heads: list[str], cells: list[str]) -> dict[str, str]:
    """Cells by name; a decimal comma makes one too many, a lost cell moves all behind it."""
    if len(cells) < len(heads) or any(c.strip() for c in cells[len(heads) :]):
        raise EngineError(
            "row_length",
            f"{len(cells)} cells under {len(heads)} names: a decimal comma, or a cell is lost?",
        )
    return dict(zip(heads, cells))


def _lines(path: Path, columns: Mapped) -> Iterator[tuple[int, list[str], list[str]]]:
    """Line number, names and cells of each row that is not empty."""
    names = [columns.defect, columns.vbm, columns.gap, columns.bulk]
    names += [columns.host] if not columns.host.startswith("=") else []
    names += [*columns.energies.values(), *columns.corrections.values()]
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle)
            heads = [h.strip() for h in next(reader, [])]
            missing = [n for n in names if n and n not in heads]
            twice = [n for n in names if n and heads.count(n) > 1]
            if missing or twice:
                raise TableError(
                    f"{path}: column {(missing or twice)[0]!r} "
                    f"{'is missing' if missing else 'occurs twice'}; there are: {', '.join(heads)}"
                )
            for number, cells in enumerate(reader, 2):
                if any(c.strip() for c in cells):
                    yield number, heads, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: cannot be read: {error}") from None
