"""Hosts and charged cells by GPAW: batches of requests in one child, one result file for each.

Beside :mod:`defectra.engines.gpaw.run`, whose program it uses, since one start of GPAW serves a
whole set, and since charged cells need states and occupations near the Fermi level, hosts a
dielectric constant.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.campaign.engine import Outcome
from defectra.campaign.request import Request
from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.core.store import made
from defectra.engines import process
from defectra.engines.gpaw import run as gpaw
from defectra.engines.verdict import is_level_result

Json = dict[str, Any]
Compute = Callable[[Sequence[Mapping[str, Any]], float, Path], EngineError | None]

ENGINE = "gpaw_levels"
PARSER_VERSION = "1"
HOST, CELL = "level_hosts", "level_cells"  # kinds of result
ASKED, RESULT = "request.json", "result.json"


def compute(
    asked: Sequence[Mapping[str, Any]], timeout_s: float, results: Path
) -> EngineError | None:
    """Compute all that `results` lacks in one child; why it ended before it was done, or None.

    Parameters
    ----------
    asked
        Requests of ``levels.py``, each with its ``id``.
    results
        Folder that gets ``<id>.json`` of each, at once and whole.
    """
    with tempfile.TemporaryDirectory(prefix="defectra-gpaw-") as name:
        folder = Path(name)
        (folder / "in.json").write_text(json.dumps(list(asked)), encoding="utf-8")
        try:
            command = [*gpaw.command("levels.py"), "in.json", str(results.resolve())]
            used = process.run(command, folder, gpaw.environment("levels.py"), timeout_s)
        except EngineError as error:
            return error
        if used.returncode < 0:
            return EngineError("signal", f"GPAW was ended by signal {-used.returncode}")
        if used.returncode:
            log = (folder / process.LOG).read_text(encoding="utf-8", errors="replace")
            return EngineError("crashed", " ".join(log[-800:].split()))
    return None


class ChargedCells:
    """Engine of hosts and charged cells.

    Parameters
    ----------
    start
        Computes a batch, see :func:`compute`.
    """

    ENGINE, PARSER_VERSION = ENGINE, PARSER_VERSION
    KEEPS_FOLDER = True
    ONE_START = True

    def __init__(self, start: Compute = compute) -> None:
        self._start = start

    def request(
        self, asked: Json, protocol: tuple[str, float], about: Mapping[str, Any]
    ) -> Request:
        """Request of a host or a cell.

        Parameters
        ----------
        asked
            What ``levels.py`` reads, with its ``id``, the hash of the rest.
        protocol
            Name, and seconds that a batch may take.
        """
        name, timeout_s = protocol
        kind = HOST if asked["kind"] == "host" else CELL
        known = {"asked": asked, "timeout_s": timeout_s}
        return Request(ENGINE, name, asked["id"], known, kind, about, len(asked["species"]))

    def run(self, request: Request, folder: Path | None) -> Outcome:
        """Compute one request."""
        return next(outcome for _, outcome in self.run_batch([request], folder))

    def run_batch(
        self, requests: Sequence[Request], folder: Path | None
    ) -> Iterator[tuple[Request, Outcome]]:
        """Compute all in one child; what a killed child had finished is not computed again."""
        home = folder or Path(tempfile.mkdtemp(prefix="defectra-gpaw-"))
        results = made(home.parent / "results" if folder else home)
        try:
            asked = [r.input["asked"] for r in requests]
            failure = self._start(asked, requests[0].input["timeout_s"], results)
            for request in requests:
                path = results / f"{request.calculation_id}.json"
                yield request, _outcome(request, path, failure)
        finally:
            if folder is None:
                shutil.rmtree(home, ignore_errors=True)

    def read(self, files: Mapping[str, bytes]) -> Json:
        """Result with its request and ``id``.

        Raises
        ------
        EngineError
            ``no_output`` or ``truncated_output``.
        """
        if RESULT not in files or ASKED not in files:
            raise EngineError("no_output", f"GPAW: no {RESULT} with its {ASKED}")
        try:
            asked, found = json.loads(files[ASKED]), json.loads(files[RESULT])
            return {"id": asked["id"], "request": asked, **found}
        except (ValueError, TypeError, KeyError) as error:
            text = f"GPAW: {RESULT} cannot be read ({error})"
            raise EngineError("truncated_output", text) from None

    def version(self) -> str:
        """Version of GPAW; empty if it is not there."""
        return gpaw.version()

    def available(self) -> str:
        """Empty, or the sentence that says what is missing and how to get it."""
        return gpaw.available()

    def finished(self, row: Mapping[str, Any], files: Mapping[str, bytes] | None) -> bool:
        """Whether what became of a calculation is decided."""
        if files is None:
            return is_level_result(row)
        try:
            return is_level_result(self.read(files))
        except EngineError:
            return False


def _outcome(request: Request, path: Path, failure: EngineError | None) -> Outcome:
    out = Outcome(request.calculation_id, inputs_sha256=request.calculation_id)
    if not path.is_file():
        out.error_class, out.message = "no_output", "GPAW ended without this result"
        if failure is not None:
            out.error_class, out.message = failure.error_class, str(failure)
        return out
    out.spent = path
    out.files = {ASKED: json.dumps(request.input["asked"]).encode(), RESULT: path.read_bytes()}
    try:
        found = json.loads(out.files[RESULT])
        out.status, out.message = Status(found["status"]), found["message"]
        out.wall_s, out.cpu_s = found["wall_s"], found["cpu_s"]
        out.max_rss_mb = found.get("max_rss_mb", 0.0)
    except (ValueError, TypeError, KeyError) as error:
        out.error_class, out.message = "truncated_output", f"GPAW: {path.name}: {error}"
    if out.status is Status.UNCONVERGED:
        out.error_class = "not_self_consistent"
    return out
