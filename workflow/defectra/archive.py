"""Fill the archive: compute the study's structures in their seeded order, resumable at any moment.

``python -m defectra.archive fill`` computes into journals of its own below the results folder,
``export`` turns journals into immutable Parquet parts. The order is that of the plan, so that
what is there at any time is a fair sample of the space.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from defectra.config import Config, load
from defectra.engines.base import TRIED_AGAIN
from defectra.engines.worker import Chunk, Settings
from defectra.errors import BusyError, reports_errors
from defectra.plan import wanted
from defectra.records import CALCULATIONS, GEOMETRIES, SPECTRA, Origin
from defectra.store import Archive

Row = dict[str, Any]


def settings_of(config: Config, live: bool) -> Settings:
    """What a worker needs of a config."""
    return Settings(
        engine=config.nmc.engine,
        live_geometries=live,
        feff=config.protocols.feff,
        chgnet=config.protocols.chgnet,
    )


def fill(config: Config, work: Path) -> Iterator[tuple[Row, int, int]]:
    """Compute structure after structure; yields (structure, tasks, newly computed).

    Parameters
    ----------
    work
        Folder of the journals, one for each structure. A structure whose journal another worker
        holds is passed over, so any number of workers may share the folder.
    """
    structures, asked = wanted(config)
    rows = {row["structure_id"]: row for row in structures}
    archive = Archive(config.archive)
    for row in sorted(structures, key=_priority):
        tasks = asked[row["structure_id"]]
        family = rows.get(row["family"])
        needed = [row] if family is None else [family, row]
        journal = work / f"{row['structure_id']}.journal"
        try:
            chunk = Chunk(needed, tasks, settings_of(config, live=True), journal, archive)
            yield row, len(tasks), sum(chunk.complete())
        except BusyError:
            continue


def _priority(row: Row) -> tuple[int, int]:
    """A first dozen of the campaign, then the lithium series (rank -1), then the rest."""
    if row["rank"] < 0:
        return 1, 0
    return (0 if row["rank"] < 12 else 2), row["rank"]


def export(config: Config, work: Path) -> dict[str, int]:
    """Add what the journals hold to the archive, one part of each table.

    Returns
    -------
    dict
        Number of new rows by table.
    """
    structures, asked = wanted(config)
    tasks = [task for row in structures for task in asked[row["structure_id"]]]
    archive = Archive(config.archive)
    tables = (GEOMETRIES, SPECTRA, CALCULATIONS)  # a calculation comes after what it refers to
    before = {t.name: len(archive.read(t)) for t in tables}
    new: dict[str, list[Row]] = {t.name: [] for t in tables}
    for journal in sorted(work.glob("*.journal")):
        chunk = Chunk(structures, tasks, settings_of(config, live=False), journal, archive)
        geometries, calculations, spectra = chunk.project()
        own = [row for row in calculations if finished(row)]
        names = {row["calculation_id"] for row in own}
        origin = {"origin": str(Origin.ARCHIVE)}
        new["geometries"] += [g | origin for g in geometries if g["geometry_id"]]
        new["spectra"] += [s for s in spectra if s["calculation_id"] in names]
        new["calculations"] += [row | origin for row in own]
    for table in tables:
        unique = {row[table.names[0]]: row for row in new[table.name]}
        archive.add(unique.values(), table)
    return {t.name: len(archive.read(t)) - before[t.name] for t in tables}


def finished(row: Row) -> bool:
    """Whether a projected row is a calculation that was run to its end, failed or not."""
    again = (*TRIED_AGAIN, "not_computed")
    return row["origin"] == Origin.RUN and row["attempt"] > 0 and row["error_class"] not in again


@reports_errors
def main() -> int:
    """Command line of ``make archive``."""
    parser = argparse.ArgumentParser(description="Fill the archive of calculations.")
    parser.add_argument("action", choices=["fill", "export"])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--work", type=Path, default=Path("results/archive"))
    args = parser.parse_args()
    config = load(args.config)
    if args.action == "export":
        print(export(config, args.work))
        return 0
    start = time.time()
    for row, tasks, computed in fill(config, args.work):
        minutes = (time.time() - start) / 60
        print(
            f"{minutes:7.1f} min  {row['rank']:4d} {row['structure_id']} {row['formula']}: "
            f"{tasks} tasks, {computed} computed",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
