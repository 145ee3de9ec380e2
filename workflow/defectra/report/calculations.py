"""What was computed, what it cost and what failed, counted from the tables of all studies."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.records import Status
from defectra.report.of_run import OfRun

Row = dict[str, Any]
_NEEDED = {"calculation_id", "status", "cpu_s"}
NOT_COMPUTED = "not computed"
# Error classes of rows that stand for a calculation that nobody has run.
_WAITING = {"not_computed", "engine_missing", "geometry_missing"}
_ASKED = (
    "calculation_id",
    "study",
    "engine",
    "engine_version",
    "protocol",
    "origin",
    "status",
    "error_class",
    "cpu_s",
)


def summary(of_run: OfRun, studies: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Counts by study, engine with its version, protocol and origin; and the failures by kind.

    Parameters
    ----------
    of_run
        Which files are of this run; its folder holds ``calculations.parquet`` of the chunks and
        ``<study>/*.parquet``.

    Returns
    -------
    counts
        Rows ``study, engine, protocol, origin, ok, unconverged, failed, not computed, cpu_h``; each
        calculation counts once. One that nobody has run is no failure.
    failures
        Rows ``study, error_class, count``.
    """
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    hours: defaultdict[tuple[str, ...], float] = defaultdict(float)
    failures: Counter[tuple[str, str]] = Counter()
    for row in _once(of_run, studies):
        why = str(row.get("error_class") or "not said")
        waits = row["status"] == Status.FAILED and why in _WAITING
        engine = row.get("engine_version") or row.get("engine")
        known = (row["study"], engine, row.get("protocol"), "" if waits else row.get("origin"))
        key = tuple(str(value or "") for value in known)
        counts[key][NOT_COMPUTED if waits else row["status"]] += 1
        spent = float(row["cpu_s"] or 0)
        hours[key] += spent / 3600 if math.isfinite(spent) else 0.0
        if row["status"] == Status.FAILED and not waits:
            failures[key[0], why] += 1
    names = ("study", "engine", "protocol", "origin")
    states = (str(Status.OK), str(Status.UNCONVERGED), str(Status.FAILED), NOT_COMPUTED)
    rows = [
        dict(zip(names, key)) | {s: found[s] for s in states} | {"cpu_h": hours[key]}
        for key, found in sorted(counts.items())
    ]
    kinds = ((*key, n) for key, n in sorted(failures.items()))
    return rows, [dict(zip(("study", "error_class", "count"), kind)) for kind in kinds]


def _once(of_run: OfRun, studies: Sequence[str]) -> Iterator[Row]:
    """Every calculation once, whichever tables it stands in; the shared table first."""
    seen: set[str] = set()
    shared = of_run.results / "calculations.parquet"
    tables = [(shared, "nmc")] if "nmc" in studies and shared.is_file() else []
    tables += [(p, s) for s in studies for p in sorted((of_run.results / s).glob("*.parquet"))]
    for path, study in ((path, study) for path, study in tables if path in of_run):
        for row in _rows(path):
            if row["calculation_id"] in seen or row["status"] is None:
                continue
            seen.add(row["calculation_id"])
            yield {**row, "study": study}


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    """Accounting of a table; none if it is no table of calculations."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        names = set(file.schema_arrow.names)
        if not names >= _NEEDED:
            return []
        found: list[Row] = file.read(columns=[n for n in _ASKED if n in names]).to_pylist()
        return found
