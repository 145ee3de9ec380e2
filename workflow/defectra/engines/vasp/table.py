"""The table of the dielectric function in an OUTCAR, read to its proper end."""

from __future__ import annotations

import re
from itertools import dropwhile, takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.engines.finished.columns import LEAST, row_of
from defectra.engines.vasp import incar

Floats = NDArray[np.float64]
HEADING = "IMAGINARY DIELECTRIC FUNCTION"


def from_outcar(path: Path, text: str, tags: dict[str, str]) -> tuple[Floats, Floats]:
    """Energies and the mean of xx, yy, zz.

    The table is whole if the file goes on after a blank line, or if the file ends there and
    it has as many rows as ``NEDOS`` or ``CH_NEDOS`` say.

    Raises
    ------
    EngineError
        ``truncated_output``: no table, a row with stars or glued numbers, too few rows.
    """
    start = text.find(HEADING)
    if start < 0:
        raise EngineError("truncated_output", f"{path.name}: ends before the dielectric function")
    _refuse_second(path, text)
    number = text.count("\n", 0, start) + 1
    rows: list[list[float]] = []
    ended = False
    lines = text[start:].rstrip().splitlines()[1:]
    for line in lines:
        number += 1
        row = row_of(line) if line.strip() else None
        if row is not None and len(row) == 7:
            rows.append(row)
        elif rows and not line.strip():
            ended = True
            break
        elif rows or _spoiled(line):
            raise EngineError(
                "truncated_output",
                f"{path.name}: line {number} is no row of the dielectric function: "
                f"{line.strip()[:50]!r}",
            )
    _check_rows(path, len(rows), ended, tags)
    data = np.array(rows)
    steps = np.diff(data[:, 0])
    if steps.max() > 1.5 * np.median(steps) > 0:
        where = data[int(steps.argmax()), 0]
        raise EngineError("truncated_output", f"{path.name}: energies are missing after {where:g}")
    return data[:, 0], data[:, 1:4].mean(axis=1)


def _refuse_second(path: Path, text: str) -> None:
    """Refuse two tables under one heading that differ: OUTCARs of two runs, one after the other."""
    tables: dict[str, set[str]] = {}
    for part in text.split(HEADING)[1:]:
        heading, _, rest = part.partition("\n")
        rows = "\n".join(takewhile(lambda x: row_of(x) is not None, _body(rest)))
        tables.setdefault(" ".join(heading.split()), set()).add(rows)
    if any(len(each) > 1 for each in tables.values()):
        raise EngineError(
            "mixed_files", f"{path.name}: two different dielectric functions: of two runs in one?"
        )


def _body(rest: str) -> list[str]:
    """Lines from the first row of numbers on."""
    return list(dropwhile(lambda x: not x.strip() or row_of(x) is None, rest.split("\n")))


def _spoiled(line: str) -> bool:
    return bool(re.match(r"\s*-?[\d*][-+.\d*Ee\s]*$", line))


def _check_rows(path: Path, have: int, ended: bool, tags: dict[str, str]) -> None:
    declared = {incar.integer(tags, tag) for tag in ("CH_NEDOS", "NEDOS")} - {None}
    if have < LEAST or (not ended and have not in declared):
        says = f", NEDOS says {max(t for t in declared if t)}" if declared else ""
        raise EngineError(
            "truncated_output",
            f"{path.name}: the dielectric function is cut off after {have} energies{says}",
        )
