"""Export of a campaign's journal into the project's archive: ``python -m ... --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.config import load
from defectra.core.errors import reports_errors
from defectra.core.records import Origin
from defectra.core.store import Archive
from defectra.studies.levels.campaign import known
from defectra.studies.levels.hosts import read_hosts, static_ratios
from defectra.studies.levels.requests import DefectSet, read_sets
from defectra.studies.levels.sets import (
    CORRECTIONS,
    Protocols,
    Tables,
    correction_rows,
    hosts_by_name,
)
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS, cell_row, host_row

Row = dict[str, Any]


def rows_of(records: Iterable[Mapping[str, Any]]) -> tuple[list[Row], list[Row]]:
    """Host rows and cell rows of journal records."""
    hosts, cells = [], []
    for record in records:
        if record["request"]["kind"] == "host":
            hosts.append(host_row(record))
        else:
            cells.append(cell_row(record))
    return hosts, cells


def merged(archive: Archive, journal: Path, ratios: Mapping[str, float]) -> Tables:
    """What archive and journal know together; the journal wins.

    Parameters
    ----------
    ratios
        Static over electronic dielectric constant, by host: relaxed cells need it.
    """
    hosts, cells = rows_of(known(journal).values())
    return Tables(
        hosts_by_name([*archive.read(HOST_RUNS), *hosts]),
        {r["calculation_id"]: r for r in [*archive.read(CELL_RUNS), *cells]},
        {r["calculation_id"]: r for r in archive.read(CORRECTIONS)},
        ratios,
    )


def export(
    journal: Path,
    root: Path,
    sets: Sequence[DefectSet],
    protocols: Protocols,
    ratios: Mapping[str, float],
) -> dict[str, int]:
    """Add finished runs and their corrections; returns how many rows each table then has.

    Parameters
    ----------
    sets
        Whose corrections are worked out.
    ratios
        Static over electronic dielectric constant, by host.
    """
    archive = Archive(root)
    hosts, cells = rows_of(known(journal).values())
    origin = {"origin": str(Origin.ARCHIVE)}
    archive.add([r | origin for r in hosts], HOST_RUNS)
    archive.add([r | origin for r in cells], CELL_RUNS)
    tables = merged(archive, journal, ratios)
    archive.add(correction_rows(sets, tables, protocols), CORRECTIONS)
    return {t.name: len(archive.read(t)) for t in (HOST_RUNS, CELL_RUNS, CORRECTIONS)}


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Add a journal of study levels to the archive.")
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--journal", type=Path, default=Path("results/store/levels.journal"))
    args = parser.parse_args()
    config = load(args.config)
    live, protocols = config.levels.live, config.protocols.gpaw_levels
    ratios = static_ratios(read_hosts(config.levels.hosts))
    print(export(args.journal, Path(live.archive), read_sets(live.sets), protocols, ratios))
    return 0


if __name__ == "__main__":
    sys.exit(main())
