"""Compute the reference phases BX2, charged vacancies and mixed B sites, resumable at any moment.

``python -m defectra.studies.perovskites.campaign cells`` fills the journal in the order of the
tasks: each is known once those before it are, since a scan needs relaxed sites and a supercell the
lattice constant of its host, which stands in the table of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from defectra.core.journal import Journal, read_journal
from defectra.core.protocols import GpawProtocol
from defectra.core.records import Status
from defectra.core.store import Archive
from defectra.engines import verdict
from defectra.engines.gpaw import run as gpaw
from defectra.engines.node import Guard
from defectra.studies.perovskites import cells, phases, runs, supercells
from defectra.studies.perovskites.cells import CELLS, Task

Row = dict[str, Any]
JOURNAL = "perovskites-cells.journal"
NOT_DONE = "not computed yet: python -m defectra.studies.perovskites.campaign cells (needs GPAW)"


def is_archived(row: Row) -> bool:
    """Whether a row of the archive is a finished calculation."""
    return verdict.is_finished(gpaw.ENGINE, row)


class CellCampaign:
    """Calculations beside the pure compounds, and all that is known of them.

    Parameters
    ----------
    protocol
        Name of the protocol and its settings.
    work
        Folder of the journal, and of what a killed run left half done.
    archive
        Calculations done earlier.
    pure
        Rows of our runs: lattice constants of the pure compounds.
    """

    def __init__(
        self,
        protocol: tuple[str, GpawProtocol],
        work: Path,
        archive: Archive,
        pure: Sequence[Mapping[str, Any]],
    ) -> None:
        self.name, self.protocol = protocol
        self.work = work
        self.constants = {
            r["name"]: r["lattice"]
            for r in pure
            if r["kind"] == cells.SCAN and r["status"] == Status.OK
        }
        archived = archive.read(CELLS, keep=is_archived)
        self.done: dict[str, Row] = {r["calculation_id"]: r for r in archived}
        self.stopped: set[str] = set()  # by the machine, at an earlier start
        self.guard = Guard()
        for row, raw in read_journal(work / JOURNAL):
            if verdict.is_finished(gpaw.ENGINE, row, {gpaw.RESULT: raw}):
                self.done[row["calculation_id"]] = row
            else:
                self.stopped.add(row["calculation_id"])

    def rows(self) -> list[Row]:
        """Every row that is known, and a status row for each task that is not."""
        return [
            self.done.get(task.key) or cells.waiting(task, NOT_DONE)
            for task in self._tasks(lambda task: self.done.get(task.key))
        ]

    def fill(self, journal: Journal) -> Iterator[Row]:
        """Compute what is missing; yields each new row."""
        new: list[Row] = []
        for _ in self._tasks(partial(self._computed, journal=journal, new=new)):
            yield from new
            new.clear()

    def _computed(self, task: Task, journal: Journal, new: list[Row]) -> Row:
        if task.key not in self.done:
            out = gpaw.run(task.job, self.work / "gpaw" / task.key[:16])
            row = cells.row_of(task, self.name, out)
            row = verdict.marked(gpaw.ENGINE, row, out.files)
            journal.append(row, b"".join(out.files.values()))
            self.done[task.key] = row
            new.append(row)
            self.guard.see(row, before=task.key in self.stopped)
        return self.done[task.key]

    def _tasks(self, known: Callable[[Task], Row | None]) -> Iterator[Task]:
        """Tasks in their order; `known` gives the row of one, or None, before the next is made."""
        for phase in phases.all_phases():
            first = phases.sites_task(phase, self.protocol)
            row = known(first)
            yield first
            if row is not None and row["status"] == Status.OK and phase.type in phases.SCANNED:
                scan = phases.scan_task(phase, row["coords"], self.protocol)
                known(scan)
                yield scan
        for task in self._supercells():
            known(task)
            yield task

    def _supercells(self) -> Iterator[Task]:
        for mixed in supercells.MIXED:
            at = supercells.vegard(mixed, self.constants)
            if at is not None:
                yield next(supercells.mixed_tasks(mixed, at, self.protocol))
        for host in supercells.HOSTS:
            at = self.constants.get(runs.pure_of(*host).name)
            if at is not None:
                yield supercells.host_task(host, at, self.protocol)
                yield from supercells.vacancy_tasks(host, at, self.protocol)
        for mixed in supercells.MIXED:
            at = supercells.vegard(mixed, self.constants)
            if at is not None:
                yield from islice(supercells.mixed_tasks(mixed, at, self.protocol), 1, None)
