"""What study `segmentation` asks for: movies to train, validate, calibrate and test on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Family, Item, Known, Request
from defectra.campaign.studies import StudyRequests
from defectra.core.arrays import array_table
from defectra.core.config import Config
from defectra.core.records import Column
from defectra.engines.icemelt.engine import MOVIES
from defectra.studies.segmentation.settings import (
    CLEAN,
    POOR,
    RANGE,
    USUAL,
    Condition,
    SegmentationStudy,
)

MOVIE = "movie"  # kind of result
TRAINING, VALIDATION, CALIBRATION, TEST = "training", "validation", "calibration", "test"
FRAMES = array_table(
    "segmentation_movies",
    Column("movie", "string", "", "group that no split may cut: one melting"),
    Column("use", "string", "", "training, validation, calibration or test"),
    Column("condition", "string", "", "how the frames are taken"),
)


@dataclass(frozen=True)
class Movie:
    """One melting: its name, what it is for, its seed, and the number of its frames."""

    name: str
    use: str
    seed: int
    frames: int

    def conditions(self, settings: SegmentationStudy) -> list[str]:
        """Conditions that it is seen at."""
        if self.use == TRAINING:
            return [CLEAN, USUAL]
        if self.use == CALIBRATION:
            return [USUAL, RANGE]
        return [USUAL] if self.use == VALIDATION else [*settings.tested(), POOR]


def movies(settings: SegmentationStudy, seed: int) -> Iterator[Movie]:
    """All meltings; no seed is shared between uses."""
    sets = (
        (0, TRAINING, settings.training_movies, settings.training_frames),
        (1, VALIDATION, settings.validation_movies, settings.test_frames),
        # blocks 2 and 3 were looked at while doses, networks, learning rate and signs of the band
        # were chosen: never tested on
        (4, CALIBRATION, settings.calibration_movies, settings.test_frames),
        (5, TEST, settings.test_movies, settings.test_frames),
    )
    for block, use, count, frames in sets:
        for number in range(count):
            own = 1_000_000 * (seed % 1000) + 100_000 * block + number
            yield Movie(f"{use}-{number:03d}", use, own, frames)


def condition_of(movie: Movie, name: str, settings: SegmentationStudy) -> Condition:
    """How the frames of a movie are taken; of the range one is drawn for each movie.

    Every second one has the usual dose, the others any between that of the lowest and of the clean
    frames, the logarithm being uniform.
    """
    if name != RANGE:
        return settings.conditions[name]
    rng = np.random.default_rng([movie.seed, 1])
    usual, wide = settings.conditions[USUAL], settings.calibration
    few, many = settings.doses()
    dose = usual.dose if movie.seed % 2 else float(few * (many / few) ** rng.uniform())
    drawn = {"defocus": rng.uniform(*wide.defocus), "drift": rng.uniform(*wide.drift)}
    return usual.model_copy(update={"dose": dose, **drawn})


def request(movie: Movie, condition: str, settings: SegmentationStudy) -> Request:
    """Frames of a melting at one condition."""
    asked = {
        "size": settings.size,
        "frames": movie.frames,
        "pixel_nm": settings.pixel_nm,
        "movie": movie.seed,
        "exposure": [*sorted(settings.conditions), RANGE].index(condition),
        "condition": condition_of(movie, condition, settings).model_dump(),
    }
    about = {"movie": movie.name, "use": movie.use, "condition": condition}
    size = movie.frames * settings.size**2
    return MOVIES.request(asked, MOVIE, condition, about, size=size)


def _chain(movie: Movie, settings: SegmentationStudy, known: Known) -> Iterator[Item]:  # noqa: ARG001
    for condition in movie.conditions(settings):
        yield request(movie, condition, settings)


def families(config: Config) -> Iterator[Family]:
    """A family for each melting."""
    settings: SegmentationStudy = config.segmentation
    for movie in movies(settings, config.seed):
        yield Family(movie.name, partial(_chain, movie, settings))


REQUESTS = StudyRequests(
    kinds=(array_kind(MOVIE, FRAMES),),
    families=families,
    archive=below_archive("segmentation"),
    shards=lambda config: int(config.segmentation.shards),
    engines=lambda config: [MOVIES.ENGINE],  # noqa: ARG005
    part=lambda config: {
        "segmentation": config.segmentation.model_dump(mode="json", exclude={"bootstrap"})
    },
    measured=lambda archive: measured_arrays(archive, FRAMES),
)
