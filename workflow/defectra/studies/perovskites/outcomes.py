"""Rows of GPAW jobs: what a job took, and what its result says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from defectra.campaign.engine import Outcome
from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.engines.gpaw import run as gpaw

Row = dict[str, Any]


def finished(
    row: Row,
    out: Outcome,
    read: Callable[[Mapping[str, Any]], Row],
    *,
    unconverged: bool = False,
) -> Row:
    """`row` with what a job took and gave; ``failed`` where `read` finds no result.

    Parameters
    ----------
    read
        Columns from the steps of the result, by name; raises EngineError where one is missing.
    unconverged
        Whether the result of a job that did not converge is read, too; it keeps its status.
    """
    row = row | {
        "calculation_id": out.calculation_id,
        "engine_version": gpaw.version_in(out.files),
        "status": str(out.status),
        "attempt": out.attempt,
        "error_class": out.error_class,
        "message": out.message,
        "wall_s": out.wall_s,
        "cpu_s": out.cpu_s,
        "max_rss_mb": out.max_rss_mb,
    }
    if out.status not in (Status.OK, *([Status.UNCONVERGED] if unconverged else [])):
        return row
    try:
        return row | read(gpaw.parse(out.files))
    except EngineError as error:
        failed = {"status": str(Status.FAILED), "message": str(error)}
        return row | failed | {"error_class": error.error_class}
