"""The ledger: what is finished, whoever did it: own runs before parsed ones before the archive."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from defectra.campaign.engine import Engine, Outcome, RetryingEngine, engine_named
from defectra.campaign.request import Request
from defectra.campaign.rows import accounting
from defectra.campaign.verdict import is_machine, unfinished
from defectra.core.arrays import ArrayReader, Arrays, Load, has_arrays
from defectra.core.journal import Journal, journal_size, read_record, records_with_starts
from defectra.core.records import Origin, Status, Table
from defectra.core.store import Archive

Row = dict[str, Any]
Engines = Callable[[str], Engine]
LARGE = 1 << 18  # bytes of raw outputs; larger ones are read from the journal when asked for


class Stored(Mapping[str, bytes]):
    """Raw outputs that are read from their journal when asked for: arrays of many calculations.

    Parameters
    ----------
    path, start
        Journal, and the byte at which the record begins.
    sizes
        Name and number of bytes of each.
    """

    def __init__(self, path: Path, start: int, sizes: Sequence[Sequence[Any]]) -> None:
        self._path, self._start = path, start
        self._sizes = {str(name): int(size) for name, size in sizes}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._sizes:
            raise KeyError(name)
        row, raw = read_record(self._path, self._start)
        return unpacked(row["files"], raw)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)


@dataclass(frozen=True)
class Finished:
    """What the journal holds of a calculation: its accounting, and its raw outputs by name."""

    row: Row
    files: Mapping[str, bytes]

    def outcome(self) -> Outcome:
        """As the engine gave it back."""
        names = ("calculation_id", "attempt", "error_class", "message", "wall_s", "cpu_s")
        accounting = {
            k: self.row[k] for k in (*names, "max_rss_mb", "shared_from", "inputs_sha256")
        }
        return Outcome(**accounting, status=Status(self.row["status"]), files=dict(self.files))


@dataclass(frozen=True)
class Result:
    """Typed rows of one calculation.

    Attributes
    ----------
    row
        In the table of its kind.
    beside
        Further rows by the name of their table, such as the spectrum of a calculations row.
    arrays
        Reads the arrays that the row names, by name; None: it has none.
    """

    row: Row
    beside: Mapping[str, Row] = field(default_factory=dict)
    arrays: Load | None = None


def _as_it_is(request: Request, row: Row) -> Row:  # noqa: ARG001
    return row


def _calculation_id(row: Row) -> str:
    return str(row["calculation_id"])


@dataclass(frozen=True)
class Kind:
    """A kind of result: its table, and how its rows are made.

    Attributes
    ----------
    name
        As requests name it.
    table, beside
        Table of the rows, and tables of what stands beside them, by `calculation_id`.
    make
        Rows of what the journal holds; a raw output that cannot be read gives a failed row.
    relabelled
        Row of the archive, or of a parsed run, with the labels of the request.
    engine
        Name of the engine; empty if the column `engine` of the table gives it.
    key
        `calculation_id` of a row of the archive.
    record, of_record
        Record of a journal and back, for results whose journal holds rows, not raw outputs; no
        record is kept where `record` gives none.
    exported
        Whether a row goes into the archive.
    """

    name: str
    table: Table
    make: Callable[[Request, Finished], Result]
    beside: tuple[Table, ...] = ()
    relabelled: Callable[[Request, Row], Row] = _as_it_is
    engine: str = ""
    key: Callable[[Row], str] = _calculation_id
    record: Callable[[Request, Outcome], Row | None] | None = None
    of_record: Callable[[Row], tuple[str, Finished]] | None = None
    exported: Callable[[Row], bool] = lambda row: True  # noqa: ARG005


class Ledger:
    """What is known of calculations; a function that gives the result of a request.

    Parameters
    ----------
    kinds
        Kinds of results that are asked for.
    archive
        Calculations done earlier; None: none.
    journals
        Journals that are read; a later record of a calculation wins, unless the machine stopped it
        and an earlier one was not stopped: what is later follows from the names of the files.
    parsed
        Results of runs made elsewhere, by `calculation_id`.
    engines
        Gives an engine by its name.
    """

    def __init__(
        self,
        kinds: Iterable[Kind],
        archive: Archive | None = None,
        journals: Sequence[Path] = (),
        parsed: Mapping[str, Result] | None = None,
        engines: Engines = engine_named,
    ) -> None:
        self.engines = engines
        self.kinds = {kind.name: kind for kind in kinds}
        self.journals = list(dict.fromkeys(journals))
        self._archive = archive
        self._parsed = parsed or {}
        self._tables: dict[str, dict[str, Row]] = {}
        self._tried: set[str] = set()  # in this start
        self._final: dict[str, bool] = {}
        self._records: dict[str, Finished] = {}
        self._sizes: dict[Path, int] = {}
        self._readers: dict[Path, ArrayReader] = {}
        self._open: Journal | None = None
        for path in self.journals:
            self._read(path)

    def _read(self, path: Path) -> None:
        """Take in a journal that has grown since it was read last."""
        size = journal_size(path)
        if self._sizes.get(path) == size:
            return
        self._sizes[path] = size
        for start, row, raw in records_with_starts(path):
            kind = self.kinds.get(row.pop("kind"))
            if kind is not None and kind.of_record is not None:
                self._know(*kind.of_record(row))
            elif "files" in row:
                files = _kept(path, start, row.pop("files"), raw)
                self._know(row["calculation_id"], Finished(row, files))
        self._final.clear()

    def _know(self, name: str, found: Finished) -> None:
        """Take in a record; that of a stopped run replaces none that came to its end."""
        known = self._records.get(name)
        if known is None or not _stopped(found) or _stopped(known):
            self._records[name] = found

    def __call__(self, request: Request) -> Row | None:
        """Row of a finished calculation, or of one that failed in this start; None: not known."""
        if not self.holds(request):
            return None
        found = self.result(request)
        return None if found is None else found.row

    def holds(self, request: Request) -> bool:
        """Whether a calculation is not to be computed: it is finished, or was tried just now."""
        name = request.calculation_id
        return name in self._tried or self.finished(request)

    def finished(self, request: Request) -> bool:
        """Whether own runs, parsed runs or the archive hold a finished calculation."""
        name = request.calculation_id
        return self.own(request) or name in self._parsed or self.archived(request) is not None

    def own(self, request: Request) -> bool:
        """Whether a journal holds the finished calculation."""
        name = request.calculation_id
        if name not in self._final:
            record, engine = self._records.get(name), self.engines(request.engine)
            ended = record is not None and engine.finished(record.row, record.files)
            self._final[name] = ended and not self._superseded(request, self._records[name].row)
        return self._final[name]

    def stopped(self, request: Request) -> bool:
        """Whether an earlier start tried a calculation and did not finish it."""
        name = request.calculation_id
        return name in self._records and name not in self._tried and not self.own(request)

    def archived(self, request: Request) -> Row | None:
        """Row of the archive, if that is a finished calculation."""
        kind = self.kinds[request.kind]
        if kind.table.name not in self._tables:
            rows = self._read_archive(kind.table, lambda row: self.final(kind, row))
            self._tables[kind.table.name] = {}
            for row in rows:
                self._tables[kind.table.name].setdefault(kind.key(row), row)
        found = self._tables[kind.table.name].get(request.calculation_id)
        return None if found is not None and self._superseded(request, found) else found

    def _superseded(self, request: Request, row: Row) -> bool:
        """Whether a failure was decided by settings of a last attempt that are not asked for."""
        if row["status"] == Status.OK:
            return False
        engine = self.engines(request.engine)
        return isinstance(engine, RetryingEngine) and engine.superseded(request, row)

    def final(self, kind: Kind, row: Row) -> bool:
        """Whether a row of the archive is a finished calculation."""
        return self.engines(kind.engine or row["engine"]).finished(row, None)

    def _read_archive(self, table: Table, keep: Callable[[Row], bool] | None = None) -> list[Row]:
        return [] if self._archive is None else self._archive.read(table, keep=keep)

    def _beside(self, table: Table) -> Mapping[str, Row]:
        """Rows of the archive that stand beside those of a kind."""
        if table.name not in self._tables:
            rows = self._read_archive(table)
            self._tables[table.name] = {row["calculation_id"]: row for row in rows}
        return self._tables[table.name]

    def result(self, request: Request) -> Result | None:
        """Rows of what is known: own run > parsed run > archive > a run that did not finish."""
        name, kind = request.calculation_id, self.kinds[request.kind]
        if self.own(request):
            return kind.make(request, self._records[name])
        if name in self._parsed:
            known = self._parsed[name]
            labelled = _from(kind.relabelled(request, known.row), Origin.PARSED)
            return Result(labelled, known.beside, known.arrays)
        row = self.archived(request)
        if row is not None:
            found = ((t.name, self._beside(t).get(name)) for t in kind.beside)
            beside = {table: one for table, one in found if one is not None}
            labelled = _from(kind.relabelled(request, row), Origin.ARCHIVE)
            return Result(labelled, beside, self._arrays(kind.table, row))
        return kind.make(request, self._records[name]) if name in self._records else None

    def _arrays(self, table: Table, row: Row) -> Load | None:
        """Reads the arrays of a row of the archive."""
        if self._archive is None or not has_arrays(table) or not row["array_file"]:
            return None
        folder = self._archive.root / table.name

        def load() -> Arrays:
            reader = self._readers.setdefault(folder, ArrayReader(folder))
            return reader.of(row)

        return load

    def record(self, name: str) -> Finished | None:
        """What the journals hold of a calculation."""
        return self._records.get(name)

    def records(self) -> Mapping[str, Finished]:
        """All that the journals hold, by `calculation_id`."""
        return self._records

    @contextmanager
    def writing(self, path: Path, patience_s: float = 0.0) -> Iterator[None]:
        """Hold a journal to which :meth:`take` adds; what others added meanwhile is taken in.

        Parameters
        ----------
        patience_s
            How long to wait for another worker that holds it.

        Raises
        ------
        BusyError
            If another worker holds it.
        """
        with Journal(path, patience_s) as handle:
            for known in dict.fromkeys([*self.journals, path]):
                self._read(known)
            self._open = handle
            try:
                yield
            finally:
                self._open = None

    def take(self, request: Request, outcome: Outcome) -> Row:
        """Append what became of a calculation; it is durable when the call returns.

        What its run had kept for a next start goes once the disk has the record.

        Returns
        -------
        Its accounting.
        """
        engine = self.engines(request.engine)
        row = accounting(outcome, engine.version())
        files: Mapping[str, bytes] = dict(outcome.files)
        if not engine.finished(row, files):
            row = unfinished(row)
        if self._open is None:
            raise RuntimeError("a journal is written to outside Ledger.writing")
        kind, there = self.kinds[request.kind], files
        if kind.record is None:
            sizes = [[name, len(data)] for name, data in files.items()]
            record, raw = {"kind": "calculation", **row, "files": sizes}, b"".join(files.values())
            start = self._open.append(record, raw)
            there = files if len(raw) < LARGE else Stored(self._open.path, start, sizes)
        elif (kept := kind.record(request, outcome)) is not None:
            self._open.append({"kind": kind.name, **kept})
        self._records[request.calculation_id] = Finished(row, there)
        self._final.pop(request.calculation_id, None)
        self._tried.add(request.calculation_id)
        if outcome.spent is not None:
            self._open.sync()
            _remove(outcome.spent)
        return row


def _remove(path: Path) -> None:
    """Remove a file or a folder; one that stays does no harm."""
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _stopped(found: Finished) -> bool:
    """Whether the machine stopped a run."""
    return is_machine(str(found.row["error_class"]))


def _from(row: Row, origin: Origin) -> Row:
    """Row with where it came from, where its table has that column."""
    return row | {"origin": str(origin)} if "origin" in row else row


def _kept(
    path: Path, start: int, sizes: Sequence[Sequence[Any]], raw: bytes
) -> Mapping[str, bytes]:
    return unpacked(sizes, raw) if len(raw) < LARGE else Stored(path, start, sizes)


def unpacked(sizes: Sequence[Sequence[Any]], raw: bytes) -> dict[str, bytes]:
    """Files by name, from the blob that the journal keeps of them."""
    files, start = {}, 0
    for name, size in sizes:
        files[name] = raw[start : start + size]
        start += size
    return files
