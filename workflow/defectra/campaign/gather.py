"""Union of the tables of all chunks, and the threshold of failures."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from defectra.core.arrow_columns import arrow_array
from defectra.core.errors import TableError
from defectra.core.records import CALCULATIONS, Status, Table
from defectra.core.store import read_arrow, table_writer

if TYPE_CHECKING:
    import pyarrow as pa


def unite(paths: Sequence[str | Path], out: str | Path, table: Table, key: Sequence[str]) -> int:
    """Write the rows of `paths` to `out`, one for each `key`; returns their number.

    One chunk is in memory at a time. A key that two chunks share is written once, from the
    first of them, so the result depends on the order of `paths` alone.
    """
    seen: set[bytes] = set()
    with table_writer(out, table) as add:
        for path in paths:
            data = read_arrow(path, table)
            add(data.filter(_new(data, key, seen)))
    return len(seen)


def _new(data: pa.Table, key: Sequence[str], seen: set[bytes]) -> pa.Array:
    """Whether each row has a key that was not seen before; its key then is.

    `seen` holds 16 bytes of a hash of each key, a fifth of what the words of 200,000 take.
    """
    import pyarrow as pa

    mask = []
    for words in zip(*(data[k].to_pylist() for k in key)):
        name = hashlib.blake2b(repr(words).encode(), digest_size=16).digest()
        mask.append(name not in seen)
        seen.add(name)
    return arrow_array(mask, pa.bool_())


def check_failures(paths: Sequence[str | Path], limit: float) -> float:
    """Fraction of failed calculations.

    Raises
    ------
    TableError
        If it is above `limit`; the message names the most frequent failures.
    """
    import pyarrow.compute as pc

    total, failed = 0, 0
    classes: Counter[str] = Counter()
    example = ""
    for path in paths:
        data = read_arrow(path, CALCULATIONS, ["status", "error_class", "message"])
        rows = data.filter(pc.equal(data["status"], str(Status.FAILED))).to_pylist()
        total, failed = total + len(data), failed + len(rows)
        classes.update(row["error_class"] or "unknown" for row in rows)
        example = example or next((row["message"] for row in rows), "")
    fraction = failed / total if total else 0.0
    if fraction > limit:
        reasons = ", ".join(f"{name} {n} times" for name, n in classes.most_common(3))
        raise TableError(
            f"{failed} of {total} calculations failed ({reasons}; e.g. "
            f"{example[:120]!r}), more than max_failed = {limit:g} allows; "
            f"they are rows of results/chunks/*/calculations.parquet; mend the cause and rerun, "
            f"or raise max_failed of the study in the config"
        )
    return fraction
