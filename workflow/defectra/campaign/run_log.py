"""The log of a running Snakemake, read as it grows: each line once, however long it gets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_STEP = re.compile(r"(\d+) of (\d+) steps \(")
_TOTAL = re.compile(r"total\s+(\d+)$")
# members of a group, which a cluster runs as one job, stand indented
_STARTED = re.compile(r" *(?:local)?rule (\w+):$")
_ERROR = re.compile(r"Error in rule (\w+):$")
_JOB = re.compile(r" {4,}jobid: (\d+)$")
_FINISHED = re.compile(r"Finished jobid: (\d+)")


@dataclass
class Steps:
    """Jobs of Snakemake, read from its log.

    Attributes
    ----------
    done, total
        As the last line about steps says; the total of the table of jobs before the first one.
    """

    done: int = 0
    total: int = 0
    _jobs: dict[str, str] = field(default_factory=dict)
    _of: str = ""
    _is_error: bool = False

    @property
    def running(self) -> list[str]:
        """Rules at work, in the order of their start, one entry a job."""
        return list(self._jobs.values())

    def read(self, lines: Iterable[str]) -> Steps:
        """Take whole lines into account; returns itself."""
        for line in lines:
            self._read(line)
        return self

    def _read(self, line: str) -> None:
        if step := _STEP.match(line):
            self.done, self.total = int(step.group(1)), int(step.group(2))
        elif ended := _FINISHED.match(line):
            self._jobs.pop(ended.group(1), None)
        elif begun := _ERROR.match(line) or _STARTED.match(line):
            self._of, self._is_error = begun.group(1), line.startswith("Error")
        elif self._of and (job := _JOB.match(line)):
            self._begin_or_end(job.group(1))
        elif not self.total and (total := _TOTAL.match(line)):
            self.total = int(total.group(1))
        elif not line.startswith("    "):
            self._of = ""

    def _begin_or_end(self, job: str) -> None:
        if self._is_error:
            self._jobs.pop(job, None)
        else:
            self._jobs[job] = self._of
        self._of = ""

    def __str__(self) -> str:
        where = f"step {self.done}/{self.total}" if self.total else "starting"
        names = sorted(set(self.running))
        return where + (f" ({', '.join(names)})" if names else "")


def read_steps(log: str) -> Steps:
    """Jobs done, to do and running, from the text of a Snakemake log."""
    return Steps().read(log.splitlines())


class RunLog:
    """A log that another process writes.

    Parameters
    ----------
    path
        The file; it only grows.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.steps = path, Steps()
        self._at = 0

    def look(self) -> list[str]:
        """Lines that are new since the last look, whole ones; :attr:`steps` knows them then."""
        with self.path.open("rb") as handle:
            handle.seek(self._at)
            data = handle.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        lines = whole.decode("utf-8", errors="replace").splitlines()
        self.steps.read(lines)
        return lines
