"""How far a running campaign is: read from the workers' progress files, shown as one line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from defectra.campaign.chunk_state import read_state, remaining


@dataclass
class Work:
    """Calculations of all chunks of a run: done, total, computed in it, those that cannot be.

    Those that can not be computed here are `impossible` and not of the total.

    Attributes
    ----------
    seconds
        Since the first chunk began.
    left_s
        Expected until the last chunk ends; NaN before anything says.
    """

    done: int = 0
    total: int = 0
    fresh: int = 0
    seconds: float = 0.0
    impossible: int = 0
    left_s: float = math.nan

    @property
    def rate(self) -> float:
        """Calculations a minute, computed in this run."""
        return 60 * self.fresh / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        if not self.total and not self.impossible:
            return ""
        text = f"calculations {self.done}/{self.total}"
        if self.fresh and self.done < self.total:
            text += f", {self.rate:.1f} a minute"
            text += f", {duration(self.left_s)} left" if math.isfinite(self.left_s) else ""
        return text + (f", {self.impossible} cannot be computed" if self.impossible else "")


def duration(seconds: float) -> str:
    """Short text for people: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def read_work(store: Path, since: float, now: float | None = None) -> Work:
    """Sum of the progress files below `store` that were written after `since` (Unix seconds)."""
    now = time.time() if now is None else now
    states = []
    for path in sorted(store.glob("*.progress")):
        try:
            if path.stat().st_mtime >= since:
                states.append(read_state(path))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # another process is just replacing it: the next look will see it
    starts = [state.started for state in states if state.started]
    return Work(
        sum(state.done for state in states),
        sum(state.total for state in states),
        sum(state.fresh for state in states),
        now - min(starts) if starts else 0.0,
        sum(state.impossible for state in states),
        remaining(states, now),
    )


class Line:
    """One line that is rewritten on a terminal; elsewhere a new line from time to time."""

    def __init__(self, out: TextIO = sys.stdout, every_s: float = 30.0) -> None:
        self.out = out
        self.live = out.isatty()
        self.every_s = every_s
        self._last = ""
        self._when = time.monotonic()

    def show(self, parts: Iterable[str]) -> None:
        """Show the non-empty `parts`; nothing happens if the text did not change."""
        text = " · ".join(p for p in parts if p)
        if text == self._last:
            return
        if self.live:
            self.out.write("\r\x1b[2K" + text)
        elif time.monotonic() - self._when < self.every_s:
            return
        else:
            self.out.write(text + "\n")
        self._last, self._when = text, time.monotonic()
        self.out.flush()

    def clear(self) -> None:
        """Take the line away before other text is printed."""
        if self.live and self._last:
            self.out.write("\r\x1b[2K")
            self.out.flush()
        self._last = ""
