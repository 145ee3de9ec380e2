"""Engines of spectra: one absorber of one geometry, behind the protocol of all engines.

:class:`SpectrumEngine` makes requests of what an engine's module or a program of the user's own
offers for single sites (:class:`defectra.engines.single.SingleEngine`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from defectra.campaign.engine import Outcome, Parsed, engine_named, engine_names
from defectra.campaign.ledger import Finished, Result
from defectra.campaign.request import Request
from defectra.campaign.rows import accounting
from defectra.campaign.spectra import SPECTRUM, labels, spectrum_result
from defectra.core.errors import ConfigError, EngineError, meant
from defectra.core.protocols import Protocols, spectra_engines
from defectra.core.records import Status
from defectra.engines.single import Runner, SecondAttempt, SingleEngine
from defectra.engines.verdict import has_proof, is_finished

PARSED = "spectrum.json"  # kept of a run that was read in its folder, instead of raw outputs


@dataclass(frozen=True)
class Site:
    """One absorber of one geometry, whose requests share what can be shared.

    Attributes
    ----------
    engine
        Name of the engine.
    runner
        What writes inputs and runs.
    geometry, index
        Geometries row and the absorbing site in it.
    """

    engine: str
    runner: Runner
    geometry: Mapping[str, Any]
    index: int

    def request(
        self, edge: str, protocol: tuple[str, Any], about: Mapping[str, Any] | None = None
    ) -> Request:
        """Request of one edge.

        Parameters
        ----------
        protocol
            Name and settings.
        about
            Labels; by default those of the geometry.

        Raises
        ------
        EngineError
            If the engine cannot compute it: an unknown edge or element.
        """
        name, settings = protocol
        return Request(
            self.engine,
            name,
            self.runner.identity(edge, settings),
            {"site": self, "edge": edge, "settings": settings},
            SPECTRUM,
            labels(self.geometry, self.index, edge) if about is None else about,
            len(self.geometry["species"]),
        )


class SpectrumEngine:
    """An engine of spectra.

    Parameters
    ----------
    single
        Module or program that computes one site.
    keeps_folder
        Whether runs have a folder that outlives the process.
    """

    def __init__(self, single: SingleEngine, *, keeps_folder: bool = False) -> None:
        self.single, self.KEEPS_FOLDER = single, keeps_folder
        self.protocols = spectra_engines().get(single.ENGINE, single.ENGINE)
        self.ENGINE, self.PARSER_VERSION = single.ENGINE, single.PARSER_VERSION

    ONE_START = False

    def site(self, geometry: Mapping[str, Any], index: int) -> Site:
        """One absorber, of which requests are made; `index` in the geometries row."""
        return Site(self.ENGINE, self.single.site(geometry, index), geometry, index)

    def run(self, request: Request, folder: Path | None) -> Outcome:
        """Compute one edge."""
        asked = request.input
        out = _runner(request).run(asked["edge"], asked["settings"], folder)
        if out.parsed is not None and not out.files:
            out.files = {PARSED: _packed(out.parsed)}
        return out

    def run_batch(
        self, requests: Sequence[Request], folder: Path | None
    ) -> Iterator[tuple[Request, Outcome]]:
        """Compute edges of one site one after another: their runner shares potentials."""
        for request in requests:
            yield request, self.run(request, folder)

    def read(self, files: Mapping[str, bytes]) -> Parsed:
        """Spectrum of kept raw outputs; see the `parse` of the engine."""
        return _unpacked(files[PARSED]) if PARSED in files else self.single.parse(files)

    def result(self, request: Request, outcome: Outcome) -> Result:
        """Rows of what became of a calculation."""
        found = Finished(accounting(outcome, self.version()), outcome.files)
        return spectrum_result(request, found, self)

    def version(self) -> str:
        """Name and version of the program; empty if it is not there."""
        try:
            return self.single.engine_version()
        except EngineError:
            return ""

    def available(self) -> str:
        """Empty, or the sentence that says what is missing and how to get it."""
        try:
            self.single.engine_version()
        except EngineError as error:
            return str(error)
        return ""

    def finished(self, row: Mapping[str, Any], files: Mapping[str, bytes] | None) -> bool:
        """Whether what became of a calculation is decided."""
        if files is None or has_proof(self.ENGINE):
            return is_finished(self.ENGINE, row, files)
        return is_finished(self.ENGINE, row, None) and self._reads(files)

    def superseded(self, request: Request, row: Mapping[str, Any]) -> bool:
        """Whether another last attempt is asked for than the one that failed."""
        runner = _runner(request)
        if row["status"] == Status.OK or int(row["attempt"]) < 2:
            return False
        if not isinstance(runner, SecondAttempt):
            return False
        asked = runner.last_input(request.input["edge"], request.input["settings"])
        return bool(row["inputs_sha256"] != asked)

    def _reads(self, files: Mapping[str, bytes]) -> bool:
        try:
            self.read(files)
        except EngineError:
            return False
        return True


def _packed(found: Parsed) -> bytes:
    arrays = {k: getattr(found, k).tolist() for k in ("energy", "mu", "mu0")}
    return json.dumps({**asdict(found), **arrays}).encode()


def _unpacked(data: bytes) -> Parsed:
    """Spectrum that :func:`_packed` kept.

    Raises
    ------
    EngineError
        ``truncated_output``.
    """
    try:
        found = json.loads(data)
        arrays = {k: np.array(found[k], float) for k in ("energy", "mu", "mu0")}
        return Parsed(**{**found, **arrays})
    except (ValueError, KeyError, TypeError) as error:
        text = f"{PARSED} cannot be read ({error})"
        raise EngineError("truncated_output", text) from None


def _runner(request: Request) -> Runner:
    site: Site = request.input["site"]
    return site.runner


def programs_of_spectra() -> dict[str, SpectrumEngine]:
    """All engines of spectra but the one without physics, by name."""
    found = {name: engine_named(name) for name in spectra_engines() if name != "synthetic"}
    return {name: e for name, e in found.items() if isinstance(e, SpectrumEngine)}


def spectrum_engine(name: str) -> SpectrumEngine:
    """Engine of spectra by name.

    Raises
    ------
    ConfigError
        If there is none of the name, or it gives no spectra; the message lists those that do.
    """
    engine = engine_named(name) if name in engine_names() else None
    if isinstance(engine, SpectrumEngine):
        return engine
    known = programs_of_spectra()
    what = "gives no spectra" if engine else "is not known"
    raise ConfigError(
        f"engine {name!r} {what}{meant(name, known)}; these give spectra: {', '.join(known)}"
    )


def protocol_of(engine: SpectrumEngine, name: str, known: Protocols) -> Any:
    """Settings of a protocol of an engine.

    Raises
    ------
    ConfigError
        For a name that is none.
    """
    table = getattr(known, engine.protocols)
    if name not in table:
        raise ConfigError(
            f"engine {engine.ENGINE}: no protocol {name!r}{meant(name, table)}; "
            f"allowed: {', '.join(table)}"
        )
    return table[name]
