"""What study `stem4d` asks for: scans of each sample at its fidelities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Chain, Family, Item, Known
from defectra.campaign.studies import StudyRequests
from defectra.core.config import Config
from defectra.engines.abtem.engine import ABTEM
from defectra.studies.stem4d.scans import KIND, SCANS, asked, samples_of

SAMPLES = ("graphene", "gallium_arsenide", "mono", "di")


def _chain(config: Config, sample: str) -> Chain:
    def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
        study = config.stem4d
        plain = asked(sample, study, config.seed)
        # the one without noise first, then its doses, which share it
        for protocol in [study.methods[0], *study.doses, *study.methods[1:]]:
            if sample in samples_of(protocol, study):
                settings = config.protocols.abtem[protocol].model_dump(exclude={"description"})
                about = {"sample": sample}
                size = len(plain["places"])
                yield ABTEM.request(plain | settings, KIND, protocol, about, size)

    return chain


def families(config: Config) -> Iterator[Family]:
    """A family for each sample."""
    for sample in SAMPLES:
        yield Family(sample, _chain(config, sample))


def _part(config: Config) -> Mapping[str, Any]:
    used = {k: v.model_dump(mode="json") for k, v in config.protocols.abtem.items()}
    study = config.stem4d
    kept = ("microscope", "scan", "methods", "doses", "shards")
    part = study.model_dump(mode="json", include=set(kept))
    return {"stem4d": part, "protocols": {"abtem": used}}


REQUESTS = StudyRequests(
    kinds=(array_kind(KIND, SCANS),),
    families=families,
    archive=below_archive("stem4d"),
    shards=lambda config: int(config.stem4d.shards),
    engines=lambda config: [ABTEM.ENGINE],  # noqa: ARG005
    part=_part,
    how="stem4d.methods and stem4d.doses",
    measured=lambda archive: measured_arrays(archive, SCANS),
)
