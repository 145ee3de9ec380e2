"""How far one chunk is, as its worker writes it down, and how long all chunks of a run will take.

A run writes a state for each of its chunks before the first begins, so that what has not begun is
counted. Each carries what its missing calculations are expected to take (the cost model); only the
proportions between chunks count, since the speed of this machine is found from what has ended.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from defectra.core.store import write_bytes


@dataclass(frozen=True)
class ChunkState:
    """State of a chunk.

    Attributes
    ----------
    done, total, fresh
        Calculations: finished, all that can be, computed in this start.
    started, updated
        Unix seconds of the first and the last word of the worker; 0: it has not begun.
    expected_s, left_s
        What was to do at the start, and what is left of it, in seconds of the cost model.
    impossible
        Calculations that cannot be made here; not of the total.
    """

    done: int
    total: int
    fresh: int = 0
    started: float = 0.0
    updated: float = 0.0
    expected_s: float = 0.0
    left_s: float = 0.0
    impossible: int = 0

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""
        return self.started > 0 and self.left_s > 0

    def busy(self, now: float) -> float:
        """Seconds for which it has been at work."""
        if not self.started:
            return 0.0
        return max((now if self.is_running else self.updated) - self.started, 0.0)


def read_state(path: Path) -> ChunkState:
    """State in a file.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If it cannot be read, as while it is replaced.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    known = {f.name for f in fields(ChunkState)}
    return ChunkState(**{k: v for k, v in data.items() if k in known})


def write_state(path: Path, state: ChunkState) -> None:
    """Write a state, atomically."""
    write_bytes(path, json.dumps(asdict(state)).encode())


def remaining(states: Sequence[ChunkState], now: float) -> float:
    """Expected seconds until the last chunk ends; NaN if unknown.

    As many chunks are at work side by side as now; the last one may be the longest.
    """
    done = sum(state.expected_s - state.left_s for state in states)
    busy = sum(state.busy(now) for state in states)
    left = [state.left_s for state in states if state.left_s > 0]
    if not left:
        return 0.0
    running = sum(state.is_running for state in states)
    if done <= 0 or busy <= 0 or not running:
        return math.nan
    return max(*left, sum(left) / running) * busy / done


def announce(store: Path, chunks: Mapping[str, ChunkState]) -> None:
    """Write the states of chunks that a run will come to, before the first begins.

    If one of them holds something of unknown cost, each calculation counts alike.
    """
    unknown = any(s.done < s.total and not s.expected_s > 0 for s in chunks.values())
    for name, state in chunks.items():
        seconds = float(state.total - state.done) if unknown else state.expected_s
        stretched = ChunkState(**{**asdict(state), "expected_s": seconds, "left_s": seconds})
        write_state(store / f"{name}.progress", stretched)
