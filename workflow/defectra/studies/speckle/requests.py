"""What study `speckle` asks for: patterns and ring statistics, one family for each number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Chain, Family, Item, Known, Request
from defectra.campaign.studies import StudyRequests
from defectra.core.arrays import array_table
from defectra.core.config import Config
from defectra.core.records import Column
from defectra.engines.speckle.engine import PATTERNS, RINGS
from defectra.studies.speckle.samples import Sample, numbers, pattern_samples, ring_samples

PATTERN, RING = "pattern", "rings"
_LABELS = (
    Column("set", "string", "", "set of patterns, e.g. equal test"),
    Column("number", "int", "", "disks in the box"),
)
PATTERNS_TABLE = array_table("speckle_patterns", *_LABELS)
RINGS_TABLE = array_table("speckle_rings", *_LABELS)


def request(kind: str, sample: Sample) -> Request:
    """Request of a sample."""
    engine = PATTERNS if kind == PATTERN else RINGS
    about = {"set": sample.name, "number": sample.number}
    return engine.request(sample.asked, kind, sample.form, about, size=sample.asked["count"])


def families(config: Config) -> Iterator[Family]:
    """A family for each number of disks."""
    study, seed = config.speckle, config.seed
    wanted = [(RING, s) for s in ring_samples(study, seed)]
    wanted += [(PATTERN, s) for s in pattern_samples(study, seed)]
    for number in numbers(study):
        own = [request(kind, s) for kind, s in wanted if s.number == number]
        yield Family(f"{number:02d} disks", _chain(own))


def _chain(requests: Sequence[Request]) -> Chain:
    def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
        yield from requests

    return chain


def _part(config: Config) -> Mapping[str, Any]:
    decides = {"shards", "disks", "detector", "numbers", "tests"}
    return {"speckle": config.speckle.model_dump(mode="json", include=decides)}


REQUESTS = StudyRequests(
    kinds=(array_kind(PATTERN, PATTERNS_TABLE), array_kind(RING, RINGS_TABLE)),
    families=families,
    archive=below_archive("speckle"),
    shards=lambda config: int(config.speckle.shards),
    engines=lambda config: [PATTERNS.ENGINE, RINGS.ENGINE],  # noqa: ARG005
    part=_part,
    how="speckle.shards",
    measured=lambda archive: measured_arrays(archive, PATTERNS_TABLE, RINGS_TABLE),
)
