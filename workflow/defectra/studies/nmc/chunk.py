"""A chunk of the plan of study `nmc`: complete what its manifest asks for, project it onto tables.

The tables are a pure projection of manifest x ledger, so that a rerun costs a projection and not a
calculation. A program of its own (``python -m defectra.studies.nmc.chunk --help``).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from defectra.campaign.complete import survey
from defectra.campaign.engine import engine_named
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family, Item, Request, Row, Waiting, batch_of
from defectra.campaign.rows import blank_row
from defectra.campaign.spectra import SPECTRUM, asked_row
from defectra.campaign.studies import read_parsed
from defectra.campaign.worker import run_families
from defectra.core.errors import DefectraError
from defectra.core.records import (
    CALCULATIONS,
    GEOMETRIES,
    SPECTRA,
    STRUCTURES,
    TASKS,
    Status,
)
from defectra.core.store import Archive, read_table, table_writer
from defectra.studies.nmc.geometries import Geometries
from defectra.studies.nmc.requests import KINDS, Settings, task_families

Tables = tuple[list[Row], list[Row], list[Row]]


class Chunk:
    """Structures and tasks of one chunk, and all that is known of them.

    Parameters
    ----------
    structures, tasks
        Rows of the manifest.
    settings
        Resolved protocols.
    journal
        File of what this chunk has computed.
    archive
        Calculations done earlier.
    """

    def __init__(
        self,
        structures: Sequence[Row],
        tasks: Sequence[Row],
        settings: Settings,
        journal: Path,
        archive: Archive,
    ) -> None:
        self.structures, self.tasks, self.settings = structures, list(tasks), settings
        self.journal = journal
        self.ledger = Ledger(KINDS, archive, [journal], read_parsed(settings.parsed))
        self.lacking: list[str] = []  # what an engine that is not there left out

    def families(self) -> Iterator[Family]:
        """One family for each structure."""
        return task_families(self.structures, self.tasks, self.settings)

    def missing(self) -> int:
        """How many calculations neither journal nor archive hold; those that wait included."""
        found = (item for _, item in survey(self.families(), self.ledger) if _is_spectrum(item))
        return sum(
            self.settings.live_geometries if isinstance(i, Waiting) else not self.ledger.holds(i)
            for i in found
        )

    def complete(self, patience_s: float = 0.0) -> int:
        """Compute what is missing; how many calculations were run, relaxed cells left out."""
        counts = run_families(self.families, self.ledger, self.journal, _is_spectrum, patience_s)
        self.lacking = counts.sentences()
        for sentence in self.lacking:
            print(sentence, flush=True)
        return counts.fresh

    def project(self) -> Tables:
        """Rows of geometries, calculations and spectra, one calculation row for each task."""
        whole: Tables = ([], [], [])
        for part in self.projected():
            for rows, more in zip(whole, part):
                rows.extend(more)
        return whole

    def projected(self) -> Iterator[Tables]:
        """The rows of :meth:`project`, structure by structure."""
        seen: set[str] = set()
        rows = {row["structure_id"]: row for row in self.structures}
        geometries = Geometries(rows, self.settings.relaxations, relax=False)
        asked: dict[str, dict[str, None]] = {}
        for task in self.tasks:
            asked.setdefault(task["structure_id"], {})[task["geometry_protocol"]] = None
        for family in self.families():
            cells = [geometries.known(family.name, p, self.ledger) for p in asked[family.name]]
            calculations: dict[str, Row] = {}
            spectra: list[Row] = []
            for item in family.chain(self.ledger):
                for row, curve in self._rows(item):
                    calculations[f"{row['calculation_id']}/{row['site']}"] = row
                    if curve is not None and row["calculation_id"] not in seen:
                        seen.add(row["calculation_id"])
                        spectra.append(curve)
            yield cells, list(calculations.values()), spectra

    def _rows(self, item: Item) -> Iterator[tuple[Row, Row | None]]:
        """Calculations row of each task of an item, with its spectrum if there is one."""
        if isinstance(item, Waiting):
            why = {"error_class": item.error_class, "message": item.message}
            asked = {"engine": item.engine, "protocol": item.protocol}
            yield blank_row() | asked | dict(item.about) | self._version() | why, None
        for request in batch_of(item):
            if request.kind != SPECTRUM:
                continue
            found = self.ledger.result(request)
            if found is None:
                kind = "engine_missing" if self.lacking else "not_computed"
                reason = {"error_class": kind, "message": "; ".join(self.lacking) or _NOT_RUN}
                yield asked_row(request) | self._version() | reason, None
            else:
                yield found.row, found.beside.get(SPECTRA.name)

    def _version(self) -> Row:
        return {"engine_version": engine_named(self.settings.engine).version()}


_NOT_RUN = "this calculation was not run yet"


def _is_spectrum(item: Request | Waiting) -> bool:
    return item.kind == SPECTRUM


def run_chunk(
    plan: Path,
    settings: Settings,
    journal: Path,
    archive: Path,
    out: Path,
    patience_s: float = 0.0,
) -> dict[str, int]:
    """Complete one chunk and write its three tables below `out`; returns counts by status.

    Another worker that holds the journal is waited for as long as `patience_s`.
    """
    structures = read_table(plan / "structures.parquet", STRUCTURES)
    tasks = read_table(plan / "tasks.parquet", TASKS)
    chunk = Chunk(structures, tasks, settings, journal, Archive(archive))
    fresh = chunk.complete(patience_s)
    counts = _write(chunk, out)
    return counts | {"computed": fresh, "total": len(tasks)}


def _write(chunk: Chunk, out: Path) -> dict[str, int]:
    """Write the three tables of a chunk below `out`; returns the counts by status."""
    tables = (GEOMETRIES, CALCULATIONS, SPECTRA)
    counts: Counter[str] = Counter({str(s): 0 for s in Status})
    with ExitStack() as stack:
        add = [stack.enter_context(table_writer(out / f"{t.name}.parquet", t)) for t in tables]
        for batch in _batches(chunk.projected()):
            counts.update(str(row["status"]) for row in batch[1])
            for write, rows in zip(add, batch):
                write(rows)
    return dict(counts)


def _batches(parts: Iterator[Tables], rows: int = 2000) -> Iterator[Tables]:
    """Join what belongs to one structure to row groups of at least `rows` calculations."""
    batch: Tables = ([], [], [])
    for part in parts:
        for own, more in zip(batch, part):
            own.extend(more)
        if len(batch[1]) >= rows:
            yield batch
            batch = ([], [], [])
    yield batch


def main() -> int:
    """Command line; the settings come as JSON on standard input or in a file."""
    parser = argparse.ArgumentParser(description="Compute one chunk and write its tables.")
    for name in ("plan", "journal", "archive", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--settings", type=argparse.FileType("r"), default=sys.stdin)
    args = parser.parse_args()
    try:
        settings = Settings.model_validate_json(args.settings.read())
        counts = run_chunk(args.plan, settings, args.journal, args.archive, args.out)
    except DefectraError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
