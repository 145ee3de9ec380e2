"""Site averages of a campaign of any size: some structures in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.arrow_columns import arrow_array
from defectra.core.errors import TableError
from defectra.core.records import CALCULATIONS, SITE_AVERAGES, SPECTRA, STRUCTURES, TASKS
from defectra.core.store import read_arrow, read_table, table_writer
from defectra.spectra.average import average_sites
from defectra.spectra.grid import Grid

Paths = Sequence[str | Path]
Row = dict[str, Any]


def average_chunks(
    out: str | Path,
    structures: Paths,
    tasks: Paths,
    calculations: Paths,
    spectra: Paths,
    grids: Mapping[str, Grid],
) -> int:
    """Write the site_averages table, some structures of a chunk at a time; returns its rows.

    Spectra that do not cover their grid are counted as failed, and printed with the reason. A
    structure is in one chunk, so that no average needs two.

    Parameters
    ----------
    structures, tasks, calculations, spectra
        Files of these tables, one of each for a chunk, in the same order.
    grids
        Declared grid of each edge.

    Raises
    ------
    TableError
        If a structure is in two chunks, or as :func:`defectra.spectra.average.average_sites`.
    """
    seen: set[str] = set()
    total, short = 0, list[Row]()
    with table_writer(out, SITE_AVERAGES) as add:
        for files in zip(structures, tasks, calculations, spectra, strict=True):
            cells = read_table(files[0], STRUCTURES)
            names = {row["structure_id"] for row in cells}
            if seen & names:
                raise TableError(f"{files[0]}: structure {min(seen & names)} is in two chunks")
            seen |= names
            for part, asked, done, curves in _parts(cells, files[1:]):
                rows = average_sites(done, curves, part, asked, grids, short)
                add(rows)
                total += len(rows)
    for row in short:
        print(f"counted as failed: {row['source']}: {row['reason']}", flush=True)
    return total


def _parts(
    cells: list[Row], files: Sequence[str | Path], number: int = 100
) -> Iterator[tuple[list[Row], ...]]:
    """Structures, tasks, calculations and spectra of `number` structures of a chunk at a time.

    A spectrum as a list of numbers takes four times what it takes in Arrow's columns. Rows of
    structures that are not in the chunk come last: whoever averages refuses them.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    asked, done, curves = (
        read_arrow(path, table) for path, table in zip(files, (TASKS, CALCULATIONS, SPECTRA))
    )
    cells = sorted(cells, key=lambda row: str(row["structure_id"]))
    for start in range(0, len(cells), number):
        part = cells[start : start + number]
        names = arrow_array([row["structure_id"] for row in part], pa.string())
        own = [t.filter(pc.is_in(t["structure_id"], value_set=names)) for t in (asked, done)]
        ids = own[1]["calculation_id"].combine_chunks()
        spectra = curves.filter(pc.is_in(curves["calculation_id"], value_set=ids))
        yield part, *(table.to_pylist() for table in (*own, spectra))
    every = arrow_array([row["structure_id"] for row in cells], pa.string())
    strange = (
        t.filter(pc.invert(pc.is_in(t["structure_id"], value_set=every))) for t in (asked, done)
    )
    yield [], *(table.to_pylist() for table in strange), []
