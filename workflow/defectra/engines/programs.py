"""Programs of the user's own on PATH: FEFF9 or FEFF10, VASP, FDMNES.

Each is an engine like the embedded ones (:class:`defectra.campaign.engine.Engine`): inputs are
written into a folder, the program runs there as a child, and what it leaves is read by the reader
that `defectra import` uses for runs made elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from defectra.campaign.engine import Outcome, Parsed
from defectra.core.errors import BusyError, EngineError
from defectra.core.records import Status
from defectra.core.store import disk_errors, sha256_file
from defectra.engines import process
from defectra.engines.finished.reader import Folder, Reader, Reading
from defectra.engines.folder import alone, fresh, remove_left

Files = dict[str, str]
Geometry = Mapping[str, Any]
Row = Mapping[str, Any]

_CHECKSUM = "sha256 "
_TOLD = 300  # characters of the log in a message


class Changed(NamedTuple):
    """What differs between a result and what would be computed now, and what is not known."""

    differs: str
    unknown: str


@dataclass(frozen=True)
class Program:
    """An engine that is a program of the user's own.

    Attributes
    ----------
    ENGINE, PARSER_VERSION
        Names in the tables.
    commands
        Names that are looked for on PATH, the first that is there wins.
    variable
        Environment variable that names the program instead.
    how
        Where it comes from, for people.
    reader
        What reads its runs.
    write
        Inputs of (geometry, site, edge, protocol), by file name.
    secret
        What is added to the inputs at run time and neither kept nor part of the identity (files
        that a licence keeps with the user), of (inputs).
    secret_names
        Of those files.
    tell
        What is kept of them instead, of (secret files): names and checksums.
    """

    ENGINE: str
    PARSER_VERSION: str
    commands: tuple[str, ...]
    variable: str
    how: str
    reader: Reader
    write: Callable[[Geometry, int, str, Any], Files]
    secret: Callable[[Files], Files] = lambda _: {}
    secret_names: tuple[str, ...] = ()
    tell: Callable[[Files], Files] = lambda _: {}

    def path(self) -> Path:
        """The program.

        Raises
        ------
        EngineError
            ``engine_missing``, with what is missing and how to get it.
        """
        named = os.environ.get(self.variable)
        if named:
            if Path(named).is_file() and os.access(named, os.X_OK):
                return Path(named).absolute()  # it is started in another folder
            raise EngineError(
                "engine_missing", f"{self.variable} names {named}, which is no program"
            )
        for command in self.commands:
            found = shutil.which(command)
            if found:
                return Path(found).absolute()
        looked = ", ".join(self.commands)
        raise EngineError(
            "engine_missing",
            f"none of {looked} is on PATH: {self.how}, or name the program in {self.variable}; "
            f"finished runs are read without it (`defectra import FOLDER`)",
        )

    def engine_version(self) -> str:
        """Name of the program and checksum of its file; its version stands in its output."""
        path = self.path()
        known = _checksum(path)
        return f"{self.ENGINE} ({path.name}{', ' if known else ''}{known})"

    def site(self, geometry: Geometry, index: int) -> Site:
        """Runner of one site."""
        return Site(self, geometry, index)

    def parse(self, files: Mapping[str, bytes]) -> Parsed:
        """Read files of a run, by name."""
        with tempfile.TemporaryDirectory(prefix="run-") as name:
            for file, data in files.items():
                (Path(name) / file).write_bytes(data)
            return self.reading(Path(name)).parsed

    def reading(self, folder: Path) -> Reading:
        """The spectrum that a run left.

        Raises
        ------
        EngineError
            ``missing_output`` if there is none, or what the reader finds wrong.
        """
        run_folder = Folder(folder)
        found = self.reader.find(run_folder)
        if not found:
            raise EngineError("missing_output", f"{self.ENGINE} wrote no spectrum")
        return self.reader.read(found[0], run_folder)


class Site:
    """One absorber of one geometry, in a program of the user's own.

    Attributes
    ----------
    held
        Whether the caller of `run` holds the lock of its folder already (:func:`alone`).
    """

    def __init__(self, program: Program, geometry: Geometry, index: int) -> None:
        self.program, self.geometry, self.index = program, geometry, index
        self.held = False

    def inputs(self, edge: str, protocol: Any) -> Files:
        """Input files by name."""
        return self.program.write(self.geometry, self.index, edge, protocol)

    def identity(self, edge: str, protocol: Any) -> str:
        """`calculation_id`: SHA-256 of the inputs, of one file as it is."""
        files = self.inputs(edge, protocol)
        return _digest(files)

    def changed(self, row: Row, edge: str, protocol: Any) -> Changed:
        """What of a calculations row of this input would be another today: program, secret files.

        A script that starts the program is compared, not what it starts.
        """
        differs, unknown = [], []
        try:
            now, then = self.program.engine_version(), str(row["engine_version"])
            if _CHECKSUM not in then or _CHECKSUM not in now:
                unknown.append("the program is not known by its checksum")
            elif now != then:
                differs.append(f"it was computed by {then}, the program now is {now}")
        except EngineError as error:
            unknown.append(f"the program is not compared ({error})")
        names = ", ".join(self.program.secret_names)
        try:
            files = self.inputs(edge, protocol)
            digest = _digest({**files, **self.program.secret(files)})
            if row["inputs_sha256"] not in ("", digest):
                differs.append(f"the input was another one ({names or 'other files'})")
        except EngineError as error:
            unknown.append(f"{names} are not compared ({error})")
        return Changed("; ".join(differs), "; ".join(unknown))

    def run(self, edge: str, protocol: Any, folder: Path | None = None) -> Outcome:
        """Run the program in `folder`, or a temporary one; what went wrong is in the outcome.

        Nothing is left there of a former try; of its secret files nothing in any folder beside it,
        but where another process computes.
        """
        out = Outcome(self.identity(edge, protocol))
        out.inputs_sha256 = out.calculation_id
        start = time.perf_counter()
        files = self.inputs(edge, protocol)
        lock: AbstractContextManager[None] = nullcontext()
        if folder is not None:
            remove_left(folder.parent, self.program.secret_names)
            lock = lock if self.held else alone(folder)
        try:
            with lock, fresh(folder, files) as work:
                self._run(out, work, files, protocol.timeout_s)
        except EngineError as error:
            out.error_class, out.message = error.error_class, str(error)
        except BusyError as error:
            out.error_class, out.message = "busy", str(error)
        out.wall_s = time.perf_counter() - start
        return out

    def _run(self, out: Outcome, folder: Path, files: Files, timeout_s: float) -> None:
        path = self.program.path()
        secret = self.program.secret(files)
        out.inputs_sha256 = _digest({**files, **secret})
        try:
            with disk_errors(folder):
                for name, text in {**files, **self.program.tell(secret)}.items():
                    (folder / name).write_text(text, encoding="utf-8")
                for name, text in secret.items():
                    (folder / name).touch(mode=0o600)
                    (folder / name).write_text(text, encoding="utf-8")
            threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
            used = process.run(process.bound([str(path)]), folder, threads, timeout_s)
        finally:
            for name in secret:
                (folder / name).unlink(missing_ok=True)
        out.cpu_s, out.max_rss_mb = used.cpu_s, used.max_rss_mb
        if used.returncode < 0:
            raise EngineError("signal", f"{path.name} was ended by signal {-used.returncode}")
        if used.returncode:
            text = f"{path.name} ended with code {used.returncode}: {_last(folder)}"
            raise EngineError("engine_failed", text)
        reading = self.program.reading(folder)
        out.parsed = reading.parsed
        out.status = Status.OK if reading.converged else Status.UNCONVERGED
        if not reading.converged:
            unknown = reading.converged is None
            out.error_class = "convergence_unknown" if unknown else "not_self_consistent"
            state = "nothing says whether {} reached" if unknown else "{} did not reach"
            out.message = reading.note or f"{state.format(path.name)} self-consistency"


def _checksum(path: Path) -> str:
    """First digits of the SHA-256 of a program, e.g. ``sha256 0f3a…``; empty if it is not readable.

    It is read again when it has changed.
    """
    found = path.stat()
    return _checksum_of(path, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=8)
def _checksum_of(path: Path, *_stamp: int) -> str:
    try:
        return f"{_CHECKSUM}{sha256_file(path)[:12]}"
    except OSError:  # a program may be allowed to run and not to be read
        return ""


def _digest(files: Files) -> str:
    """SHA-256 of files by name, of one file as it is."""
    one = next(iter(files.values())) if len(files) == 1 else json.dumps(files, sort_keys=True)
    return hashlib.sha256(one.encode()).hexdigest()


def _last(folder: Path) -> str:
    """Last line that the program printed."""
    text = (folder / process.LOG).read_text(encoding="utf-8", errors="replace")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[-1][:_TOLD] if lines else "it printed nothing"
