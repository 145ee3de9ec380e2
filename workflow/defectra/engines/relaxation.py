"""Relaxed geometries by a pretrained potential: what the engines of such potentials share."""

from __future__ import annotations

import hashlib
import json
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from defectra.campaign.engine import Outcome
from defectra.campaign.ledger import Finished, Kind, Result
from defectra.campaign.request import Request, Row
from defectra.campaign.verdict import MACHINE, machine_class
from defectra.core.errors import EngineError
from defectra.core.records import GEOMETRIES, Status
from defectra.core.seeds import seeded
from defectra.core.settings import Strict
from defectra.structures.geometry import vegard

GEOMETRY = "geometry"  # kind of result, and of its records in a journal
RESULT = "geometry.json"
NO_GEOMETRY = "relaxation_failed"  # a row of its own; what the machine stopped is tried again
PARSER_VERSION = "1"
_ACCOUNTS = ("attempt", "error_class", "message", "wall_s", "cpu_s", "max_rss_mb")


class RelaxationProtocol(Strict):
    """Relaxation with a pretrained potential, cell included."""

    ENGINE: ClassVar[str]
    description: str = Field("", description="what it is for")
    fmax: float = Field(0.1, gt=0, description="eV/Å")
    steps: int = Field(300, ge=1, description="at most")
    relax_cell: bool = Field(True, description="relax the cell as well")
    rattle: float = Field(0.02, ge=0, description="Å, seeded displacement that breaks symmetry")
    from_parent: bool = Field(
        False, description="no relaxation: the fully lithiated parent's sites and cell are kept"
    )
    cell: Literal["own", "parent", "vacancy_volume"] = Field(
        "own",
        description="where the cell and the first positions are from: the Vegard estimate; the "
        "relaxed defect-free parent; the structure's own relaxed cell at the volume of its vacancy",
    )

    @model_validator(mode="after")
    def _fixed(self) -> RelaxationProtocol:
        if self.cell != "own" and (self.relax_cell or self.from_parent):
            raise ValueError(f"cell: {self.cell} needs relax_cell: false and no from_parent")
        return self


class Relax(Protocol):
    """Relaxes a structure."""

    def __call__(
        self, row: Mapping[str, Any], name: str, protocol: Any, start: Mapping[str, Any]
    ) -> Row:
        """Relaxed geometries row of a structures row.

        Parameters
        ----------
        row
            Row of the structures table.
        name, protocol
            Name of the geometry protocol and its settings.
        start
            Geometries row whose cell and sites are the start, e.g. the Vegard estimate.

        Returns
        -------
        A row of the geometries table; ``unconverged`` if the forces stay above ``fmax``.
        """
        ...


def settings_digest(protocol: RelaxationProtocol) -> str:
    """Digest of what decides a relaxation; the description does not."""
    later = {"cell"} if protocol.cell == "own" else set()  # digests older than the key stay
    text = protocol.model_dump_json(exclude={"description", "from_parent", *later})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def relaxation_id(row: Mapping[str, Any]) -> str:
    """Identity of a relaxation, of its geometries row: structure, protocol, digest of settings."""
    text = "/".join(str(row[k]) for k in ("structure_id", "protocol", "settings"))
    return hashlib.sha256(text.encode()).hexdigest()


class Relaxations:
    """Engine of relaxed cells.

    Parameters
    ----------
    engine
        Its name.
    title
        As messages call the potential.
    relax, version
        Relaxes a cell; gives the version of the installed package, or an `EngineError` that says
        how to get it.
    """

    PARSER_VERSION = PARSER_VERSION
    KEEPS_FOLDER = False

    def __init__(self, engine: str, title: str, relax: Relax, version: Callable[[], str]) -> None:
        self.ENGINE, self._title = engine, title
        self._relax, self._version = relax, version

    def request(
        self,
        row: Mapping[str, Any],
        name: str,
        protocol: RelaxationProtocol,
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
        out = Outcome(request.calculation_id, inputs_sha256=request.calculation_id)
        asked = request.input
        try:
            start = asked["start"] or vegard(asked["row"])
            row = self._relax(asked["row"], request.protocol, asked["settings"], start)
        except EngineError as error:
            out.error_class, out.message = error.error_class, str(error)
            return out
        except (RuntimeError, ValueError) as error:  # torch and numpy on a cell that explodes
            out.error_class, out.message = NO_GEOMETRY, f"{self._title}: {error}"
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
            raise EngineError("no_output", f"{self._title}: no {RESULT}")
        found: Row = json.loads(files[RESULT])
        return found

    def version(self) -> str:
        """Version of the installed package; empty if there is none."""
        return "" if self.available() else self._version()

    def available(self) -> str:
        """Empty, or the sentence that says what is missing and how to get it."""
        try:
            self._version()
        except EngineError as error:
            return str(error)
        return ""

    def finished(
        self,
        row: Mapping[str, Any],
        files: Mapping[str, bytes] | None,  # noqa: ARG002
    ) -> bool:
        """Whether there is a geometry, or there is none; what the machine stopped is not."""
        return str(row["status"]) != Status.FAILED or _has_none(row)


@dataclass
class Clock:
    """Wall and CPU time since it was made."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def accounting(self) -> Row:
        """``wall_s``, ``cpu_s`` and peak memory of the process, ``max_rss_mb``."""
        return {
            "wall_s": time.perf_counter() - self.wall,
            "cpu_s": time.process_time() - self.cpu,
            "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def shaken(row: Mapping[str, Any], protocol: RelaxationProtocol) -> NDArray[np.float64]:
    """Seeded displacement of each site that breaks the symmetry, shape (n, 3), Å."""
    generator = seeded(row["structure_id"], "rattle")
    return np.asarray(generator.normal(0, protocol.rattle, (len(row["species"]), 3)))


def state(fmax: float, protocol: RelaxationProtocol) -> Row:
    """Columns that say whether a relaxation reached its threshold; `fmax` in eV/Å."""
    converged = fmax <= protocol.fmax * 1.0001
    message = f"largest force {fmax:.3f} eV/Å after {protocol.steps} steps"
    return {
        "fmax": fmax,
        "converged": converged,
        "status": str(Status.OK if converged else Status.UNCONVERGED),
        "error_class": "" if converged else "not_relaxed",
        "message": "" if converged else message,
    }


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
    return Result(json.loads(found.files[RESULT]))


# Whether a row is finished does not depend on the potential, so that one engine decides for all.
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
