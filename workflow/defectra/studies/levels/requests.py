"""What study `levels` asks for: hosts first, then charged cells made with their lattice constants.

A family is a host: its phases, its own run, and the sets of its defects, one batch for each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from defectra.campaign.costs import Measured
from defectra.campaign.ledger import Finished, Kind, Result
from defectra.campaign.request import Chain, Family, Item, Known, Request, Row, Waiting
from defectra.campaign.studies import StudyRequests
from defectra.core.config import Config
from defectra.core.paths import PROJECT
from defectra.core.project_files import project_files
from defectra.core.records import Status
from defectra.core.store import Archive
from defectra.engines.gpaw.charged_cells import CELL, ENGINE, HOST
from defectra.engines.gpaw.engine import CHARGED
from defectra.engines.gpaw.settings import GpawLevelsProtocol
from defectra.structures.elements import is_compound
from defectra.studies.levels.hosts import read_hosts, static_ratios
from defectra.studies.levels.inputs import (
    DefectSet,
    by_protocol,
    host_requests,
    protocol_of,
    read_sets,
    set_phases,
    set_requests,
)
from defectra.studies.levels.sets import CORRECTIONS, Tables, correction_rows, hosts_by_name
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS, cell_row, host_row

RELAXED = "relaxed cell"  # to the cost model
Json = dict[str, Any]
Properties = Mapping[str, Mapping[str, float]]
Protocols = Mapping[str, GpawLevelsProtocol]


def host_result(request: Request, found: Finished) -> Result:
    """Row of a host; of a failure its accounting."""
    if found.row["status"] == Status.FAILED:
        return Result(_failure(request, found))
    return Result(host_row(CHARGED.read(found.files)))


def cell_result(request: Request, found: Finished) -> Result:
    """Row of a charged cell, a bulk cell or a phase; of a failure its accounting."""
    if found.row["status"] == Status.FAILED:
        return Result(_failure(request, found))
    return Result(cell_row(CHARGED.read(found.files)))


def _failure(request: Request, found: Finished) -> Row:
    return {"calculation_id": request.calculation_id, **found.row}


def typed(found: Finished) -> tuple[str, Row]:
    """Kind and row of a result as the journal holds it: it names what was asked."""
    record = CHARGED.read(found.files)
    if record["request"]["kind"] == "host":
        return HOST, host_row(record)
    return CELL, cell_row(record)


def chain_of(
    host: str,
    sets: Sequence[DefectSet],
    protocols: Protocols,
    properties: Properties,
    phases: Sequence[tuple[DefectSet, Iterable[Json]]] = (),
) -> Chain:
    """Chain of one host.

    Parameters
    ----------
    sets
        Sets of this host, of one or several protocols.
    protocols
        Protocols by name; those that no set names are for the host alone.
    phases
        Requests of elements and competing phases, and the set whose settings they have.
    """

    def asked(request: Json, name: str, about: Mapping[str, Any]) -> Request:
        labels = {**about, "kind": cost_kind(request)}
        return CHARGED.request(request, (name, protocols[name].timeout_s), labels)

    def chain(known: Known) -> Iterator[Item]:
        for chosen, requests in phases:
            yield [asked(r, chosen.protocol, {"phase": chosen.name}) for r in requests]
        for name, some in by_protocol(sets).items() or ((n, []) for n in protocols):
            own = host_requests([host], properties, protocols[name])[host]
            first = asked(own, name, {"host": host})
            yield first
            row = known(first)
            if row is None or row["status"] == Status.FAILED:
                yield from (_waiting(chosen, name, protocols[name]) for chosen in some)
                continue
            for chosen in some:
                requests = set_requests(chosen, row["lattice_A"], protocols[name])
                yield [asked(r, name, {"set": chosen.name}) for r in requests]

    return chain


def cost_kind(request: Json) -> str:
    """What a calculation is to the cost model: relaxed cells take many times as long."""
    if request["kind"] == "host":
        return HOST
    return RELAXED if "fmax" in request else CELL


def _waiting(chosen: DefectSet, name: str, protocol: GpawLevelsProtocol) -> Waiting:
    message = f"waits for the lattice constant of {chosen.host}"
    about = {"set": chosen.name, "kind": RELAXED if protocol.fmax else CELL}
    count = 1 + len(chosen.charges)
    return Waiting(ENGINE, name, CELL, message, count, about=about, atoms=chosen.atoms)


def set_families(
    sets: Sequence[DefectSet], protocols: Protocols, properties: Properties
) -> list[Family]:
    """Families of sets, hosts in the order of the sets.

    Raises
    ------
    TableError
        If a set names a protocol that there is not.
    """
    used = {chosen.protocol: protocol_of(chosen, protocols) for chosen in sets}
    hosts = dict.fromkeys(chosen.host for chosen in sets)
    own = {h: [chosen for chosen in sets if chosen.host == h] for h in hosts}
    return [Family(h, chain_of(h, own[h], used, properties)) for h in hosts]


def families(config: Config) -> Iterator[Family]:
    """Every host with its sets and phases; hosts without a set last, IV-IV ones at the end."""
    settings, protocols = config.levels.live, config.protocols.gpaw_levels
    sets = read_sets(PROJECT / settings.sets)
    properties = read_hosts(PROJECT / config.levels.hosts)
    for family in set_families(sets, protocols, properties):
        own = [s for s in sets if s.host == family.name]
        used = {s.protocol: protocols[s.protocol] for s in own}
        phases = [
            (s, set_phases(s, PROJECT / settings.phases, protocol_of(s, protocols)).values())
            for s in own
            if s.name in settings.formation
        ]
        yield Family(family.name, chain_of(family.name, own, used, properties, phases))
    if settings.all_hosts:
        default = {settings.protocol: protocols[settings.protocol]}
        others = properties.keys() - {s.host for s in sets}
        for host in sorted(sorted(others), key=lambda h: not is_compound(h)):
            yield Family(host, chain_of(host, [], default, properties))


def _measured(archive: Archive) -> Iterator[Measured]:
    """What the archived hosts and cells took; their protocol is that of the request's settings."""
    for table in (HOST_RUNS, CELL_RUNS):
        for row in archive.read(table):
            request = json.loads(row["request"])
            key = (ENGINE, "", cost_kind(request))
            yield Measured(key, len(request["species"]), row["cpu_s"], row["wall_s"], 0.0)


