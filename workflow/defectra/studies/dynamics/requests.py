"""What study `dynamics` asks for: each trajectory of each system at every count of photons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Chain, Family, Item, Known
from defectra.campaign.studies import StudyRequests
from defectra.core.config import Config
from defectra.engines.coherent.engine import COHERENT
from defectra.studies.dynamics.series import KIND, SERIES, SYSTEMS, asked, times_of


def _chain(config: Config, name: str, trajectory: int) -> Chain:
    def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
        study = config.dynamics
        plain = asked(name, study, trajectory, config.seed)
        bodies = plain["number"] ** (2 if name == "kuramoto" else 1)  # a grid has a side
        size = bodies * len(times_of(getattr(study, name)))
        for protocol in study.counts:
            settings = config.protocols.coherent[protocol].model_dump(exclude={"description"})
            about = {"system": name, "trajectory": trajectory}
            yield COHERENT.request(plain | settings, KIND, protocol, about, size)

    return chain


def families(config: Config) -> Iterator[Family]:
    """A family for each trajectory; its fidelities differ in the photons alone."""
    for name in SYSTEMS:
        for number in range(getattr(config.dynamics, name).trajectories):
            yield Family(f"{name} {number}", _chain(config, name, number))


def _part(config: Config) -> Mapping[str, Any]:
    used = {k: v.model_dump(mode="json") for k, v in config.protocols.coherent.items()}
    study = config.dynamics.model_dump(mode="json", exclude={"bootstrap"})
    return {"dynamics": study, "protocols": {"coherent": used}}


REQUESTS = StudyRequests(
    kinds=(array_kind(KIND, SERIES),),
    families=families,
    archive=below_archive("dynamics"),  # none is shipped: a run computes all in minutes
    shards=lambda config: int(config.dynamics.shards),
    engines=lambda config: [COHERENT.ENGINE],  # noqa: ARG005
    part=_part,
    how="dynamics.counts",
    measured=lambda archive: measured_arrays(archive, SERIES),
)
