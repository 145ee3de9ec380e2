"""What study `hbn` asks for: force constants of the layer, then every candidate, one chain each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from defectra.campaign.costs import Measured
from defectra.campaign.ledger import Kind, Ledger
from defectra.campaign.request import Family, Item, Known, Request, Row
from defectra.campaign.studies import StudyRequests
from defectra.core.config import Config
from defectra.core.store import Archive
from defectra.engines.gpaw import emitters
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.engine import CELLS, EMITTERS
from defectra.engines.gpaw.settings import GpawEmitterProtocol, GpawProtocol
from defectra.studies.hbn.candidates import Candidate, candidates, cell_of, complexes
from defectra.studies.hbn.settings import HbnStudy
from defectra.studies.hbn.tables import FORCES, RUNS, emitter_result, forces_result, waiting

HOW = "hbn.complete: true"
NOT_DONE = f"not computed yet: {HOW} (needs GPAW; minutes to hours a candidate)"
AXES = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))  # along x, normal to a bond, and out of the layer


def emitter_request(candidate: Candidate, settings: HbnStudy, how: GpawEmitterProtocol) -> Request:
    """Request of one candidate."""
    cell, guess = cell_of(candidate, settings.rattle)
    asked = emitters.job(cell, how, charge=candidate.charge, moment=candidate.moment, moments=guess)
    decorated = candidate.decorated
    about: Mapping[str, Any] = {
        "label": candidate.label,
        "name": candidate.name,
        "structure_id": candidate.structure_id,
        "defect": " + ".join(decorated.defects),
        "charge": candidate.charge,
        "size": candidate.size,
        "spin": candidate.moment,
        "multiplicity": decorated.multiplicity,
    }
    return EMITTERS.request(asked, settings.protocol, about)


def force_requests(settings: HbnStudy, how: GpawProtocol) -> list[Request]:
    """One boron and one nitrogen atom displaced, along x and along z; symmetry gives the rest."""
    supercell = complexes(settings.lattice, settings.height, settings.size)[0][1].supercell
    lattice, coords = supercell.lattice, supercell.coords
    out = []
    for site in (int(supercell.sites_of("B")[0]), int(supercell.sites_of("N")[0])):
        for axis in AXES:
            shift = [settings.step * v for v in axis]
            moved = coords.copy()
            moved[site] += np.linalg.solve(lattice.T, shift)
            cell = gpaw.Cell.of(lattice, supercell.species, moved)
            asked = gpaw.job(cell, how, [{"do": "energy"}, {"do": "forces"}])
            about = {
                "kind": "forces",
                "site": site,
                "displacement": shift,
                "lattice": lattice.ravel().tolist(),
                "species": list(supercell.species),
                "coords": coords.ravel().tolist(),
            }
            out.append(CELLS.request(asked, FORCES.name, settings.phonons, about))
    return out


def _one(request: Request, known: Known) -> Iterator[Item]:  # noqa: ARG001
    yield request


def _all(requests: list[Request], known: Known) -> Iterator[Item]:  # noqa: ARG001
    yield from requests


def families(config: Config) -> Iterator[Family]:
    """The first candidate, force constants, then the others in the order of interest."""
    settings: HbnStudy = config.hbn
    how = config.protocols.gpaw_emitter[settings.protocol]
    forces = force_requests(settings, config.protocols.gpaw[settings.phonons])
    for number, candidate in enumerate(candidates(settings)):
        request = emitter_request(candidate, settings, how)
        name = f"{candidate.name} {candidate.charge:+d} {candidate.moment} {candidate.size}"
        yield Family(name, partial(_one, request))
        if number == 0:
            yield Family("forces", partial(_all, forces))


def run_rows(ledger: Ledger, settings: HbnStudy, how: GpawEmitterProtocol) -> list[Row]:
    """Every candidate: what is known of it, or a status row."""
    out = []
    for candidate in candidates(settings):
        request = emitter_request(candidate, settings, how)
        result = ledger.result(request)
        out.append(result.row if result else waiting(request, NOT_DONE))
    return out


def force_rows(ledger: Ledger, settings: HbnStudy, how: GpawProtocol) -> list[Row]:
    """What is known of the displaced cells."""
    found = [ledger.result(r) for r in force_requests(settings, how)]
    return [result.row for result in found if result is not None]


def _measured(archive: Archive) -> Iterator[Measured]:
    """What the archived calculations took."""
    for table, engine, kind in (
        (RUNS, emitters.ENGINE, emitters.KIND),
        (FORCES, CELLS.ENGINE, "forces"),
    ):
        for row in archive.read(table):
            key = (engine, row["protocol"], kind)
            size = len(row["species"])
            yield Measured(key, size, row["cpu_s"], row["wall_s"], row["max_rss_mb"])


def _part(config: Config) -> Mapping[str, Any]:
    settings: HbnStudy = config.hbn
    mine = config.protocols.gpaw_emitter[settings.protocol].model_dump(mode="json")
    layer = config.protocols.gpaw[settings.phonons].model_dump(mode="json")
    return {
        "hbn": settings.model_dump(mode="json"),
        "protocols": {
            "gpaw_emitter": {settings.protocol: mine},
            "gpaw": {settings.phonons: layer},
        },
    }


REQUESTS = StudyRequests(
    kinds=(
        Kind(emitters.KIND, RUNS, emitter_result, engine=emitters.ENGINE),
        Kind(FORCES.name, FORCES, forces_result, engine=CELLS.ENGINE),
    ),
    families=families,
    archive=lambda config: str(config.hbn.archive),
    shards=lambda config: int(config.hbn.shards),
    engines=lambda config: (emitters.ENGINE, CELLS.ENGINE),  # noqa: ARG005
    part=_part,
    measured=_measured,
    how=HOW,
)
