"""Union of the tables of all chunks, and the threshold of failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from defectra.errors import TableError
from defectra.records import CALCULATIONS, Status, Table
from defectra.store import Row, read_table, replacing, to_arrow


def unite(paths: Sequence[str | Path], out: str | Path, table: Table, key: Sequence[str]) -> int:
    """Write the rows of `paths` to `out`, one for each `key`; returns their number.

    One chunk is in memory at a time. A key that two chunks share is written once, from the
    first of them, so the result depends on the order of `paths` alone.
    """
    import pyarrow.parquet as pq

    seen: set[tuple[Any, ...]] = set()
    with (
        replacing(out) as temporary,
        pq.ParquetWriter(temporary, table.schema(), compression="zstd") as writer,
    ):
        for path in paths:
            rows = list(_new(read_table(path, table), key, seen))
            if rows:
                writer.write_table(to_arrow(rows, table))
    return len(seen)


def _new(rows: list[Row], key: Sequence[str], seen: set[tuple[Any, ...]]) -> Iterator[Row]:
    for row in rows:
        name = tuple(row[k] for k in key)
        if name not in seen:
            seen.add(name)
            yield row


def check_failures(paths: Sequence[str | Path], limit: float) -> float:
    """Fraction of failed calculations.

    Raises
    ------
    TableError
        If it is above `limit`; the message tells the most frequent failures.
    """
    columns = ["calculation_id", "status", "error_class", "message"]
    rows = [row for path in paths for row in read_table(path, CALCULATIONS, columns)]
    failed = [row for row in rows if row["status"] == Status.FAILED]
    fraction = len(failed) / len(rows) if rows else 0.0
    if fraction > limit:
        classes = Counter(row["error_class"] for row in failed).most_common(3)
        told = ", ".join(f"{name or 'unknown'} {n} times" for name, n in classes)
        raise TableError(
            f"{len(failed)} of {len(rows)} calculations failed ({told}; e.g. "
            f"{failed[0]['message'][:120]!r}), more than nmc.max_failed = {limit:g} allows; "
            f"they are rows of results/chunks/*/calculations.parquet; mend the cause and rerun, "
            f"or raise nmc.max_failed in the config"
        )
    return fraction
