"""What study `registration` asks for: synthetic images of known pose, and one multislice image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Chain, Family, Item, Known, Request
from defectra.campaign.studies import StudyRequests
from defectra.core.arrays import array_table
from defectra.core.config import Config
from defectra.core.records import Column
from defectra.engines.stem_points.engine import ATOMS, POINTS
from defectra.engines.stem_points.frame import NAMES, Pose
from defectra.studies.registration.cells import CELLS, own_cell
from defectra.studies.registration.multislice_cell import multislice_input
from defectra.studies.registration.settings import RegistrationStudy

FRAME = "image"  # kind of result
COUNTED, ATOMISTIC = "counted", "multislice"  # fidelities
IMAGES = array_table(
    "registration_images",
    Column("image", "string", "", "name"),
    Column("cell", "string", "", "bicrystal"),
    Column("pixel_A", "float", "A", "true pixel size: root of the area of a pixel"),
    Column("tilt_deg", "float", "degree", "true angle, counter-clockwise"),
    Column("column_px", "float", "pixel", "true column of the origin of the bicrystal"),
    Column("row_px", "float", "pixel", "true row of it"),
)


def true_pose(number: int, settings: RegistrationStudy, seed: int) -> Pose:
    """Pose of a synthetic image, drawn from a seed of its own."""
    rng = np.random.default_rng([seed, number, 16])
    middle = (settings.image_pixels - 1) / 2
    return Pose.of(
        pixel=settings.pixel * float(rng.uniform(0.96, 1.04)),
        tilt=float(rng.uniform(-1.5, 1.5)),
        aspect=float(rng.uniform(0.98, 1.02)),
        u0=middle + float(rng.uniform(-25, 25)),
        v0=middle + float(rng.uniform(-25, 25)),
        width=float(rng.uniform(0.5, 0.8)),
        gap=float(rng.uniform(-0.3, 0.5)),
        slide=float(rng.uniform(-0.3, 0.3)),
        ratio=float(rng.uniform(0.8, 1.25)),
    )


def synthetic(number: int, settings: RegistrationStudy, seed: int) -> Request:
    """A counted image of a bicrystal in a pose that the registration does not know."""
    pose, cell = true_pose(number, settings, seed), CELLS[number % len(CELLS)]
    rng = np.random.default_rng([seed, number, 17])
    asked = {
        "columns": own_cell(cell, 1.5 * settings.image_pixels * settings.pixel / 2).as_json(),
        "pose": {name: getattr(pose, name) for name in NAMES},
        "shape": [settings.image_pixels, settings.image_pixels],
        "electrons": settings.electrons,
        "background": 0.5,
        "gradient": float(rng.uniform(-0.3, 0.3)),
        "seed": int(rng.integers(2**31)),
    }
    about = {
        "image": f"synthetic-{number:02d}",
        "cell": cell,
        "pixel_A": pose.pixel,
        "tilt_deg": pose.tilt,
        "column_px": pose.u0,
        "row_px": pose.v0,
    }
    return POINTS.request(asked, FRAME, COUNTED, about, size=settings.image_pixels**2)


def multislice() -> Request:
    """Multislice image of one period of the twin, one coarse frame."""
    asked, about, size = multislice_input()
    return ATOMS.request(asked, FRAME, ATOMISTIC, about, size=size)


def families(config: Config) -> Iterator[Family]:
    """A family for each image."""
    settings: RegistrationStudy = config.registration
    asked = [synthetic(number, settings, config.seed) for number in range(settings.images)]
    if settings.multislice:
        asked.append(multislice())
    for request in asked:
        yield Family(str(request.about["image"]), _chain(request))


def _chain(request: Request) -> Chain:
    def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
        yield request

    return chain


REQUESTS = StudyRequests(
    kinds=(array_kind(FRAME, IMAGES),),
    families=families,
    archive=below_archive("registration"),
    shards=lambda config: int(config.registration.shards),
    engines=lambda config: [POINTS.ENGINE, ATOMS.ENGINE],  # noqa: ARG005
    part=lambda config: {"registration": config.registration.model_dump(mode="json")},
    measured=lambda archive: measured_arrays(archive, IMAGES),
)
