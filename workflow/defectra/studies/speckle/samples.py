"""Samples of study `speckle`: sets of patterns, each a list of inputs of the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from defectra.engines.speckle.engine import ANALYTIC, PIXEL
from defectra.engines.speckle.placement import polydisperse_radii
from defectra.studies.speckle.settings import DetectorSettings, SpeckleStudy

EQUAL, UNEQUAL, DRAWN = "equal", "unequal", "drawn"
KINDS = (EQUAL, UNEQUAL)  # that models are trained on
TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Sample:
    """One input of an engine, and what it is of.

    Attributes
    ----------
    name
        Set: ``equal train``, ``unequal test``, ``equal test, radius 80``, ...
    number
        Of disks.
    asked
        Input of the engine.
    """

    name: str
    number: int
    asked: Mapping[str, Any]

    @property
    def form(self) -> str:
        """Fidelity."""
        return str(self.asked["form"])


def set_name(kind: str, part: str, other: str = "") -> str:
    """Name of a set."""
    return f"{kind} {part}" + (f", {other}" if other else "")


def numbers(study: SpeckleStudy) -> range:
    """Numbers of disks: the classes."""
    return range(study.disks.fewest, study.disks.most + 1)


def radii_of(kind: str, number: int, study: SpeckleStudy, seed: int) -> list[float]:
    """Radii of a class, pixels: equal ones, or one list for each number, as the authors have."""
    if kind == EQUAL:
        return [study.disks.radius] * number
    rng = np.random.default_rng(_seed(seed, "radii", number))
    drawn = _drawn(number, study)
    found = polydisperse_radii(number, drawn["mean"], drawn["spread"], drawn["area"], rng)
    return [float(r) for r in found]


def pattern_samples(study: SpeckleStudy, seed: int) -> Iterator[Sample]:
    """All sets of patterns."""
    for number in numbers(study):
        for kind in KINDS:
            disks = {"radii": radii_of(kind, number, study, seed)}
            for part in (TRAIN, TEST):
                count = getattr(study.numbers, part)
                yield from _blocks(set_name(kind, part), number, disks, count, study, seed)
            name = set_name(kind, TEST, "mask of pixels")
            yield from _others(name, number, disks, study, seed, form=PIXEL)
        name = set_name(UNEQUAL, TEST, "radii drawn anew")
        yield from _others(name, number, {"drawn": _drawn(number, study)}, study, seed)
        yield from _foreign(number, study, seed)


def _foreign(number: int, study: SpeckleStudy, seed: int) -> Iterator[Sample]:
    """Equal disks of other radii, and in other boxes."""
    for radius in study.tests.radii:
        disks = {"radii": [radius] * number}
        name = set_name(EQUAL, TEST, f"radius {radius:g}")
        margin = max(radius, study.disks.radius)
        yield from _others(name, number, disks, study, seed, margin=margin)
    for box in study.tests.boxes:
        disks = {"radii": [study.disks.radius] * number}
        yield from _others(
            set_name(EQUAL, TEST, f"box {box:g}"), number, disks, study, seed, box=box
        )


def ring_samples(study: SpeckleStudy, seed: int) -> Iterator[Sample]:
    """Rings of equal disks on every pixel; both fidelities see the same configurations."""
    detector = {"half": study.detector.rings_half, "step": 1, "period": study.detector.period}
    for number in numbers(study):
        disks = {"radii": radii_of(EQUAL, number, study, seed)}
        for form, count in ((ANALYTIC, study.numbers.rings), (PIXEL, study.numbers.rings_pixel)):
            asked = _asked(disks, study, _seed(seed, "rings", number), count, form=form)
            yield Sample("rings", number, asked | {"detector": detector})


def _blocks(
    name: str, number: int, disks: Mapping[str, Any], count: int, study: SpeckleStudy, seed: int
) -> Iterator[Sample]:
    for block, start in enumerate(range(0, count, study.numbers.block)):
        size = min(study.numbers.block, count - start)
        yield Sample(name, number, _asked(disks, study, _seed(seed, name, number, block), size))


def _others(
    name: str, number: int, disks: Mapping[str, Any], study: SpeckleStudy, seed: int, **more: Any
) -> Iterator[Sample]:
    own = _seed(seed, name, number)
    yield Sample(name, number, _asked(disks, study, own, study.numbers.other, **more))


def _asked(
    disks: Mapping[str, Any], study: SpeckleStudy, seed: list[int], count: int, **more: Any
) -> dict[str, Any]:
    own = study.disks
    asked = {"form": ANALYTIC, "box": own.box, "margin": own.radius, "gap": own.gap}
    whole = {"count": count, "seed": seed, "detector": detector(study.detector)}
    return {**disks, **asked, **whole, **more}


def detector(settings: DetectorSettings) -> dict[str, int]:
    """Pixels of the patterns, as the engine is asked."""
    return settings.model_dump(include={"half", "step", "period"})


def _drawn(number: int, study: SpeckleStudy) -> dict[str, Any]:
    own = study.disks
    area = own.area_disks * np.pi * own.radius**2
    return {"number": number, "mean": own.area_mean, "spread": own.area_spread, "area": area}


def _seed(seed: int, name: str, *more: int) -> list[int]:
    """Seed of its own for every name, so that no set shares a configuration with another."""
    digest = hashlib.sha256(name.encode()).digest()
    return [seed, int.from_bytes(digest[:4], "big"), *more]
