"""Programs of the user's own on PATH: FEFF9 or FEFF10, VASP, FDMNES.

Each is an engine like the embedded ones (:class:`defectra.engines.base.Engine`): inputs are written
into a folder, the program runs there as a child, and what it leaves is read by the reader that
`defectra import` uses for runs made elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.engines import process
from defectra.engines.base import Outcome, Parsed
from defectra.errors import EngineError
from defectra.parsers.base import Folder, Reader, Reading
from defectra.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

Files = dict[str, str]
Geometry = Mapping[str, Any]

_LARGEST = 20_000_000  # bytes; larger files of a run are not kept
_TOLD = 300  # characters of the log in a message


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
    """

    ENGINE: str
    PARSER_VERSION: str
    commands: tuple[str, ...]
    variable: str
    how: str
    reader: Reader
    write: Callable[[Geometry, int, str, Any], Files]
    secret: Callable[[Files], Files] = lambda _: {}

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
                return Path(named)
            raise EngineError(
                "engine_missing", f"{self.variable} names {named}, which is no program"
            )
        for command in self.commands:
            found = shutil.which(command)
            if found:
                return Path(found)
        looked = ", ".join(self.commands)
        raise EngineError(
            "engine_missing",
            f"none of {looked} is on PATH: {self.how}, or name the program in {self.variable}; "
            f"finished runs are read without it (`defectra import FOLDER`)",
        )

    def engine_version(self) -> str:
        """Name of the program; its version stands in its output."""
        return f"{self.ENGINE} ({self.path().name})"

    def site(self, geometry: Geometry, index: int) -> Site:
        """Runner of one site."""
        return Site(self, geometry, index)

    def parse(self, files: Mapping[str, bytes]) -> Parsed:
        """Read kept files of a run again."""
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
        place = Folder(folder)
        found = self.reader.find(place)
        if not found:
            raise EngineError("missing_output", f"{self.ENGINE} wrote no spectrum")
        return self.reader.read(found[0], place)


class Site:
    """One absorber of one geometry, in a program of the user's own."""

    def __init__(self, program: Program, geometry: Geometry, index: int) -> None:
        self.program, self.geometry, self.index = program, geometry, index

    def inputs(self, edge: str, protocol: Any) -> Files:
        """Input files by name."""
        return self.program.write(self.geometry, self.index, edge, protocol)

    def identity(self, edge: str, protocol: Any) -> str:
        """`calculation_id`: SHA-256 of the inputs, of one file as it is."""
        files = self.inputs(edge, protocol)
        one = next(iter(files.values())) if len(files) == 1 else json.dumps(files, sort_keys=True)
        return hashlib.sha256(one.encode()).hexdigest()

    def run(self, edge: str, protocol: Any, folder: Path | None = None) -> Outcome:
        """Run the program; what went wrong is in the outcome.

        Parameters
        ----------
        folder
            Of this calculation alone: files of an earlier attempt there are removed first. None: a
            temporary one.
        """
        out = Outcome(self.identity(edge, protocol))
        out.inputs_sha256 = out.calculation_id
        start = time.perf_counter()
        with _place(folder) as place:
            try:
                self._run(out, place, self.inputs(edge, protocol), protocol.timeout_s)
            except EngineError as error:
                out.error_class, out.message = error.error_class, str(error)
        out.wall_s = time.perf_counter() - start
        return out

    def _run(self, out: Outcome, folder: Path, files: Files, timeout_s: float) -> None:
        path = self.program.path()
        secret = self.program.secret(files)
        for old in folder.iterdir():  # of an attempt that failed: not to be taken for this one's
            if old.is_file():
                old.unlink()
        for name, text in {**files, **secret}.items():
            (folder / name).write_text(text, encoding="utf-8")
        try:
            used = process.run(
                process.bound([str(path)]), folder, {"OMP_NUM_THREADS": "1"}, timeout_s
            )
        finally:
            for name in secret:
                (folder / name).unlink(missing_ok=True)
        out.cpu_s, out.max_rss_mb = used.cpu_s, used.max_rss_mb
        if used.returncode < 0:
            raise EngineError("signal", f"{path.name} was ended by signal {-used.returncode}")
        if used.returncode:
            told = f"{path.name} ended with code {used.returncode}: {_last(folder)}"
            raise EngineError("engine_failed", told)
        reading = self.program.reading(folder)
        out.files = _kept(folder)
        out.status = Status.OK if reading.converged else Status.UNCONVERGED
        if not reading.converged:
            unknown = reading.converged is None
            out.error_class = "convergence_unknown" if unknown else "not_self_consistent"
            out.message = reading.note or f"{path.name} did not reach self-consistency"


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="run-") as name:
        yield Path(name)


def _last(folder: Path) -> str:
    """Last line that the program printed."""
    text = (folder / "child.log").read_text(encoding="utf-8", errors="replace")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[-1][:_TOLD] if lines else "it printed nothing"


def _kept(folder: Path) -> dict[str, bytes]:
    """Files of a run that can be read again."""
    files = [p for p in sorted(folder.iterdir()) if p.is_file()]
    return {p.name: p.read_bytes() for p in files if p.stat().st_size <= _LARGEST}
