"""One site of one geometry in one engine: rows of the tables, failures with their reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from defectra.campaign.engine import Outcome, Parsed
from defectra.campaign.rows import accounting, blank_row, result, spectrum_row
from defectra.core.errors import EngineError
from defectra.core.records import Status

Row = dict[str, Any]


class Runner(Protocol):
    """One absorber of one geometry; `protocol` is of the engine's own kind."""

    def inputs(self, edge: str, protocol: Any) -> dict[str, str]:
        """Input files by name."""

    def identity(self, edge: str, protocol: Any) -> str:
        """`calculation_id` of an edge."""

    def run(self, edge: str, protocol: Any, folder: Path | None = None) -> Outcome:
        """Compute one edge; what is kept of it is in `folder`."""


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


def compute(
    engine: SingleEngine,
    geometry: Mapping[str, Any],
    index: int,
    edge: str,
    protocol: tuple[str, Any],
    folder: Path | None = None,
) -> tuple[Row, Row | None]:
    """Run one edge of one site: its calculations row, and its spectra row if there is one.

    Parameters
    ----------
    geometry, index
        Geometries row and the absorbing site in it.
    protocol
        Name and settings.
    folder
        Of the run; see :class:`Runner`.
    """
    name, settings = protocol
    runner = engine.site(geometry, index)
    base = _asked(engine, geometry, index, edge, name)
    outcome = runner.run(edge, settings, folder)
    row = base | accounting(outcome, _version(engine))
    if outcome.status is Status.FAILED:
        return row, None
    try:
        found = outcome.parsed or engine.parse(outcome.files)
    except EngineError as error:
        kind, why = outcome.error_class or error.error_class, outcome.message or str(error)
        return row | {"status": str(Status.FAILED), "error_class": kind, "message": why}, None
    told = result(found, engine.PARSER_VERSION)
    return row | told, spectrum_row(outcome.calculation_id, found)


def _asked(
    engine: SingleEngine, geometry: Mapping[str, Any], index: int, edge: str, protocol: str
) -> Row:
    site = geometry["site_labels"][index]
    return blank_row() | {
        "geometry_id": geometry["geometry_id"],
        "structure_id": geometry["structure_id"],
        "engine": engine.ENGINE,
        "protocol": protocol,
        "geometry_protocol": geometry["protocol"],
        "element": geometry["species"][index],
        "edge": edge,
        "site": site,
        "multiplicity": list(geometry["site_labels"]).count(site),
    }


def _version(engine: SingleEngine) -> str:
    try:
        return engine.engine_version()
    except EngineError:
        return ""
