"""Blind recovery: synthetic images registered without their pose, and images of something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from defectra.core.arrays import ArrayReader
from defectra.engines.stem_points.columns import Columns
from defectra.engines.stem_points.engine import IMAGE
from defectra.engines.stem_points.frame import Pose, render
from defectra.studies.registration.cells import CELLS, own_cell
from defectra.studies.registration.controls import controls
from defectra.studies.registration.fit import Registration, register
from defectra.studies.registration.refine import Counter, least_squares
from defectra.studies.registration.requests import ATOMISTIC, COUNTED
from defectra.studies.registration.settings import RegistrationStudy

Row = dict[str, Any]
RECOVERED_COLUMNS = [
    *("image", "cell", "fidelity", "pixel_A", "found_pixel_A", "pixel_error_percent"),
    *("shift_error_A", "tilt_error_deg", "correlation", "evaluations", "found", "reason"),
]
REFUSAL_COLUMNS = [
    *("sought", "shown", "correlation", "reflection", "accepted", "reason"),
]


def recovered(
    rows: Iterable[Row], arrays: ArrayReader, settings: RegistrationStudy
) -> Iterator[Row]:
    """A row for each image that was computed: what was found, and how far it is from the truth."""
    for row in rows:
        if not row["arrays"]:
            continue
        image = np.asarray(arrays.read(row, IMAGE)[0], np.float64)
        if row["protocol"] == COUNTED:
            cells = own_cell(row["cell"], 1.5 * settings.image_pixels * settings.pixel / 2)
            found = register(image, cells, settings.pixel, settings)
            yield error_row(row, cells, found.pose, found.origin, found.place.correlation,
                       found.counter.count, found.reason)  # fmt: skip
        elif row["protocol"] == ATOMISTIC:
            yield from _multislice(row, image)


def _multislice(row: Row, period: Any) -> Iterator[Row]:
    """Points fitted to the multislice image, laid side by side, from a start that is off."""
    cells = own_cell(row["cell"], 32.0)
    image = np.tile(period, (1, 12))
    start = Pose.of(row["pixel_A"] * 1.01, 0.3, u0=0.6, v0=row["row_px"] + 0.6, width=0.6)
    counter = Counter()
    pose = least_squares(cells, image, start, counter, steps=60)
    frame = render(cells, pose, image.shape)
    value = float(np.corrcoef(frame.ravel(), image.ravel())[0, 1])
    yield error_row(row, cells, pose, (pose.u0, pose.v0), value, counter.count, "")


def error_row(
    row: Row,
    cells: Columns,
    pose: Pose,
    origin: tuple[float, float],
    correlation: float,
    evaluations: int,
    reason: str,
) -> Row:
    """Row of ``recovered.csv``: a pose and the column and row of its origin, beside the truth."""
    away = np.array([origin[0] - row["column_px"], row["row_px"] - origin[1]])
    off = pose.pixel_matrix @ away
    off[0] -= cells.period * np.round(off[0] / cells.period)  # repeats are the same place
    return {
        "image": row["image"],
        "cell": row["cell"],
        "fidelity": row["protocol"],
        "pixel_A": row["pixel_A"],
        "found_pixel_A": pose.pixel,
        "pixel_error_percent": 100 * (pose.pixel / row["pixel_A"] - 1),
        "shift_error_A": float(np.hypot(*off)),
        "tilt_error_deg": pose.tilt - row["tilt_deg"],
        "correlation": correlation,
        "evaluations": evaluations,
        "found": int(not reason),
        "reason": reason,
    }


def refusals(settings: RegistrationStudy, seed: int) -> Iterator[Row]:
    """A row for each image of something else: what the registration said of it."""
    cells = {name: own_cell(name, 0.75 * settings.image_pixels * settings.pixel) for name in CELLS}
    for sought, shown, image in controls(settings, seed):
        found = register(image, cells[sought], settings.pixel, settings)
        yield refusal_row(sought, shown, found)


def refusal_row(sought: str, shown: str, found: Registration) -> Row:
    """Row of ``refusals.csv``."""
    return {
        "sought": sought,
        "shown": shown,
        "correlation": min(found.upper.correlation, found.lower.correlation),
        "reflection": min(found.upper.reflection, found.lower.reflection),
        "accepted": int(found.found),
        "reason": found.reason,
    }
