"""Union of the tables of all chunks, and the threshold of failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.errors import TableError
from defectra.records import CALCULATIONS, Status, Table
from defectra.store import read_arrow, read_table, table_writer

if TYPE_CHECKING:
    import pyarrow as pa


def unite(paths: Sequence[str | Path], out: str | Path, table: Table, key: Sequence[str]) -> int:
    """Write the rows of `paths` to `out`, one for each `key`; returns their number.

    One chunk is in memory at a time. A key that two chunks share is written once, from the
    first of them, so the result depends on the order of `paths` alone.
    """
    seen: set[tuple[Any, ...]] = set()
    with table_writer(out, table) as add:
        for path in paths:
            data = read_arrow(path, table)
            add(data.filter(_new(data, key, seen)))
    return len(seen)


def _new(data: pa.Table, key: Sequence[str], seen: set[tuple[Any, ...]]) -> pa.Array:
    """Whether each row has a key that was not seen before; its key then is."""
    import pyarrow as pa

    mask = []
    for name in zip(*(data[k].to_pylist() for k in key)):
        mask.append(name not in seen)
        seen.add(name)
    return pa.array(mask, pa.bool_())


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
