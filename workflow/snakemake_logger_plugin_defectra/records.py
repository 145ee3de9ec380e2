"""Events of a run that log records of Snakemake stand for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from logging import LogRecord
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from defectra.campaign.run_events import Event

_STDERR = 2


def events_of(record: LogRecord) -> Iterator[Event]:
    """Events that a log record of Snakemake stands for; none for most records."""
    data = vars(record)
    match data.get("event"):
        case LogEvent.WORKFLOW_STARTED:
            yield Event("start")
        case LogEvent.RUN_INFO:
            yield Event("plan", jobs={k: n for k, n in data["stats"].items() if k != "total"})
        case LogEvent.PROGRESS:
            yield Event("progress", done=data["done"], total=data["total"])
        case LogEvent.JOB_INFO:
            yield Event("job", data["jobid"], data["rule_name"])
        case LogEvent.JOB_FINISHED:
            yield Event("finished", data["job_id"])
        case LogEvent.JOB_ERROR if not data["indent"]:  # those of a group come with the group
            yield _failed(data, [])
        case LogEvent.GROUP_ERROR:
            yield from (_failed(job, data["aux_logs"]) for job in data["job_error_info"])
        case LogEvent.ERROR:
            yield Event("error", text=record.getMessage())


def _failed(job: dict[str, Any], more: list[str]) -> Event:
    logs = tuple(map(str, [*job["log"], *more]))
    return Event("failed", job["jobid"], job["rule_name"], logs, at=_written())


def _written() -> int:
    """Size of the file that stderr goes to, bytes; 0 if it is no file."""
    state = os.fstat(_STDERR)
    return state.st_size if stat.S_ISREG(state.st_mode) else 0
