"""Relaxed geometries by CHGNet, as an engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from defectra.campaign.engine import Engine, Outcome
from defectra.campaign.ledger import Finished, Kind, Result
from defectra.campaign.request import Request, Row
from defectra.campaign.verdict import MACHINE, machine_class
from defectra.core.errors import EngineError
from defectra.core.records import GEOMETRIES, Status
from defectra.engines.chgnet.settings import ChgnetProtocol
from defectra.structures.geometry import vegard

GEOMETRY = "geometry"  # kind of result, and of its records in a journal
RESULT = "geometry.json"
NO_GEOMETRY = "relaxation_failed"  # a row of its own; what the machine stopped is tried again
PARSER_VERSION = "1"
_ACCOUNTS = ("attempt", "error_class", "message", "wall_s", "cpu_s", "max_rss_mb")


def settings_digest(protocol: ChgnetProtocol) -> str:
    """Digest of what decides a relaxation; the description does not."""
    later = {"cell"} if protocol.cell == "own" else set()  # digests older than the key stay
    text = protocol.model_dump_json(exclude={"description", "from_parent", *later})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def relaxation_id(row: Mapping[str, Any]) -> str:
    """Identity of a relaxation, of its geometries row: structure, protocol, digest of settings."""
    text = "/".join(str(row[k]) for k in ("structure_id", "protocol", "settings"))
    return hashlib.sha256(text.encode()).hexdigest()


class Relaxations:
    """Engine of relaxed cells."""

    ENGINE = "chgnet"
    PARSER_VERSION = PARSER_VERSION
    KEEPS_FOLDER = False

    def request(
        self,
        row: Mapping[str, Any],
        name: str,
        protocol: ChgnetProtocol,
        start: Mapping[str, Any] | None = None,
    ) -> Request:
        """Request of the relaxed cell of a structures row.

        Parameters
        ----------
        name
            Of the protocol.
        start
            Geometries row that the relaxation starts from; None: the Vegard estimate. The
            protocol and the structure decide it, so that it is no part of the identity.
        """
        asked = {
            "structure_id": row["structure_id"],
            "protocol": name,
            "settings": settings_digest(protocol),
        }
        known = {"row": row, "settings": protocol, "start": start}
        size = len(row["species"])
        return Request(self.ENGINE, name, relaxation_id(asked), known, GEOMETRY, asked, size)

    def run(self, request: Request, folder: Path | None) -> Outcome:  # noqa: ARG002
        """Relax the cell."""
        from defectra.engines.chgnet.run import relax

        out = Outcome(request.calculation_id, inputs_sha256=request.calculation_id)
        asked = request.input
        try:
            start = asked["start"] or vegard(asked["row"])
            row = relax(asked["row"], request.protocol, asked["settings"], start)
        except EngineError as error:
            out.error_class, out.message = error.error_class, str(error)
            return out
        except (RuntimeError, ValueError) as error:  # torch and numpy on a cell that explodes
            out.error_class, out.message = NO_GEOMETRY, f"CHGNet: {error}"
            return out
        row |= {"settings": request.about["settings"]}
        return _outcome(row)

    def read(self, files: Mapping[str, bytes]) -> Row:
        """Geometries row of a relaxation.

        Raises
        ------
        EngineError
            ``no_output``.
        """
        if RESULT not in files:
            raise EngineError("no_output", f"CHGNet: no {RESULT}")
        found: Row = json.loads(files[RESULT])
        return found

    def version(self) -> str:
        """Version of the installed package; empty if there is none."""
        from defectra.engines.chgnet.run import engine_version

        return "" if self.available() else engine_version()

    def available(self) -> str:
        """Empty, or the sentence that says what is missing and how to get it."""
        from defectra.engines.chgnet.run import engine_version

        try:
            engine_version()
        except EngineError as error:
            return str(error)
        return ""

    def finished(
        self,
        row: Mapping[str, Any],
        files: Mapping[str, bytes] | None,  # noqa: ARG002
    ) -> bool:
        """Whether there is a geometry, or CHGNet has none; what the machine stopped is not."""
        return str(row["status"]) != Status.FAILED or _has_none(row)


def _outcome(row: Row) -> Outcome:
    accounting = {k: row[k] for k in _ACCOUNTS}
    out = Outcome(relaxation_id(row), status=Status(row["status"]), **accounting)
    out.inputs_sha256, out.files = out.calculation_id, {RESULT: json.dumps(row).encode()}
    return out


def _has_none(row: Mapping[str, Any]) -> bool:
    """Whether a relaxation failed for good: its cell exploded, and the machine had no part."""
    kind, message = str(row["error_class"]), str(row["message"])
    return kind == NO_GEOMETRY and machine_class(kind, message) == MACHINE + kind


def _record(request: Request, outcome: Outcome) -> Row | None:
    """Record of a journal: the geometries row itself, or why there will be none."""
    if RESULT in outcome.files:
        row: Row = json.loads(outcome.files[RESULT])
        return row
    accounting = {k: getattr(outcome, k) for k in _ACCOUNTS}
    failed = {**request.about, **accounting, "status": str(Status.FAILED), "engine_version": ""}
    return failed if _has_none(failed) else None


def _of_record(row: Row) -> tuple[str, Finished]:
    from defectra.campaign.rows import accounting

    out = _outcome(row)
    return out.calculation_id, Finished(accounting(out, row["engine_version"]), out.files)


def _made(request: Request, found: Finished) -> Result:
    if found.row["status"] == Status.FAILED:
        return Result({**request.about, **found.row})
    return Result(RELAXATIONS.read(found.files))


RELAXATIONS = Relaxations()
ENGINES: Mapping[str, Engine] = {RELAXATIONS.ENGINE: RELAXATIONS}
GEOMETRY_KIND = Kind(
    GEOMETRY,
    GEOMETRIES,
    _made,
    engine="chgnet",
    key=relaxation_id,
    record=_record,
    exported=lambda row: bool(row.get("geometry_id")),
    of_record=_of_record,
)
