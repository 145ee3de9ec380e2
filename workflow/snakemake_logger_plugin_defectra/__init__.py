"""Logger plugin of Snakemake (interface 2): the events of a run, as a file or as one line.

Snakemake finds the package by its name. The launcher starts it with ``--logger defectra
--logger-defectra-events FILE`` and shows the line itself; ``snakemake --logger defectra`` alone
shows the line, warnings and errors in place of Snakemake's own output.

Snakemake imports every installed plugin before it reads a Snakefile, which may be that of another
checkout: nothing of the package is imported here before a run asks for this plugin.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from logging import WARNING, LogRecord
from pathlib import Path
from typing import TYPE_CHECKING

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

if TYPE_CHECKING:
    from defectra.campaign.run_events import Event


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Options of the command line, ``--logger-defectra-...``."""

    events: Path | None = field(
        default=None,
        metadata={
            "help": "File that events are appended to, one line of JSON each; without it, one line "
            "of progress, warnings and errors are shown in place of Snakemake's output",
            "type": Path,
        },
    )


class LogHandler(LogHandlerBase):
    """Write each record that is an event of the run; or show the steps in one line."""

    def __post_init__(self) -> None:
        from defectra.campaign.progress import Line
        from defectra.campaign.run_events import Steps
        from snakemake_logger_plugin_defectra.records import events_of

        self._steps, self._line, self._events_of = Steps(), Line(sys.stderr), events_of

    def emit(self, record: LogRecord) -> None:
        """Write or show what a record says of the run."""
        try:
            events = list(self._events_of(record))
            if self._file:
                with self._file.open("a", encoding="utf-8") as handle:
                    handle.writelines(event.to_line() for event in events)
            else:
                self._show(record, events)
        except OSError:
            self.handleError(record)

    def _show(self, record: LogRecord, events: list[Event]) -> None:
        self._steps.read(events)
        if record.levelno >= WARNING:
            self._line.clear()
            print(self.format(record), file=sys.stderr, flush=True)
        self._line.show([str(self._steps)] if self._steps.has_begun else [])

    def close(self) -> None:
        """Take the line away."""
        self._line.clear()
        super().close()

    @property
    def _file(self) -> Path | None:
        return getattr(self.settings, "events", None)

    @property
    def writes_to_stream(self) -> bool:
        """Whether it takes the place of Snakemake's own output."""
        return self._file is None

    @property
    def writes_to_file(self) -> bool:
        """Whether it writes the log file that Snakemake names at the end."""
        return False

    @property
    def has_filter(self) -> bool:
        """Whether it chooses the records itself; ``--quiet`` hides no event then."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Whether it has a format of its own; no: errors are shown as Snakemake words them."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """Whether it asks for the graph of rules."""
        return False
