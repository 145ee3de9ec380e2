"""Compute the pure ABX3, resumable at any moment; export what is finished into the archive.

``python -m defectra.studies.perovskites.campaign fill`` appends each finished calculation to a
journal below the results folder, ``salts`` does so for the reference phases AX, ``cells`` for what
:mod:`defectra.studies.perovskites.cell_campaign` lists, ``export`` turns the journals into Parquet
parts. What journal or archive hold as finished is not computed again; a failure is a row, and one
that may be the machine's is tried again, see :mod:`defectra.engines.verdict`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from defectra.core.config import Config, load
from defectra.core.errors import EngineError, reports_errors
from defectra.core.journal import Journal, read_journal
from defectra.core.protocols import GpawProtocol
from defectra.core.records import Origin, Status
from defectra.core.store import Archive
from defectra.engines import verdict
from defectra.engines.gpaw import run as gpaw
from defectra.engines.node import Guard
from defectra.studies.perovskites import cell_campaign, runs
from defectra.studies.perovskites.cell_campaign import CellCampaign, is_archived
from defectra.studies.perovskites.cells import CELLS
from defectra.studies.perovskites.compounds import Compound
from defectra.studies.perovskites.tables import RUNS

Row = dict[str, Any]
WORK = Path("results/store")
JOURNAL = "perovskites-runs.journal"


class Campaign:
    """Calculations of the pure compounds, and all that is known of them.

    Parameters
    ----------
    protocol
        Name of the protocol and its settings.
    work
        Folder of the journal, and of what a killed run left half done.
    archive
        Calculations done earlier.
    """

    def __init__(self, protocol: tuple[str, GpawProtocol], work: Path, archive: Archive) -> None:
        self.name, self.protocol = protocol
        self.work = work
        archived = archive.read(RUNS, keep=is_archived)
        self.done: dict[str, Row] = {r["calculation_id"]: r for r in archived}
        self.stopped: set[str] = set()  # by the machine, at an earlier start
        self.guard = Guard()
        for row, raw in read_journal(work / JOURNAL):
            if verdict.is_finished(gpaw.ENGINE, row, {gpaw.RESULT: raw}):
                self.done[row["calculation_id"]] = row
            else:
                self.stopped.add(row["calculation_id"])

    def rows(self, compound: Compound) -> Iterator[Row]:
        """Rows of a compound that are known."""
        job = runs.scan_job(compound, self.protocol)
        scan = self.done.get(gpaw.calculation_id(job))
        if scan is None:
            return
        yield scan
        if scan["status"] == Status.OK:
            job = runs.bands_job(compound, scan["lattice"], self.protocol)
            bands = self.done.get(gpaw.calculation_id(job))
            if bands is not None:
                yield bands

    def salt_rows(self) -> Iterator[Row]:
        """Rows of the reference phases AX that are known."""
        for cation, anion in runs.salts():
            key = gpaw.calculation_id(runs.salt_job(cation, anion, self.protocol))
            if key in self.done:
                yield self.done[key]

    def fill_salts(self, journal: Journal) -> Iterator[Row]:
        """Compute what is missing of the reference phases AX; yields each new row."""
        for cation, anion in runs.salts():
            job = runs.salt_job(cation, anion, self.protocol)
            about = (cation + anion, "equation_of_state", runs.ROCKSALT)
            yield from self._run(about, job, float("nan"), journal)

    def fill(self, compound: Compound, journal: Journal) -> Iterator[Row]:
        """Compute what is missing of a compound; yields each new row."""
        scan = runs.scan_job(compound, self.protocol)
        about = (compound.name, "equation_of_state", runs.PEROVSKITE)
        yield from self._run(about, scan, runs.start(compound), journal)
        found = self.done.get(gpaw.calculation_id(scan))
        if found is not None and found["status"] == Status.OK:
            at = round(found["lattice"], 4)
            job = runs.bands_job(compound, at, self.protocol)
            about = (compound.name, "bands", runs.PEROVSKITE)
            yield from self._run(about, job, at, journal)

    def _run(
        self, about: tuple[str, str, str], job: gpaw.Job, lattice: float, journal: Journal
    ) -> Iterator[Row]:
        name, kind, phase = about
        key = gpaw.calculation_id(job)
        if key in self.done:
            return
        out = gpaw.run(job, self.work / "gpaw" / key[:16])
        row = runs.row_of(name, kind, self.name, lattice, out, phase)
        row = verdict.marked(gpaw.ENGINE, row, out.files)
        journal.append(row, b"".join(out.files.values()))
        self.done[key] = row
        yield row
        self.guard.see(row, before=key in self.stopped)


def campaign_of(config: Config, work: Path) -> Campaign:
    """Campaign of a config."""
    name = config.perovskites.protocol
    return Campaign((name, config.protocols.gpaw[name]), work, Archive(config.archive))


def cells_of(campaign: Campaign, archive: Archive) -> CellCampaign:
    """Calculations that build on those of a campaign."""
    known = list(campaign.done.values())
    return CellCampaign((campaign.name, campaign.protocol), campaign.work, archive, known)


def rows_of(campaign: Campaign, seed: int) -> list[Row]:
    """Every row that is known, and a status row for each of the 90 compounds that is not."""
    out: list[Row] = []
    for compound in runs.pure(seed):
        rows = list(campaign.rows(compound))
        out += rows or [runs.waiting(compound.name, _why(compound))]
    return [*out, *campaign.salt_rows()]


def _why(compound: Compound) -> str:
    if runs.is_hybrid(compound):
        return "hybrid compound: the molecule would have to be relaxed; not part of the campaign"
    return "not computed yet: python -m defectra.studies.perovskites.campaign fill (needs GPAW)"


def export(config: Config, work: Path) -> int:
    """Add the finished rows to the archive, one part for each table; their number."""
    archive = Archive(config.archive)
    before = len(archive.read(RUNS)) + len(archive.read(CELLS))
    campaign = campaign_of(config, work)
    known = [row for c in runs.pure(config.seed) for row in campaign.rows(c)]
    known += campaign.salt_rows()
    beside = cells_of(campaign, archive).rows()
    for rows, table in ((known, RUNS), (beside, CELLS)):
        own = [row | {"origin": str(Origin.ARCHIVE)} for row in rows if is_archived(row)]
        archive.add(own, table, is_archived)
    return len(archive.read(RUNS)) + len(archive.read(CELLS)) - before


def _fill(config: Config, work: Path, action: str) -> None:
    version = gpaw.engine_version()  # a sentence now rather than ninety failed rows
    campaign = campaign_of(config, work)
    name = cell_campaign.JOURNAL if action == "cells" else JOURNAL
    start = time.time()
    with Journal(work / name) as journal:
        for row in _new(action, campaign, journal, config):
            if row["error_class"] == verdict.MACHINE + "engine_missing":
                raise EngineError("engine_missing", row["message"])
            print(_line(row, (time.time() - start) / 60, version), flush=True)


def _new(action: str, campaign: Campaign, journal: Journal, config: Config) -> Iterator[Row]:
    if action == "cells":
        yield from cells_of(campaign, Archive(config.archive)).fill(journal)
    elif action == "salts":
        yield from campaign.fill_salts(journal)
    else:
        for compound in runs.pure(config.seed):
            if not runs.is_hybrid(compound):
                yield from campaign.fill(compound, journal)


def _line(row: Row, minutes: float, version: str) -> str:
    if row["status"] != Status.OK:
        told = f"{row['status']}: {row['message']}"
    elif row["kind"] == "bands":
        told = (
            f"gap PBE {row['gap_PBE']:.3f} (SOC {row['gap_PBE_SOC']:.3f}), "
            f"HSE {row['gap_HSE']:.3f} (SOC {row['gap_HSE_SOC']:.3f}) eV"
        )
    else:
        told = f"{row['phase']}, {row['kind']}, {row['energy']:.4f} eV"
    return f"{minutes:6.1f} min  {version}  {row['name']:8} {told}  cpu {row['cpu_s']:.0f} s"


@reports_errors
def main() -> int:
    """Command line: fill, salts (reference phases AX), cells (all others), or export."""
    parser = argparse.ArgumentParser(description="Calculations of the pure halide perovskites.")
    parser.add_argument("action", choices=["fill", "salts", "cells", "export"])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--work", type=Path, default=WORK)
    args = parser.parse_args()
    config = load(args.config)
    if args.action == "export":
        print(f"{export(config, args.work)} new rows in {config.archive}")
    else:
        _fill(config, args.work, args.action)
    return 0


if __name__ == "__main__":
    sys.exit(main())
