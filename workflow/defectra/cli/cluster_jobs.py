"""Jobs that a run still has on a cluster when it is stopped.

Snakemake cancels the jobs in its list when it is interrupted. While it asks the batch system for
their states that list is empty (snakemake-interface-executor-plugins 9.4), and the executor
`cluster-generic` gives the cancelling command two seconds: on a busy cluster jobs stay behind.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from defectra.campaign.left_behind import begun, slurm_queue, submitted
from defectra.cli.batch import RECORDS, SYSTEMS

AT_ONCE = 50  # numbers in one command
TIMEOUT_S = 300.0
Call = Callable[[Sequence[str]], object]
SCANCEL = ("scancel",)


def _call(command: Sequence[str]) -> None:
    # its exit code says nothing: it is not 0 for jobs that have ended meanwhile
    subprocess.run(list(command), capture_output=True, check=False, timeout=TIMEOUT_S)


class ClusterJobs:
    """Jobs that this run submits; those that are known when it begins are of earlier runs.

    Parameters
    ----------
    folder
        ``.snakemake``.
    queue
        States of the user's jobs on Slurm; None if the queue does not answer.
    call
        Runs a command.
    """

    def __init__(
        self,
        folder: Path,
        queue: Callable[[], Mapping[str, str] | None] = slurm_queue,
        call: Call = _call,
    ) -> None:
        self.folder, self.queue, self.call = folder, queue, call
        self.before = {words: self._numbers(words) for words in self._commands()}

    def cancel(self) -> list[str]:
        """Cancel what is left; the numbers of those jobs. Says which it could not cancel."""
        found = []
        for words in self._commands():
            numbers = self._numbers(words) - self.before[words]
            if words == SCANCEL and numbers:
                states = self.queue()
                numbers = numbers if states is None else numbers & states.keys()
            left = sorted(numbers)
            for start in range(0, len(left), AT_ONCE):
                command = [*words, *left[start : start + AT_ONCE]]
                try:
                    self.call(command)
                except (OSError, subprocess.SubprocessError) as error:
                    print(
                        f"Jobs may be left on the cluster ({error.__class__.__name__}): look, and "
                        f"cancel them by {' '.join(command)}",
                        file=sys.stderr,
                    )
            found += left
        return found

    @staticmethod
    def _commands() -> list[tuple[str, ...]]:
        return [SCANCEL, *(system.cancel for system in SYSTEMS.values())]

    def _numbers(self, words: tuple[str, ...]) -> set[str]:
        if words == SCANCEL:
            return submitted(self.folder / "incomplete") | begun(self.folder / "slurm_logs")
        names = (n for n, system in SYSTEMS.items() if system.cancel == words)
        return {p.name for n in names for p in (self.folder / RECORDS / n).glob("*")}
