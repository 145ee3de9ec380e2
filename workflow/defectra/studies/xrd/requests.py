"""What study `xrd` asks for: patterns of all contents, a family for each zirconium content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Chain, Family, Item, Known, Request
from defectra.campaign.studies import StudyRequests
from defectra.core.arrays import array_table
from defectra.core.config import Config
from defectra.core.records import Column
from defectra.engines.xrd.engine import FRACTIONAL, ORDERED, XRD
from defectra.studies.xrd.settings import XrdStudy

KIND = "pattern"
TABLE = array_table(
    "xrd_patterns",
    Column("y", "float", "", "zirconium of the rare-earth site"),
    Column("x", "floats", "", "titanium of the twelve transition metals, of each pattern"),
    Column("march", "floats", "", "coefficients of preferred orientation; 1: none"),
)


def contents(study: XrdStudy) -> tuple[list[float], list[float]]:
    """Values of x and of y."""
    own = study.contents
    x = [k * own.titanium_step for k in range(own.titanium)]
    return x, [k * own.zirconium_step for k in range(own.zirconium)]


def request(form: str, y: float, study: XrdStudy, seed: int) -> Request:
    """Request of all patterns of one zirconium content at one fidelity."""
    titanium, _ = contents(study)
    own = study.patterns
    march = [1.0, *(study.disturbances.march if form == FRACTIONAL else [])]
    asked: dict[str, Any] = {
        "form": form,
        "contents": [[x, y] for x in titanium],
        "grid": {"first": own.first, "last": own.last, "step": own.step},
        "width": own.width,
        "march": march,
    }
    if form == ORDERED:
        whole = round(y / study.contents.zirconium_step)
        asked |= {"cells": list(study.contents.cells), "seed": [seed, whole]}
    about = {"y": y, "x": titanium, "march": march}
    return XRD.request(asked, KIND, form, about, size=len(titanium))


def families(config: Config) -> Iterator[Family]:
    """A family for each zirconium content: both fidelities."""
    for y in contents(config.xrd)[1]:
        own = [request(form, y, config.xrd, config.seed) for form in (FRACTIONAL, ORDERED)]
        yield Family(f"y {y:g}", _chain(own))


def _chain(requests: list[Request]) -> Chain:
    def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
        yield from requests

    return chain


def _part(config: Config) -> Mapping[str, Any]:
    decides = {"shards", "contents", "patterns", "disturbances"}
    return {"xrd": config.xrd.model_dump(mode="json", include=decides)}


REQUESTS = StudyRequests(
    kinds=(array_kind(KIND, TABLE),),
    families=families,
    archive=below_archive("xrd"),
    shards=lambda config: int(config.xrd.shards),
    engines=lambda config: [XRD.ENGINE],  # noqa: ARG005
    part=_part,
    how="xrd.shards",
    measured=lambda archive: measured_arrays(archive, TABLE),
)
