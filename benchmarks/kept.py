"""Rows that a benchmark measured, kept as small tables below ``benchmarks/measured``.

The pages are written from these tables, so that they can be written again without any run, and a
test finds a page that says something else. Each row has the day and the load of the machine
(1 minute, when the run began; NaN where it was not noted); a run that is done again replaces its
row.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from defectra.core.csvs import is_number, read_csv, write_csv

FOLDER = Path(__file__).parent / "measured"
PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
MACHINE = ("day", "load")


class Kept:
    """One table of measured rows.

    Parameters
    ----------
    name
        Of the file, without its ending.
    key
        Columns that say which run a row is of; one row each.
    columns
        The other columns; `day` and `load` are added.
    """

    def __init__(self, name: str, key: tuple[str, ...], columns: tuple[str, ...]) -> None:
        self.path = FOLDER / f"{name}.csv"
        self.key = key
        self.columns = [*key, *columns, *MACHINE]

    def rows(self) -> list[dict[str, Any]]:
        """All rows, in the order in which they were first measured; none without a file."""
        return read_csv(self.path, self.columns) if self.path.exists() else []

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep rows, each in place of an earlier one of the same run.

        Raises
        ------
        TableError
            If a row has other columns.
        """
        found = {self._of(row): row for row in self.rows()}
        found |= {self._of(row): dict(row) for row in rows}
        self.path.parent.mkdir(exist_ok=True)
        write_csv(self.path, found.values(), self.columns)

    def _of(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Key of a row, the same of one that was just measured and of one read again."""
        texts = [str(row[k]) for k in self.key]
        return tuple(f"{float(t):.6g}" if is_number(t) else t for t in texts)


def machine() -> dict[str, Any]:
    """Day (UTC) and load average (1 minute) of a run that begins now."""
    return {"day": f"{datetime.now(UTC):%Y-%m-%d}", "load": round(os.getloadavg()[0], 1)}


def when(rows: Iterable[Mapping[str, Any]]) -> str:
    """Days and loads of rows in words: ``Measured 2026-11-29; load of the machine ...``."""
    found = list(rows)
    days = sorted({str(r["day"]) for r in found})
    loads = sorted(float(r["load"]) for r in found if not math.isnan(float(r["load"])))
    span = " to ".join(dict.fromkeys((days[0], days[-1])))
    ends = [f"{x:g}" for x in (loads[0], loads[-1])] if loads else ["not noted"]
    load = " to ".join(dict.fromkeys(ends))
    return f"Measured {span}; load of the machine (2 cores) when the runs began: {load}."