def _part(config: Config) -> Json:
    settings = config.levels.live.model_dump(mode="json")
    return {
        "levels": {"live": settings, "hosts": config.levels.hosts},
        "protocols": {ENGINE: {k: v.model_dump() for k, v in config.protocols.gpaw_levels.items()}},
    }


def _files(config: Config) -> dict[str, str]:
    live = config.levels.live
    return project_files(sets=live.sets, hosts=config.levels.hosts, phases=live.phases)


def _corrections(config: Config, archive: Archive) -> None:
    """Add the finite-size corrections of all sets whose cells are there; needs the library."""
    settings, protocols = config.levels.live, config.protocols.gpaw_levels
    tables = Tables(
        hosts_by_name(archive.read(HOST_RUNS)),
        {r["calculation_id"]: r for r in archive.read(CELL_RUNS)},
        {r["calculation_id"]: r for r in archive.read(CORRECTIONS)},
        static_ratios(read_hosts(PROJECT / config.levels.hosts)),
    )
    archive.add(correction_rows(read_sets(PROJECT / settings.sets), tables, protocols), CORRECTIONS)


REQUESTS = StudyRequests(
    kinds=(
        Kind(HOST, HOST_RUNS, host_result, engine=ENGINE),
        Kind(CELL, CELL_RUNS, cell_result, engine=ENGINE),
    ),
    families=families,
    archive=lambda config: str(config.levels.live.archive),
    shards=lambda config: int(config.levels.live.shards),
    engines=lambda config: (ENGINE,),  # noqa: ARG005
    part=_part,
    files=_files,
    measured=_measured,
    how="levels.live.complete: true",
    derived=_corrections,
)
