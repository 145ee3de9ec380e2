"""Compute what is missing: the one implementation, for every engine of every study."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from defectra.campaign.chunk_state import ChunkState, read_state, write_state
from defectra.campaign.engine import Engine, Outcome, run_all, serves_batches
from defectra.campaign.ledger import Ledger
from defectra.campaign.node import Guard
from defectra.campaign.request import Family, Request, Row, Waiting, batch_of
from defectra.campaign.verdict import is_machine
from defectra.core.errors import EngineError, StoreError
from defectra.core.records import Status


@dataclass
class Counts:
    """What was asked for and what became of it.

    Attributes
    ----------
    total, known
        Calculations of all chains, and those that were finished before.
    computed, failed
        In this start: run, and of these not ended well.
    stopped
        Of the computed ones, those that the machine may have stopped.
    fresh
        Of the computed ones, those that the progress counts.
    waiting
        Calculations that wait for others, or cannot be made.
    lacking
        Calculations that are left out, by the sentence that says which program is missing.
    without
        The same by the name of the engine.
    """

    total: int = 0
    known: int = 0
    computed: int = 0
    failed: int = 0
    stopped: int = 0
    fresh: int = 0
    waiting: int = 0
    lacking: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)

    def sentences(self) -> list[str]:
        """What was left out, for people."""
        return [f"{n} calculations are left out: {why}" for why, n in self.lacking.items()]


def survey(
    families: Iterable[Family], ledger: Ledger
) -> Iterator[tuple[Family, Request | Waiting]]:
    """Every calculation that is asked for, with what is known at present; nothing is computed."""
    for family in families:
        for item in family.chain(ledger):
            if isinstance(item, Waiting):
                yield family, item
            for request in batch_of(item):
                yield family, request


def complete(
    families: Iterable[Family],
    ledger: Ledger,
    work: Path,
    counts: Counts,
) -> Iterator[tuple[Request, Row]]:
    """Compute what the ledger lacks, family by family; gives each calculation once it is durable.

    Parameters
    ----------
    ledger
        A journal of it is held (:meth:`Ledger.writing`).
    work
        Folder of what a killed run left half done.
    counts
        Is counted up.

    Returns
    -------
    Request and accounting of each calculation that was run in this start.

    Raises
    ------
    NodeError
        If calculations fail in a row because of the machine, or all of few because of the node.
    """
    lacks: dict[str, str] = {}
    guard = Guard()
    for family in families:
        for item in family.chain(ledger):
            if isinstance(item, Waiting):
                counts.waiting += item.count
                continue
            batch = batch_of(item)
            missing = list({r.calculation_id: r for r in batch if not ledger.holds(r)}.values())
            counts.total += len(batch)
            counts.known += len(batch) - len(missing)
            yield from _run(missing, ledger, work, counts, lacks, guard)
    guard.end()


def _run(
    missing: list[Request],
    ledger: Ledger,
    work: Path,
    counts: Counts,
    lacks: dict[str, str],
    guard: Guard,
) -> Iterator[tuple[Request, Row]]:
    """Run one batch, engine by engine."""
    for name in dict.fromkeys(r.engine for r in missing):
        own, engine = [r for r in missing if r.engine == name], ledger.engines(name)
        if name not in lacks:
            lacks[name] = engine.available()
        if lacks[name]:
            counts.lacking[lacks[name]] += len(own)
            counts.without[name] += len(own)
            continue
        batches = serves_batches(engine)
        together = batches is not None and batches.ONE_START
        for request, outcome in _outcomes(engine, own, work):
            before = ledger.stopped(request)
            row = ledger.take(request, outcome)
            counts.computed += 1
            counts.failed += row["status"] == Status.FAILED
            counts.stopped += is_machine(row["error_class"])
            yield request, row
            if not together or request is own[0]:
                guard.see(row, before=before)


def _outcomes(
    engine: Engine, requests: list[Request], work: Path
) -> Iterator[tuple[Request, Outcome]]:
    """Outcomes; what the machine refuses even before the engine starts is an outcome as well."""
    done: set[str] = set()
    try:
        for request, outcome in run_all(engine, requests, work):
            done.add(request.calculation_id)
            yield request, outcome
    except (OSError, MemoryError, StoreError) as error:
        rest = [r for r in requests if r.calculation_id not in done]
        text = f"{type(error).__name__}: {error}"
        if not rest:
            raise
        yield rest[0], Outcome(rest[0].calculation_id, error_class="not_started", message=text)


def computed(families: Iterable[Family], ledger: Ledger, journal: Path) -> Ledger:
    """Complete families in a journal, all or nothing; the ledger, which then knows them.

    Parameters
    ----------
    ledger
        One that knows nothing computes past the archive, but for what `journal` holds.

    Raises
    ------
    EngineError
        ``engine_missing``, with the sentence of the engine that is not there.
    """
    counts = Counts()
    with ledger.writing(journal):
        for _ in complete(families, ledger, journal.parent, counts):
            pass
    if counts.lacking:
        raise EngineError("engine_missing", next(iter(counts.lacking)))
    return ledger


class Progress:
    """Progress file of a chunk, written at most once a second.

    Parameters
    ----------
    total, missing
        Calculations of the chunk, and those of them that are to be computed.
    weight
        What all missing ones weigh together, in a unit of its own.
    """

    def __init__(self, path: Path, total: int, missing: int, weight: float) -> None:
        self.path, self.total, self.missing, self.weight = path, total, missing, weight
        self.started, self._shown, self._done = time.time(), 0.0, 0.0
        self.expected_s = self._announced() or weight

    def _announced(self) -> float:
        """What the run, or a start before, expected to be left; 0: unknown."""
        try:
            return read_state(self.path).left_s
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    def show(self, fresh: int, weight: float = 0.0, *, last: bool = False) -> None:
        """Tell that `fresh` calculations were computed in this start; the last weighs `weight`."""
        self._done += weight
        if not last and time.monotonic() - self._shown < 1.0:
            return
        self._shown = time.monotonic()
        done = self.total if last else min(self.total, self.total - self.missing + fresh)
        share = 1.0 if last or self.weight <= 0 else min(self._done / self.weight, 0.999)
        left = self.expected_s * (1 - share)
        times = self.started, time.time()
        write_state(self.path, ChunkState(done, self.total, fresh, *times, self.expected_s, left))
