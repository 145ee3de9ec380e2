"""Site averages of a campaign of any size: one chunk in memory at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from defectra.errors import TableError
from defectra.records import CALCULATIONS, SITE_AVERAGES, SPECTRA, STRUCTURES, TASKS
from defectra.settings.nmc import Grid
from defectra.spectra.average import average_sites
from defectra.store import read_table, table_writer

Paths = Sequence[str | Path]


def average_chunks(
    out: str | Path,
    structures: Paths,
    tasks: Paths,
    calculations: Paths,
    spectra: Paths,
    grids: Mapping[str, Grid],
) -> int:
    """Write the site_averages table, one row group for each chunk; returns its rows.

    A structure is in one chunk, so that no average needs two.

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
    total = 0
    with table_writer(out, SITE_AVERAGES) as add:
        for files in zip(structures, tasks, calculations, spectra, strict=True):
            cells, asked, done, curves = (
                read_table(path, table)
                for path, table in zip(files, (STRUCTURES, TASKS, CALCULATIONS, SPECTRA))
            )
            names = {row["structure_id"] for row in cells}
            if seen & names:
                raise TableError(f"{files[0]}: structure {min(seen & names)} is in two chunks")
            seen |= names
            rows = average_sites(done, curves, cells, asked, grids)
            add(rows)
            total += len(rows)
    return total
