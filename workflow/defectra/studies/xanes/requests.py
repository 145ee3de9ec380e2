"""What study `xanes` asks for: each site of its archive at every fidelity (engine, protocol)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Chain, Family, Item, Known, Request, Row
from defectra.campaign.spectra import spectrum_kind
from defectra.campaign.studies import StudyRequests, read_parsed
from defectra.core.config import Config
from defectra.core.errors import EngineError
from defectra.core.folder_digest import digest_once
from defectra.core.paths import PROJECT
from defectra.core.project_files import archive_parts
from defectra.core.protocols import Protocols
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA
from defectra.core.store import Archive
from defectra.engines.spectrum import SpectrumEngine, protocol_of, spectrum_engine
from defectra.studies.xanes.settings import FidelityLevels

Site = tuple[str, str, str]  # geometry, site, edge


def sites(archive: Archive) -> list[Site]:
    """Sites of which an archive holds a calculation."""
    return sorted({(r["geometry_id"], r["site"], r["edge"]) for r in archive.read(CALCULATIONS)})


class FidelityRequests:
    """Requests of one site at several fidelities.

    Parameters
    ----------
    settings, protocols
        Which fidelities, and the current protocols.
    cells
        Geometries rows by id.
    engines
        Gives an engine of spectra by its name.
    """

    def __init__(
        self,
        settings: FidelityLevels,
        protocols: Protocols,
        cells: Mapping[str, Row],
        engines: Any = spectrum_engine,
    ) -> None:
        self.settings, self.protocols, self.cells = settings, protocols, cells
        self.engines = engines

    def request(self, fidelity: str, site: Site) -> Request | None:
        """Request of a fidelity (``feff fast``); None if its engine cannot compute this edge."""
        name, protocol = fidelity.split()
        engine: SpectrumEngine = self.engines(name)
        cell = self.cells[site[0]]
        settings = protocol_of(engine, protocol, self.protocols)
        absorber = engine.site(cell, cell["site_labels"].index(site[1]))
        try:
            return absorber.request(site[2], (protocol, settings))
        except EngineError:
            return None

    def families(self, wanted: Sequence[Site]) -> Iterator[Family]:
        """A family for each site; its fidelities share nothing, so that costs can be compared."""
        for site in wanted:
            yield Family(" ".join(site), self._chain(site))

    def _chain(self, site: Site) -> Chain:
        def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
            for fidelity in self.settings.rungs:
                request = self.request(fidelity, site)
                if request is not None:
                    yield request

        return chain


def fidelity_rows(
    requests: FidelityRequests, ledger: Ledger, shipped: Archive
) -> tuple[list[Row], list[Row]]:
    """Calculations and spectra of the comparison: archived ones, parsed ones, own runs.

    With `live: all` the archive is left out. If a site was computed repeatedly at one fidelity, the
    calculation that matches the current protocol is taken.
    """
    found = {r["calculation_id"]: r for r in shipped.read(CALCULATIONS)}
    curves = {s["calculation_id"]: s for s in shipped.read(SPECTRA)}
    wanted = sites(shipped)
    if requests.settings.live == "all":
        found, curves = {}, {}
    asked = [
        r for site in wanted for x in requests.settings.rungs if (r := requests.request(x, site))
    ]
    for request in asked:
        result = ledger.result(request) if ledger.finished(request) else None
        if result is not None and result.beside:
            found.setdefault(request.calculation_id, result.row)
            curves.setdefault(request.calculation_id, result.beside[SPECTRA.name])
    return _current(list(found.values()), asked, requests.settings), list(curves.values())


def _current(rows: Sequence[Row], asked: Sequence[Request], settings: FidelityLevels) -> list[Row]:
    """Rows; where a fidelity was computed repeatedly, only what matches the current protocol."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for row in rows:
        fidelity = f"{row['engine']} {row['protocol']}"
        key = (row["geometry_id"], row["site"], row["edge"], fidelity)
        groups.setdefault(key, []).append(row["calculation_id"])
    current = {request.calculation_id for request in asked}
    several = [(k, v) for k, v in groups.items() if len(v) > 1 and k[3] in settings.rungs]
    old = {name for _, names in several for name in names if name not in current}
    return [row for row in rows if row["calculation_id"] not in old]


def families(config: Config) -> Iterator[Family]:
    """Every site of the archive of the comparison."""
    archive = Archive(PROJECT / config.xanes.ladder.archive)
    cells = {g["geometry_id"]: g for g in archive.read(GEOMETRIES)}
    yield from FidelityRequests(config.xanes.ladder, config.protocols, cells).families(
        sites(archive)
    )


def _part(config: Config) -> Mapping[str, Any]:
    part = config.xanes.ladder.model_dump(mode="json")
    used = {}
    for name in {fidelity.split()[0] for fidelity in config.xanes.ladder.rungs}:
        table = spectrum_engine(name).protocols
        known = getattr(config.protocols, table)
        used[table] = {k: v.model_dump(mode="json") for k, v in known.items()}
    return {"xanes": {"ladder": part}, "protocols": used}


def _files(config: Config) -> dict[str, str]:
    """The archive, whose sites are asked for, and the folders of finished runs."""
    ladder = config.xanes.ladder
    tables = (CALCULATIONS.name, GEOMETRIES.name)
    return {
        "archive": archive_parts(ladder.archive, *tables),
        "parsed": digest_once(tuple(ladder.parsed)),
    }


REQUESTS = StudyRequests(
    kinds=(spectrum_kind(),),
    families=families,
    archive=lambda config: str(config.xanes.ladder.archive),
    shards=lambda config: int(config.xanes.ladder.shards),
    engines=lambda config: sorted({fidelity.split()[0] for fidelity in config.xanes.ladder.rungs}),
    part=_part,
    files=_files,
    how="xanes.ladder.live: missing",
    pairs=lambda archive: archive.read(CALCULATIONS),
    parsed=lambda config: read_parsed(config.xanes.ladder.parsed),
)
