"""The chunk worker: complete what a manifest asks for, then project it onto tables.

Each finished calculation goes into the journal at once; the tables are a pure projection of
manifest x (journal + archive), so that a rerun costs a projection and not a calculation. The
worker is a program of its own (``python -m defectra.engines.worker --help``) and knows no
Snakemake.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from defectra.engines.base import TRIED_AGAIN, Engine, Outcome, SiteRunner, engine_named
from defectra.engines.geometries import Geometries
from defectra.engines.rows import accounting, blank_row, result, spectrum_row
from defectra.errors import DefectraError, EngineError
from defectra.journal import Journal, journal_size, read_journal
from defectra.records import CALCULATIONS, GEOMETRIES, SPECTRA, STRUCTURES, TASKS, Origin, Status
from defectra.settings.protocols import ChgnetProtocol, FeffProtocol
from defectra.store import Archive, read_table, table_writer, write_bytes

Row = dict[str, Any]
Tables = tuple[list[Row], list[Row], list[Row]]


class Settings(BaseModel):
    """What decides the numbers of a chunk: the resolved protocols and how to get geometries."""

    model_config = ConfigDict(extra="forbid")

    engine: str = "feff"
    live_geometries: bool = False
    feff: dict[str, FeffProtocol]
    chgnet: dict[str, ChgnetProtocol]


@dataclass
class Finished:
    """One finished calculation: its accounting and its raw outputs."""

    row: Row
    files: dict[str, bytes]


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
        self.structures = {row["structure_id"]: row for row in structures}
        self.tasks = list(tasks)
        self.settings = settings
        self.journal = journal
        self.engine: Engine = engine_named(settings.engine)
        self.done: dict[str, Finished] = {}
        self.archived = {r["calculation_id"]: r for r in archive.read(CALCULATIONS)}
        self._archive = archive
        self._read_journal()
        self._open: Journal | None = None
        self._sites: dict[tuple[str, int], SiteRunner] = {}
        self._failed: dict[str, Outcome] = {}

    def _read_journal(self) -> None:
        """Take in what is finished, and what is known of the geometries."""
        self._size = journal_size(self.journal)
        relaxed: list[Row] = []
        for row, raw in read_journal(self.journal):
            kind = row.pop("kind")
            if kind == "geometry":
                relaxed.append(row)
            elif row["error_class"] not in TRIED_AGAIN:
                files = _unpack(row.pop("files"), raw)
                self.done[row["calculation_id"]] = Finished(row, files)
        known = [*relaxed, *self._archive.read(GEOMETRIES)]
        settings = self.settings
        self.geometries = Geometries(
            self.structures, settings.chgnet, known, settings.live_geometries, self._keep_geometry
        )

    def _keep_geometry(self, row: Row) -> None:
        if self._open is not None:
            self._open.append({"kind": "geometry", **row})

    def _protocol(self, task: Row) -> FeffProtocol:
        return self.settings.feff[task["protocol"]]

    def _site(self, task: Row, compute: bool) -> tuple[Row, SiteRunner | None]:
        geometry = self.geometries.get(task["structure_id"], task["geometry_protocol"], compute)
        if geometry["status"] == Status.FAILED:
            return geometry, None
        key = (geometry["geometry_id"], task["site_index"])
        if key not in self._sites:
            self._sites.clear()  # tasks of a site stand together; its potentials are not kept
            self._sites[key] = self.engine.site(geometry, task["site_index"])
        return geometry, self._sites[key]

    def is_done(self, calculation_id: str) -> bool:
        """Whether journal or archive hold a finished calculation."""
        return calculation_id in self.done or calculation_id in self.archived

    def missing(self) -> tuple[int, int]:
        """How many tasks neither journal nor archive hold, and how many cannot be computed.

        Those whose cells will be relaxed first are missing; without a relaxed cell and without
        what would relax it a task cannot be computed.
        """
        relaxes = self.settings.live_geometries and bool(find_spec("chgnet"))
        states = Counter(self._is_missing(task, relaxes) for task in self.tasks)
        return states[True], states[None]

    def _is_missing(self, task: Row, relaxes: bool) -> bool | None:
        """Whether a task is to be computed; None if it cannot be."""
        _, site = self._site(task, compute=False)
        if site is None:
            return True if relaxes else None
        try:
            return not self.is_done(site.identity(task["edge"], self._protocol(task)))
        except EngineError:
            return None

    def complete(self) -> Iterator[bool]:
        """Compute what is missing; yields for each task whether it was computed just now."""
        with Journal(self.journal) as handle:
            if journal_size(self.journal) != self._size:  # another worker had it until now
                self._read_journal()
            self._open = handle
            try:
                for task in self.tasks:
                    yield self._complete(task, handle)
            finally:
                self._open = None

    def _complete(self, task: Row, handle: Journal) -> bool:
        _, site = self._site(task, compute=True)
        if site is None:
            return False
        protocol = self._protocol(task)
        try:
            name = site.identity(task["edge"], protocol)
        except EngineError:
            return False
        if self.is_done(name):
            return False
        outcome = site.run(task["edge"], protocol)
        row = accounting(outcome, self.engine.engine_version())
        files = outcome.files
        sizes = [[n, len(b)] for n, b in files.items()]
        handle.append({"kind": "calculation", **row, "files": sizes}, b"".join(files.values()))
        self.done[name] = Finished(row, dict(files))
        return True

    def project(self) -> Tables:
        """Rows of geometries, calculations and spectra, one calculation row for each task."""
        whole: Tables = ([], [], [])
        for part in self.projected():
            for rows, more in zip(whole, part):
                rows.extend(more)
        return whole

    def projected(self) -> Iterator[Tables]:
        """The rows of :meth:`project`, structure by structure."""
        wanted = {r["calculation_id"] for r in self.archived.values()}
        stored = {r["calculation_id"]: r for r in self._archive.read(SPECTRA)} if wanted else {}
        seen: set[str] = set()
        for _, tasks in groupby(self.tasks, key=lambda task: task["structure_id"]):
            geometries: dict[str, Row] = {}
            calculations: dict[str, Row] = {}
            spectra: list[Row] = []
            for task in tasks:
                geometry, site = self._site(task, compute=False)
                geometries[geometry["protocol"]] = geometry
                row, spectrum = self._project(task, geometry, site, stored)
                calculations[f"{row['calculation_id']}/{task['site']}"] = row
                if spectrum is not None and row["calculation_id"] not in seen:
                    seen.add(row["calculation_id"])
                    spectra.append(spectrum)
            yield list(geometries.values()), list(calculations.values()), spectra

    def _project(
        self, task: Row, geometry: Row, site: SiteRunner | None, stored: Mapping[str, Row]
    ) -> tuple[Row, Row | None]:
        base = _blank(task, geometry, self.engine)
        if site is None:
            reason = {k: geometry[k] for k in ("error_class", "message")}
            return base | reason | {"calculation_id": _placeholder(task)}, None
        try:
            name = site.identity(task["edge"], self._protocol(task))
        except EngineError as error:
            reason = {"error_class": error.error_class, "message": str(error)}
            return base | reason | {"calculation_id": _placeholder(task)}, None
        base["calculation_id"] = name
        if name in self.done:
            return self._from_journal(base, self.done[name])
        if name in self.archived:
            old = {k: v for k, v in self.archived[name].items() if k not in task}
            keep = {k: base[k] for k in ("structure_id", "geometry_id", "site", "multiplicity")}
            return base | old | keep | {"origin": str(Origin.ARCHIVE)}, stored.get(name)
        reason = {"error_class": "not_computed", "message": "this calculation was not run yet"}
        return base | reason, None

    def _from_journal(self, base: Row, finished: Finished) -> tuple[Row, Row | None]:
        row = base | finished.row | {"origin": str(Origin.RUN)}
        if row["status"] == Status.FAILED:
            return row, None
        try:
            found = self.engine.parse(finished.files)
        except EngineError as error:
            bad = {"error_class": error.error_class, "message": str(error)}
            return row | bad | {"status": str(Status.FAILED)}, None
        known = result(found, self.engine.PARSER_VERSION)
        return row | known, spectrum_row(row["calculation_id"], found)


def _blank(task: Row, geometry: Row, engine: Engine) -> Row:
    same = ("structure_id", "engine", "protocol", "geometry_protocol", "element", "edge", "site")
    return blank_row() | {
        "calculation_id": "",
        "geometry_id": geometry["geometry_id"],
        **{k: task[k] for k in same},
        "multiplicity": task["multiplicity"],
        "engine_version": engine.engine_version(),
    }


def _placeholder(task: Row) -> str:
    keys = ("structure_id", "geometry_protocol", "engine", "protocol", "site", "edge")
    return "none:" + "/".join(str(task[k]) for k in keys)


def _unpack(sizes: list[list[Any]], raw: bytes) -> dict[str, bytes]:
    files, start = {}, 0
    for name, size in sizes:
        files[name] = raw[start : start + size]
        start += size
    return files


def run_chunk(
    plan: Path, settings: Settings, journal: Path, archive: Path, out: Path
) -> dict[str, int]:
    """Complete one chunk and write its three tables below `out`; returns counts by status."""
    structures = read_table(plan / "structures.parquet", STRUCTURES)
    tasks = read_table(plan / "tasks.parquet", TASKS)
    chunk = Chunk(structures, tasks, settings, journal, Archive(archive))
    fresh = _compute(chunk, journal.with_suffix(".progress"))
    counts = _write(chunk, out)
    return counts | {"computed": fresh, "total": len(tasks)}


def _compute(chunk: Chunk, progress: Path) -> int:
    """Complete a chunk and tell of it at most once a second; returns how many were computed."""
    started, fresh, told = time.time(), 0, 0.0
    missing, impossible = chunk.missing()
    total = len(chunk.tasks) - impossible
    for number, computed in enumerate(chunk.complete(), 1):
        fresh += computed
        is_last = number == len(chunk.tasks)
        if is_last or (computed and time.monotonic() - told > 1.0):
            told = time.monotonic()
            done = total if is_last else total - missing + fresh
            state = {"done": done, "total": total, "started": started, "fresh": fresh}
            text = json.dumps({**state, "impossible": impossible})
            write_bytes(progress, text.encode())
    return fresh


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
