"""What Snakemake reports of a run: events in a file of JSON lines, and the steps that follow.

The plugin ``snakemake_logger_plugin_defectra`` writes the file inside of Snakemake; the launcher,
``defectra status`` and ``defectra plan`` read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["start", "plan", "progress", "job", "finished", "failed", "error"]


@dataclass(frozen=True)
class Event:
    """One event of a run.

    Attributes
    ----------
    kind
        ``start`` of Snakemake, its ``plan``, its ``progress``; start of a ``job``, which is
        ``finished`` or has ``failed`` then; an ``error`` of the workflow itself.
    job
        Number that Snakemake gave the job.
    rule, logs
        Of the job; the logs only if it failed, relative to the working directory.
    done, total
        Jobs, of ``progress``.
    jobs
        Number of jobs of each rule, of ``plan``.
    text
        What an ``error`` says.
    at
        Bytes that Snakemake and its jobs had written to the log of the run when a job failed.
    """

    kind: Kind
    job: int = -1
    rule: str = ""
    logs: tuple[str, ...] = ()
    done: int = 0
    total: int = 0
    jobs: Mapping[str, int] = field(default_factory=dict)
    text: str = ""
    at: int = 0

    def to_line(self) -> str:
        """One line of JSON, without what is at its default."""
        return json.dumps({k: v for k, v in asdict(self).items() if v != _DEFAULTS.get(k)}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Event:
        """Inverse of :meth:`to_line`."""
        data = json.loads(line)
        return cls(**(data | {"logs": tuple(data.get("logs", ()))}))


_DEFAULTS = {k: v for k, v in asdict(Event("start")).items() if k != "kind"}


@dataclass
class Steps:
    """Jobs of Snakemake and how far they are.

    Attributes
    ----------
    done, total
        Jobs finished, and of the whole run.
    jobs
        Number of jobs of each rule that the run began with.
    has_begun
        Whether Snakemake has read the workflow and looked for what is to be done.
    failed
        The last failure of each job that did not succeed in a later attempt, by job.
    errors
        What stopped the workflow itself, for example a missing input file.
    """

    done: int = 0
    total: int = 0
    jobs: Mapping[str, int] = field(default_factory=dict)
    has_begun: bool = False
    failed: dict[int, Event] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    _running: dict[int, str] = field(default_factory=dict)

    @property
    def running(self) -> list[str]:
        """Rules at work, in the order of their start, one entry for each job."""
        return list(self._running.values())

    @property
    def is_up_to_date(self) -> bool:
        """Whether Snakemake found nothing to do."""
        return self.has_begun and not self.total

    def read(self, events: Iterable[Event]) -> Steps:
        """Take events into account; returns itself."""
        for event in events:
            self._read(event)
        return self

    def _read(self, event: Event) -> None:
        match event.kind:
            case "start":
                self._begin()
            case "plan":
                self.jobs, self.total = event.jobs, sum(event.jobs.values())
            case "progress":
                self.done, self.total = event.done, event.total
            case "error":
                self.errors.append(event.text)
            case "job":
                self._running[event.job] = event.rule
                self.failed.pop(event.job, None)
            case "finished" | "failed":
                self._running.pop(event.job, None)
                self.failed.pop(event.job, None)
                if event.kind == "failed":
                    self.failed[event.job] = event

    def _begin(self) -> None:
        self.done, self.total, self.jobs, self.has_begun = 0, 0, {}, True
        self.failed, self.errors, self._running = {}, [], {}

    def __str__(self) -> str:
        where = f"step {self.done}/{self.total}" if self.total else "starting"
        names = sorted(set(self.running))
        return where + (f" ({', '.join(names)})" if names else "")


class Growing:
    """A text file that another process appends to.

    Parameters
    ----------
    path
        The file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0

    def look(self) -> list[str]:
        """Whole lines that are new since the last look."""
        try:
            with self.path.open("rb") as handle:
                handle.seek(self._at)
                data = handle.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.decode("utf-8", errors="replace").splitlines()


class RunEvents:
    """Events of a run, read while it writes them.

    Parameters
    ----------
    path
        File of the events.
    """

    def __init__(self, path: Path) -> None:
        self.steps = Steps()
        self._file = Growing(path)

    def look(self) -> Steps:
        """Steps after all events that are there now."""
        return self.steps.read(Event.from_line(line) for line in self._file.look())


def events_of(log: Path) -> Path:
    """File of the events that belongs to the log of a run."""
    return log.with_suffix(".events.jsonl")


def read_steps(log: Path) -> Steps:
    """Steps of the run that has this log, as far as it came."""
    return RunEvents(events_of(log)).look()
