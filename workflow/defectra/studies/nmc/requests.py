"""What study `nmc` asks for: edges of sites in geometries that may have to be relaxed first.

A family of the spine is a structure; all of a fully lithiated parent share a chunk, since its
relaxed cell serves them all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict

from defectra.campaign.parameters import worker_settings
from defectra.campaign.request import Chain, Family, Item, Known, Request, Waiting
from defectra.campaign.spectra import SPECTRUM, spectrum_kind
from defectra.campaign.studies import StudyRequests, read_parsed
from defectra.core.config import Config
from defectra.core.errors import EngineError
from defectra.core.protocols import protocols_model, spectra_engines
from defectra.core.records import Status
from defectra.engines.chgnet.settings import ChgnetProtocol
from defectra.engines.relaxation import GEOMETRY_KIND, RelaxationProtocol
from defectra.engines.sevennet.settings import SevennetProtocol
from defectra.engines.spectrum import SpectrumEngine, spectrum_engine
from defectra.studies.nmc.geometries import Geometries
from defectra.studies.nmc.manifests import wanted

Row = dict[str, Any]
KINDS = (spectrum_kind(), GEOMETRY_KIND)


class Settings(BaseModel):
    """What decides the numbers of a chunk: the resolved protocols and how to get geometries."""

    model_config = ConfigDict(extra="allow")

    engine: str = "feff"
    live_geometries: bool = False
    parsed: list[str] = []
    chgnet: dict[str, ChgnetProtocol]
    sevennet: dict[str, SevennetProtocol] = {}

    @property
    def relaxations(self) -> dict[str, RelaxationProtocol]:
        """Geometry protocols of every potential, by name."""
        return {**self.chgnet, **self.sevennet}

    @property
    def protocols(self) -> dict[str, Any]:
        """Protocols of the engine, by name."""
        table = spectra_engines()[self.engine]
        known = (self.model_extra or {})[table]
        return dict(getattr(protocols_model()(**{table: known}), table))


def settings_of(config: Config, relax: bool) -> Settings:
    """Settings of a config, with or without relaxations."""
    known = json.loads(worker_settings(config, limits=True)) | {"live_geometries": relax}
    return Settings.model_validate(known)


def task_families(
    structures: Sequence[Row],
    tasks: Sequence[Row],
    settings: Settings,
    engines: Callable[[str], SpectrumEngine] = spectrum_engine,
    geometries: Geometries | None = None,
) -> Iterator[Family]:
    """One family for each structure, from rows of the manifest; tasks of a site are a batch."""
    rows = {row["structure_id"]: row for row in structures}
    if geometries is None:
        geometries = Geometries(rows, settings.relaxations, settings.live_geometries)
    engine, protocols = engines(settings.engine), settings.protocols
    for name, own in groupby(tasks, key=lambda task: task["structure_id"]):
        chain = _chain(list(own), geometries, engine, protocols)
        yield Family(name, chain, rows[name]["family"])


def _chain(
    tasks: Sequence[Row],
    geometries: Geometries,
    engine: SpectrumEngine,
    protocols: Mapping[str, Any],
) -> Chain:
    def group_key(task: Row) -> tuple[Any, ...]:
        return task["geometry_protocol"], task["site_index"]

    def chain(known: Known) -> Iterator[Item]:
        for (protocol, index), group in groupby(tasks, key=group_key):
            own = list(group)
            geometry = yield from geometries.get(own[0]["structure_id"], protocol, known)
            if geometry["status"] == Status.FAILED:
                yield from (_waiting(t, geometry, geometry) for t in own)
                continue
            site, batch = engine.site(geometry, index), list[Request]()
            for task in own:
                name = task["protocol"]
                try:
                    about = _labels(task, geometry)
                    batch.append(site.request(task["edge"], (name, protocols[name]), about))
                except EngineError as error:
                    why = {"error_class": error.error_class, "message": str(error)}
                    yield _waiting(task, geometry, why)
            yield batch

    return chain


def _labels(task: Row, geometry: Row) -> Row:
    same = ("structure_id", "geometry_protocol", "element", "edge", "site", "multiplicity")
    return {"geometry_id": geometry["geometry_id"], **{k: task[k] for k in same}}


def _waiting(task: Row, geometry: Row, why: Mapping[str, Any]) -> Waiting:
    keys = ("structure_id", "geometry_protocol", "engine", "protocol", "site", "edge")
    name = "none:" + "/".join(str(task[k]) for k in keys)
    about = {"calculation_id": name, **_labels(task, geometry)}
    size = len(geometry["species"])
    return Waiting(
        task["engine"], task["protocol"], SPECTRUM, why["message"],
        error_class=why["error_class"], about=about, atoms=size,
    )  # fmt: skip


def families(config: Config) -> Iterator[Family]:
    """Every structure: a first dozen, then the lithium series (rank -1), then the others."""
    structures, asked = wanted(config)
    rows = {row["structure_id"]: row for row in structures}
    settings = settings_of(config, config.nmc.live_geometries)
    for row in sorted(structures, key=_priority):
        parent = rows.get(row["family"])
        needed = [row] if parent is None else [parent, row]
        yield from task_families(needed, asked[row["structure_id"]], settings)


def _priority(row: Row) -> tuple[int, int]:
    if row["rank"] < 0:
        return 1, 0
    return (0 if row["rank"] < 12 else 2), row["rank"]


REQUESTS = StudyRequests(
    kinds=KINDS,
    families=families,
    archive=lambda config: config.archive,
    shards=lambda config: int(config.nmc.shards),
    engines=lambda config: (config.nmc.engine,),
    part=lambda config: {"nmc": config.nmc.model_dump(mode="json")},
    parsed=lambda config: read_parsed(config.nmc.parsed),
)
