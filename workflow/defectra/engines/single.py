"""What an engine of spectra offers for one absorber: write inputs, run, parse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from defectra.campaign.engine import Outcome, Parsed


class Runner(Protocol):
    """One absorber of one geometry; `protocol` is of the engine's own kind."""

    def inputs(self, edge: str, protocol: Any) -> dict[str, str]:
        """Input files by name."""

    def identity(self, edge: str, protocol: Any) -> str:
        """`calculation_id` of an edge."""

    def run(self, edge: str, protocol: Any, folder: Path | None = None) -> Outcome:
        """Compute one edge; what is kept of it is in `folder`."""


@runtime_checkable
class SecondAttempt(Protocol):
    """A runner whose second attempt has other settings than the first."""

    def last_input(self, edge: str, protocol: Any) -> str:
        """SHA-256 of the input of the second attempt."""


class SingleEngine(Protocol):
    """A module or a program that computes single sites: write inputs, run, parse."""

    @property
    def ENGINE(self) -> str:  # noqa: N802
        """Name in the tables."""

    @property
    def PARSER_VERSION(self) -> str:  # noqa: N802
        """Version of the parser."""

    def engine_version(self) -> str:
        """Name and version of the program."""

    def site(self, geometry: Mapping[str, Any], index: int) -> Runner:
        """Runner of site `index` of a geometries row."""

    def parse(self, files: Mapping[str, bytes]) -> Parsed:
        """Read the raw outputs."""
