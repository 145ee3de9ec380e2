"""What was computed, what it cost and what failed, counted from the tables of all studies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.records import Status

Row = dict[str, Any]
_NEEDED = {"calculation_id", "status", "cpu_s"}
_ASKED = (
    "calculation_id",
    "study",
    "engine",
    "protocol",
    "origin",
    "status",
    "error_class",
    "cpu_s",
)


def summary(results: Path, studies: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Counts by study, engine, protocol and origin; and the failures by their kind.

    Parameters
    ----------
    results
        Folder that holds ``calculations.parquet`` of the chunks and ``<study>/*.parquet``.

    Returns
    -------
    counts
        Rows ``study, engine, protocol, origin, ok, unconverged, failed, cpu_h``; each calculation
        counts once.
    failures
        Rows ``study, error_class, count``.
    """
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    hours: defaultdict[tuple[str, ...], float] = defaultdict(float)
    failures: Counter[tuple[str, str]] = Counter()
    for row in _once(results, studies):
        key = tuple(str(row.get(name) or "") for name in ("study", "engine", "protocol", "origin"))
        counts[key][row["status"]] += 1
        hours[key] += float(row["cpu_s"] or 0) / 3600
        if row["status"] == Status.FAILED:
            failures[key[0], str(row.get("error_class") or "not said")] += 1
    names = ("study", "engine", "protocol", "origin")
    rows = [
        dict(zip(names, key))
        | {str(s): found[s] for s in (Status.OK, Status.UNCONVERGED, Status.FAILED)}
        | {"cpu_h": hours[key]}
        for key, found in sorted(counts.items())
    ]
    kinds = ((*key, n) for key, n in sorted(failures.items()))
    return rows, [dict(zip(("study", "error_class", "count"), kind)) for kind in kinds]


def _once(results: Path, studies: Sequence[str]) -> Iterator[Row]:
    """Every calculation once, whichever tables it stands in; the shared table first."""
    seen: set[str] = set()
    shared = results / "calculations.parquet"
    tables = [(shared, "nmc")] if "nmc" in studies and shared.is_file() else []
    tables += [(p, s) for s in studies for p in sorted((results / s).glob("*.parquet"))]
    for path, study in tables:
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
