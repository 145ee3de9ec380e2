"""What a chunk takes, and what a cluster is asked for because of it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from defectra.campaign.chunk_state import ChunkState

SAFETY = 2.0  # asked for over expected time: slower nodes, second attempts, busy memory buses
START_MINUTES = 10  # a job's own start and its tables, on a slow file system
BASE_MB = 1000  # Snakemake (twice, as a job) and the worker without its engine
MEMORY_MARGIN = 1.25
SHOWN = 20
CANNOT = "Cannot be computed"  # begins a line of the log that the launcher shows


def doubled(amount: int) -> Callable[[Any, int], int]:
    """Resource of a rule: `amount` in the first attempt, twice as much in each one after it."""
    return lambda wildcards, attempt: amount * 2 ** (attempt - 1)  # noqa: ARG005


def need(mb: int, minutes: int) -> dict[str, Callable[[Any, int], int]]:
    """Memory and time of a rule, doubled with each attempt."""
    return {"mem_mb": doubled(mb), "runtime": doubled(minutes)}


class Asked(Protocol):
    """What one chunk needs in a first attempt."""

    @property
    def minutes(self) -> int:
        """Time limit."""

    @property
    def megabytes(self) -> int:
        """Memory."""


L = TypeVar("L", bound=Asked)


class Asking(ABC, Generic[L]):
    """Time and memory that the rules of a study ask for."""

    @abstractmethod
    def _asked(self, chunk: str) -> Iterable[L]:
        """Loads whose largest a chunk asks for."""

    def runtime(self, chunk: str, attempt: int = 1) -> int:
        """Minutes to ask for, doubled with every attempt."""
        return int(max(load.minutes for load in self._asked(chunk)) * 2 ** (attempt - 1))

    def memory(self, chunk: str, attempt: int = 1) -> int:
        """Megabytes to ask for, doubled with every attempt."""
        return int(max(load.megabytes for load in self._asked(chunk)) * 2 ** (attempt - 1))


@dataclass(frozen=True)
class Load:
    """One chunk: calculations, those to compute, what they take (one core, MB).

    `impossible` counts, by what would help, those that cannot be computed: not among `missing`.
    """

    tasks: int = 0
    missing: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    heaviest_s: float = 0.0
    memory_mb: float = 0.0
    unmeasured: tuple[str, ...] = ()
    impossible: Mapping[str, int] = field(default_factory=dict)

    def state(self) -> ChunkState:
        """The chunk before it begins; without expected seconds if some are not known."""
        cannot = sum(self.impossible.values())
        total, known = self.tasks - cannot, 0.0 if self.unmeasured else self.wall_s
        done = total - self.missing
        return ChunkState(done, total, expected_s=known, left_s=known, impossible=cannot)

    @property
    def minutes(self) -> int:
        """Time limit of a first attempt."""
        return START_MINUTES + math.ceil(SAFETY * self.wall_s / 60)

    @property
    def megabytes(self) -> int:
        """Memory limit of a first attempt."""
        return math.ceil(BASE_MB + MEMORY_MARGIN * self.memory_mb)


def describe(loads: Mapping[str, Load], shards: int, minutes: float) -> str:
    """Table of the chunks, and the number of shards for jobs of about `minutes`."""
    head = f"{'chunk':12}{'calculations':>13}{'to compute':>11}{'CPU h':>8}{'minutes':>9}"
    lines = [head + f"{'limit min':>11}{'limit MB':>10}"]
    for name, x in sorted(loads.items(), key=lambda item: -item[1].wall_s)[:SHOWN]:
        text = f"{name:12}{x.tasks:13}{x.missing:11}{x.cpu_s / 3600:8.2f}{x.wall_s / 60:9.1f}"
        lines.append(f"{text}{x.minutes:11}{x.megabytes:10}")
    if len(loads) > SHOWN:
        lines.append(f"... and {len(loads) - SHOWN} lighter ones")
    total = sum(x.wall_s for x in loads.values()) / 60
    heaviest = max((x.heaviest_s for x in loads.values()), default=0.0) / 60
    missing, cpu = sum(x.missing for x in loads.values()), sum(x.cpu_s for x in loads.values())
    lines.append(f"In all {missing} calculations to compute, {cpu / 3600:.2f} CPU hours.")
    unknown = sorted({n for x in loads.values() for n in x.unmeasured})
    lines += [
        f"Nothing was measured for {n}: its cost is not known and not counted." for n in unknown
    ]
    lines += impossible(loads)
    if missing:
        number = max(1, round(total / minutes))
        lines.append(
            f"For jobs of about {minutes:g} minutes: nmc.shards: {number} (now {shards}); "
            f"the heaviest family, which stays together, takes {heaviest:.1f} minutes. "
            "Choose before the campaign begins: other shards are other chunks."
        )
    return "\n".join(lines)


def impossible(loads: Mapping[str, Load]) -> list[str]:
    """Sentences for people: how many calculations cannot be computed, and what would help."""
    reasons: Counter[str] = Counter()
    for each in loads.values():
        reasons.update(each.impossible)
    total = sum(each.tasks for each in loads.values())
    return [f"{CANNOT}: {n} of {total} calculations ({why})." for why, n in reasons.items()]
