"""What every engine of spectra offers, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from defectra.errors import ConfigError
from defectra.records import Status

# Failures of the machine, not of the physics: tried again at the next start.
TRIED_AGAIN = ("timeout", "signal", "out_of_memory", "geometry_missing", "engine_missing")


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


class SiteRunner(Protocol):
    """One absorber of one geometry; `protocol` is of the engine's own kind."""

    def identity(self, edge: str, protocol: Any) -> str:
        """`calculation_id` of an edge."""

    def run(self, edge: str, protocol: Any) -> Outcome:
        """Compute one edge."""


class Engine(Protocol):
    """A module of this package that computes spectra."""

    ENGINE: str
    PARSER_VERSION: str

    def engine_version(self) -> str:
        """Name and version of the program."""

    def site(self, geometry: Mapping[str, Any], index: int) -> SiteRunner:
        """Runner of site `index` of a geometries row."""

    def parse(self, files: Mapping[str, bytes]) -> Parsed:
        """Read the raw outputs."""


def engine_named(name: str) -> Engine:
    """Engine by name.

    Raises
    ------
    ConfigError
        If there is no such engine.
    """
    if name == "feff":
        from defectra.engines import feff

        return feff
    if name == "synthetic":
        from defectra.engines import synthetic

        return synthetic
    raise ConfigError(f"engine {name!r} is not known; allowed: feff, synthetic")
