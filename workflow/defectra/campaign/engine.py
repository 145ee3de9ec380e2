"""What every engine offers and gives back, and how it is found by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from defectra.campaign.request import Request
from defectra.core.engines import engine_folders, engine_module
from defectra.core.errors import ConfigError, meant
from defectra.core.records import Status


@dataclass(frozen=True)
class Parsed:
    """One spectrum as the engine gives it.

    Attributes
    ----------
    energy, mu, mu0
        Absolute energy (eV), absorption and atomic background (edge step = 1), shape (n,). Engines
        without a background give other units, and energies from the Fermi level: see their `parse`.
    efermi
        Fermi level on the relative axis of the engine, eV; of GPAW on the axis of `energy`.
    edge
        Absorption threshold: the absolute energy of the Fermi level (k = 0), eV; of GPAW that of
        the first transition.
    edge_step
        Absolute edge step, engine units: what scales L2 against L3.
    converged, iterations
        Self-consistency.
    """

    energy: NDArray[np.float64]
    mu: NDArray[np.float64]
    mu0: NDArray[np.float64]
    efermi: float
    edge: float
    edge_step: float
    converged: bool
    iterations: int


@dataclass
class Outcome:
    """What became of one calculation.

    Attributes
    ----------
    calculation_id
        SHA-256 of the input of the first attempt: the identity of what was asked.
    inputs_sha256
        SHA-256 of the input that was run in the end (other mixing in a second attempt).
    files
        Raw outputs that can be parsed again.
    parsed
        The spectrum, if the run has read it itself; else it is read from `files`.
    spent
        What a killed run would have gone on from: removed once the outcome is on the disk
        (:meth:`defectra.campaign.ledger.Ledger.take`).
    """

    calculation_id: str
    status: Status = Status.FAILED
    attempt: int = 1
    error_class: str = ""
    message: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    max_rss_mb: float = 0.0
    shared_from: str = ""
    inputs_sha256: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    parsed: Parsed | None = None
    spent: Path | None = None


class Engine(Protocol):
    """One program that computes, whatever its results are.

    ``engines/<engine>/engine.py`` names its engines in ``ENGINES``; how a request is made is the
    engine's own (a site and an edge, a cell and its steps, a host). What `run` leaves and a run
    made elsewhere are read by the same `read`.
    """

    @property
    def ENGINE(self) -> str:  # noqa: N802
        """Name in the tables."""

    @property
    def PARSER_VERSION(self) -> str:  # noqa: N802
        """Version of `read`."""

    @property
    def KEEPS_FOLDER(self) -> bool:  # noqa: N802
        """Whether runs have a folder that outlives the process: a killed one goes on there."""

    def run(self, request: Request, folder: Path | None) -> Outcome:
        """Compute one request; what went wrong is in the outcome."""

    def read(self, files: Mapping[str, bytes]) -> Any:
        """Result of kept raw outputs.

        Raises
        ------
        EngineError
            If they are missing, cut off, or hold no result.
        """

    def version(self) -> str:
        """Name and version of the program; empty if it is not there."""

    def available(self) -> str:
        """Empty, or the sentence that says what is missing and how to get it."""

    def finished(self, row: Mapping[str, Any], files: Mapping[str, bytes] | None) -> bool:
        """Whether what became of a calculation is decided, so that it is not computed again.

        Parameters
        ----------
        row
            ``status``, ``error_class`` and more of :func:`defectra.campaign.rows.accounting`.
        files
            Raw outputs that were kept; None of a row of an archive, which keeps none.
        """


@runtime_checkable
class BatchEngine(Protocol):
    """An engine that serves several requests at once: one start, or shared potentials."""

    @property
    def ONE_START(self) -> bool:  # noqa: N802
        """Whether one start of the program serves all, so that they fail together."""

    def run_batch(
        self, requests: Sequence[Request], folder: Path | None
    ) -> Iterator[tuple[Request, Outcome]]:
        """Compute all; gives each outcome as soon as it is there."""


@runtime_checkable
class RetryingEngine(Protocol):
    """An engine with a second attempt of other settings, which are no part of the identity."""

    def superseded(self, request: Request, row: Mapping[str, Any]) -> bool:
        """Whether a last attempt failed under settings that are not those of the request."""


@runtime_checkable
class ParallelEngine(Protocol):
    """An engine whose program is started on several processes (MPI)."""

    def processes(self) -> int:
        """How many, as its launcher says on this machine."""


def processes_of(engine: Engine) -> int:
    """Processes on which one calculation of an engine runs."""
    return engine.processes() if isinstance(engine, ParallelEngine) else 1


def serves_batches(engine: Engine) -> BatchEngine | None:
    """The engine, if it serves several requests at once.

    Looked at by one name: `isinstance` of a Protocol takes 0.02 ms for each calculation.
    """
    return cast(BatchEngine, engine) if hasattr(engine, "run_batch") else None


def run_all(
    engine: Engine, requests: Sequence[Request], work: Path
) -> Iterator[tuple[Request, Outcome]]:
    """Outcomes of requests of one engine, as they come.

    Parameters
    ----------
    work
        Folder of what a killed run left half done: ``<work>/<engine>/<start of the id>``.
    """

    def folder(request: Request) -> Path | None:
        name = request.calculation_id[:16]
        return work / engine.ENGINE / name if engine.KEEPS_FOLDER else None

    if (together := serves_batches(engine)) is not None:
        yield from together.run_batch(requests, folder(requests[0]))
        return
    for request in requests:
        yield request, engine.run(request, folder(request))


@cache
def engines_of(folder: str) -> Mapping[str, Engine]:
    """Engines of one folder, by name."""
    module = import_module(engine_module(folder))
    return cast(Mapping[str, Engine], module.ENGINES)


def engine_names() -> list[str]:
    """All engines, sorted."""
    return sorted(name for folder in engine_folders() for name in engines_of(folder))


@cache
def engine_named(name: str) -> Engine:
    """Engine by name.

    Raises
    ------
    ConfigError
        For a name that is none; the message lists all.
    """
    fits = [f for f in engine_folders() if name == f or name.startswith(f + "_")]
    known = engines_of(max(fits, key=len)) if fits else {}
    if name not in known:
        names = engine_names()
        raise ConfigError(f"no engine {name!r}{meant(name, names)}; there are {', '.join(names)}")
    return known[name]
