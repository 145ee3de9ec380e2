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
from defectra.core.errors import EngineError
from defectra.core.records import GEOMETRIES, Status
from defectra.engines.chgnet.settings import ChgnetProtocol

GEOMETRY = "geometry"  # kind of result, and of its records in a journal
RESULT = "geometry.json"
PARSER_VERSION = "1"
_ACCOUNTS = ("attempt", "error_class", "message", "wall_s", "cpu_s", "max_rss_mb")


def settings_digest(protocol: ChgnetProtocol) -> str:
    """Digest of what decides a relaxation; the description does not."""
    text = protocol.model_dump_json(exclude={"description", "from_parent"})
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

    def request(self, row: Mapping[str, Any], name: str, protocol: ChgnetProtocol) -> Request:
        """Request of the relaxed cell of a structures row; `name` of the protocol."""
        asked = {
            "structure_id": row["structure_id"],
            "protocol": name,
            "settings": settings_digest(protocol),
        }
        known = {"row": row, "settings": protocol}
        size = len(row["species"])
        return Request(self.ENGINE, name, relaxation_id(asked), known, GEOMETRY, asked, size)

    def run(self, request: Request, folder: Path | None) -> Outcome:  # noqa: ARG002
        """Relax the cell."""
        from defectra.engines.chgnet.run import relax

        out = Outcome(request.calculation_id, inputs_sha256=request.calculation_id)
        try:
            row = relax(request.input["row"], request.protocol, request.input["settings"])
        except EngineError as error:
            out.error_class, out.message = error.error_class, str(error)
            return out
        except (RuntimeError, ValueError) as error:  # torch and numpy on a cell that explodes
            out.error_class, out.message = "relaxation_failed", f"CHGNet: {error}"
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
        """Whether there is a geometry; a relaxation that failed is tried again."""
        return str(row["status"]) != Status.FAILED


def _outcome(row: Row) -> Outcome:
    told = {k: row[k] for k in _ACCOUNTS}
    out = Outcome(relaxation_id(row), status=Status(row["status"]), **told)
    out.inputs_sha256, out.files = out.calculation_id, {RESULT: json.dumps(row).encode()}
    return out


def _record(request: Request, outcome: Outcome) -> Row | None:  # noqa: ARG001
    """Record of a journal: the geometries row itself; what failed is not kept."""
    if outcome.status is Status.FAILED:
        return None
    row: Row = json.loads(outcome.files[RESULT])
    return row


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
    of_record=_of_record,
)
