"""What the chunks of a study take: calculations, those that are missing, and their cost.

The same chains that compute are looked through with what is known at present; what waits for
another calculation is counted with it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from defectra.campaign.chunk_state import ChunkState
from defectra.campaign.complete import survey
from defectra.campaign.costs import Key, Law, law_of, load_with_own, texts
from defectra.campaign.engine import engine_named, processes_of
from defectra.campaign.ledger import Ledger
from defectra.campaign.loads import (
    BASE_MB,
    MEMORY_MARGIN,
    SAFETY,
    START_MINUTES,
    Asking,
)
from defectra.campaign.request import Family, Request, Waiting
from defectra.campaign.studies import (
    archive_of,
    chunks_to_compute,
    families_of,
    files_for,
    ledger_of,
    part_for,
    requests_of,
    study_of,
)
from defectra.core.config import Config
from defectra.core.store import write_bytes

UNKNOWN_MINUTES = 600  # asked for where a chunk holds something of unknown cost
LAUNCHER = re.compile(r"DEFECTRA_[A-Z]+_LAUNCH")
UNKNOWN_MB = 2000.0
PROCESS_MB = 400  # of each further process: its interpreter, libraries and buffers


@dataclass
class StudyLoad:
    """What some families take.

    Attributes
    ----------
    total, missing
        Calculations; those that are neither finished nor unable to be made.
    cpu_s, wall_s, variance
        Expected seconds of the missing ones on one core, and the variance of the CPU seconds.
    memory_mb
        Of the largest of them; 0: not measured.
    unknown
        Missing calculations of unknown cost, by engine, protocol and kind.
    engines
        Missing calculations by engine.
    """

    total: int = 0
    missing: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    variance: float = 0.0
    memory_mb: float = 0.0
    unknown: Counter[str] = field(default_factory=Counter)
    engines: Counter[str] = field(default_factory=Counter)

    def state(self) -> ChunkState:
        """The chunk before it begins; without expected seconds if some are not known."""
        known = 0.0 if self.unknown else self.wall_s
        done = self.total - self.missing
        return ChunkState(done, self.total, expected_s=known, left_s=known)

    @property
    def minutes(self) -> int:
        """Time limit of a first attempt."""
        known = START_MINUTES + math.ceil(SAFETY * self.wall_s / 60)
        return max(known, UNKNOWN_MINUTES) if self.unknown else known

    @property
    def processes(self) -> int:
        """Cores that a job needs: processes of the engine that starts the most."""
        missing = [name for name, count in self.engines.items() if count]
        return max((processes_of(engine_named(name)) for name in missing), default=1)

    @property
    def megabytes(self) -> int:
        """Memory limit of a first attempt."""
        used = self.memory_mb or (UNKNOWN_MB if self.missing else 0.0)
        return math.ceil(BASE_MB + MEMORY_MARGIN * used + PROCESS_MB * (self.processes - 1))

    def cost(self) -> str:
        """Expected CPU hours with their standard deviation, for people."""
        hours, sd = self.cpu_s / 3600, math.sqrt(self.variance) / 3600
        known = f"{hours:.1f} ± {sd:.1f} CPU hours" if self.cpu_s else ""
        names = ", ".join(f"{n} of {name}" for name, n in self.unknown.items())
        return " and ".join(
            p for p in (known, f"a cost not known for {names}" if names else "") if p
        )


def load_of(families: Iterable[Family], ledger: Ledger, laws: Mapping[Key, Law]) -> StudyLoad:
    """What some families take with what is known at present."""
    out = StudyLoad()
    for _, item in survey(families, ledger):
        count = item.count if isinstance(item, Waiting) else 1
        out.total += count
        if isinstance(item, Request) and ledger.finished(item):
            continue
        out.missing += count
        out.engines[item.engine] += count
        law = law_of(item, laws)
        if law is None:
            out.unknown[f"{item.engine} {item.protocol} {item.cost_kind}"] += count
            continue
        seconds = law.cpu(item.atoms or 36)
        out.cpu_s += count * seconds
        out.wall_s += count * seconds * law.wall
        out.variance += (count * seconds) ** 2 * math.expm1(law.scatter**2)
        out.memory_mb = max(out.memory_mb, law.memory_mb)
    return out


def chunk_load(
    config: Config,
    study: str,
    chunk: str | None,
    results: Path,
    costs: Path,
    *,
    keep: bool = False,
) -> StudyLoad:
    """What a chunk of a study takes, or all of it.

    Parameters
    ----------
    results
        Folder that holds the journals.
    costs
        Table of :mod:`defectra.campaign.costs`.
    keep
        Write it beside the plan, where it is read while nothing changes: for a run, which holds the
        lock of `results`. What only looks writes nothing.
    """
    store, archive = results / "store", archive_of(study, config)
    journals = [[p.name, p.stat().st_size] for p in sorted(store.glob(f"{study}-*.journal"))]
    asked = [part_for(config, study), files_for(config, study)]
    state = [*asked, archive.digest(), journals, texts(costs)]
    digest = hashlib.sha256(json.dumps(state).encode()).hexdigest()
    kept = results / "plan" / "studies" / f"{chunk or study}.json"
    try:
        data = json.loads(kept.read_text(encoding="utf-8"))
        if data.pop("digest") == digest:
            data |= {k: Counter(data[k]) for k in ("unknown", "engines")}
            return StudyLoad(**data)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    families = families_of(study, config, chunk)
    found = load_of(families, ledger_of(study, config, store), load_with_own(costs))
    if keep:
        write_bytes(kept, json.dumps(vars(found) | {"digest": digest}).encode())
    return found


def load_sentence(config: Config, study: str, found: StudyLoad) -> str:
    """What a study lacks, what that costs, and what stands in the way, in one sentence."""
    head = f"{study}: {found.missing} of {found.total} calculations are not computed"
    if not found.missing:
        return f"{study}: all {found.total} calculations are there"
    asked = requests_of(study)
    lacks = [ledger_sentence(name) for name in asked.engines(config) if found.engines[name]]
    ready = "; ".join(s for s in lacks if s)
    runs = getattr(config, study).chunks_to_compute() > 0
    if ready:
        then = f"they are left out: {ready}"
    else:
        then = "this run computes them" if runs else f"they are asked for by {asked.how}"
    return f"{head} ({found.cost()}); {then}"


def ledger_sentence(engine: str) -> str:
    """What an engine lacks on this machine; empty if nothing."""
    return engine_named(engine).available()


class StudyLoads(Asking[StudyLoad]):
    """What chunks of studies without manifests are asked for on a cluster, worked out when asked.

    Parameters
    ----------
    results
        Folder that holds the journals.
    costs
        Table of :mod:`defectra.campaign.costs`.
    is_run
        Tells, once the graph of jobs is built, whether this call runs jobs and may write.
    are_alike
        Tells whether all chunks ask for as much as the longest and the largest: tasks of a job
        array share the limits of its first (Slurm plugin 2.8).
    """

    def __init__(
        self,
        config: Config,
        results: Path,
        costs: Path,
        is_run: Callable[[], bool],
        are_alike: Callable[[], bool] = lambda: False,
    ) -> None:
        self.config, self.results, self.costs, self._is_run = config, results, costs, is_run
        self._are_alike = are_alike
        self.known: dict[str, StudyLoad] = {}

    def _asked(self, chunk: str) -> list[StudyLoad]:
        """Loads whose largest a chunk asks for."""
        studies = self.config.studies if self._are_alike() else []
        return [self[c] for c in {chunk, *(c for s in studies for c in self._chunks(s))}]

    def _chunks(self, study: str) -> list[str]:
        return chunks_to_compute(self.config, study)

    def threads(self, chunk: str) -> int:
        """Cores to ask for: one for each process that the launcher starts."""
        return max(load.processes for load in self._asked(chunk))

    def mpi(self) -> dict[str, Callable[[Any], int | str]]:
        """Resources by which a cluster gives one task to each process.

        None without a launcher (``DEFECTRA_<ENGINE>_LAUNCH``): such jobs are as all others.
        """
        if not any(LAUNCHER.fullmatch(name) and text for name, text in os.environ.items()):
            return {}
        return {
            "mpi": lambda wildcards: "launcher" if self.threads(wildcards.chunk) > 1 else "",
            "tasks": lambda wildcards: self.threads(wildcards.chunk),
            "cpus_per_task": lambda wildcards: 1,  # noqa: ARG005
        }

    def __getitem__(self, chunk: str) -> StudyLoad:
        if chunk not in self.known:
            where, study = (self.results, self.costs), study_of(chunk)
            self.known[chunk] = chunk_load(self.config, study, chunk, *where, keep=self._is_run())
        return self.known[chunk]
