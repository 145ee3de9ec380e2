"""A bicrystal found in an image: coarse search, refinement, and whether it is there at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.engines.stem_points.columns import Columns
from defectra.engines.stem_points.frame import NAMES, Pose, render
from defectra.studies.registration.objective import WINDOW, Fit, compare
from defectra.studies.registration.refine import (
    NO_TAILS,
    Counter,
    Polished,
    Tails,
    least_squares,
    polish,
)
from defectra.studies.registration.reflections import weakest
from defectra.studies.registration.search import Place, coarse, equivalent, leaves, poses
from defectra.studies.registration.settings import RegistrationStudy

Floats = NDArray[np.float64]
SMOOTH = 0.5  # A, standard deviation of what takes away noise before a fit is judged
MOST_PIXELS = 400  # of a frame each way: more add time and no accuracy that is asked
LEAST_ROWS = 20  # of a grain in the frame
QUICK_STEPS = 6  # of least squares before the objective is minimised
BROADER = 1.35  # width at which the simplex begins, over that of least squares
WINDOWS = (-10, -5, 0, 5, 10)  # pixels by which the window is moved; twice that upwards


class Agreement(NamedTuple):
    """How well frame and patch agree in one grain; NaN where the frame shows too little of it.

    Attributes
    ----------
    correlation
        After smoothing both.
    reflection
        Of the worst of the strong reflections (`reflections.py`).
    """

    correlation: float
    reflection: float


@dataclass(frozen=True)
class Registration:
    """What was found.

    Attributes
    ----------
    place
        Patch of the image, and the pose of least squares in it.
    polished
        Pose of the least objective; that of least squares if it was not asked for.
    tails
        Of the probe, at the least objective; none if they were not asked for.
    fit
        Objective of the polished pose.
    counter
        Simulated frames, and the objective after each.
    upper, lower
        How well frame and patch agree in the two grains.
    reason
        Empty, or why the bicrystal is taken not to be there.
    """

    place: Place
    polished: Pose
    tails: Tails
    fit: Fit
    counter: Counter
    upper: Agreement
    lower: Agreement
    reason: str

    @property
    def pose(self) -> Pose:
        """Pose of least squares."""
        return self.place.pose

    @property
    def found(self) -> bool:
        """Whether the bicrystal is in the image."""
        return not self.reason

    @property
    def origin(self) -> tuple[float, float]:
        """Column and row of the image where the origin of the bicrystal lies, pixels."""
        return self.place.column + self.pose.u0, self.place.row + self.pose.v0


def frame_shape(columns: Columns, pixel: float, image: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of a frame, odd: three fifths of the image at most, and within the cell.

    Raises
    ------
    DataError
        If fewer than two windows of the objective fit.
    """
    low, high = columns.reach
    tall = 2 * min(-low, high) / pixel * 0.9
    high, wide = min(0.6 * image[0], tall, MOST_PIXELS), min(0.6 * image[1], MOST_PIXELS)
    rows, cols = int(high) // 2 * 2 + 1, int(wide) // 2 * 2 + 1
    if min(rows, cols) < 2 * WINDOW:
        raise DataError(
            f"a frame of {rows} x {cols} pixels is too small: it needs {2 * WINDOW} along each "
            f"axis; is the pixel size, {pixel:g} A, right?"
        )
    return rows, cols


def square_frame(columns: Columns, pixel: float, image: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of a frame that stays within the cell however it is turned, odd.

    Raises
    ------
    DataError
        As of :func:`frame_shape`.
    """
    rows, cols = frame_shape(columns, pixel, image)
    low, high = columns.reach
    side = int(min(rows, cols, 0.9 * np.sqrt(2) * min(-low, high) / pixel)) // 2 * 2 - 1
    if side < 2 * WINDOW:
        raise DataError(f"a frame of {side} x {side} pixels is too small to be turned")
    return side, side


@dataclass(frozen=True)
class Search:
    """What is tried to find a bicrystal.

    Attributes
    ----------
    shape
        Rows and columns of the simulated frame; None: as large as the image allows.
    budget
        Evaluations, all in all; 0: least squares alone, without minimising the objective.
    tilts
        Degrees of the coarse search; None: those of the settings.
    free
        Numbers of the pose that are refined.
    tails
        Whether the probe has tails where the objective is minimised.
    """

    shape: tuple[int, int] | None = None
    budget: int = 0
    tilts: Sequence[float] | None = None
    free: Sequence[str] = NAMES
    tails: bool = False


QUICK = Search()


def register(
    image: Floats,
    columns: Columns,
    pixel: float,
    settings: RegistrationStudy,
    search: Search = QUICK,
) -> Registration:
    """Find a bicrystal in an image.

    Parameters
    ----------
    image
        Shape (H, W).
    pixel
        Nominal pixel size, A; the true one is sought within ``scale_range`` of it.

    Raises
    ------
    DataError
        If no frame fits into image and cell, or the image is flat.
    """
    shape, free = search.shape or frame_shape(columns, pixel, image.shape), search.free
    reach = settings.scale_range
    scales = np.linspace(1 - reach, 1 + reach, settings.scales)
    tilts = settings.tilts if search.tilts is None else search.tilts
    grid = list(poses(pixel, shape, scales, tilts, settings.aspects, settings.width))
    grid = [pose for pose in grid if not leaves(columns, pose, shape)]
    if not grid:
        raise DataError(
            f"a frame of {shape[0]} rows of {pixel:g} A is taller than the cell allows "
            f"({columns.reach[0]:.1f} to {columns.reach[1]:.1f} A)"
        )
    counter = Counter(len(grid))
    starts = coarse(image, columns, shape, grid)[: settings.starts]
    if search.budget:
        place = _place(image, columns, starts, counter, settings, free)
        best = _minimised(image, columns, place, counter, search)
    else:
        refined = [_refined(image, columns, start, counter, free) for start in starts]
        place = max(refined, key=lambda each: each.correlation)
        best = Polished(place.pose, _scored(image, columns, place, counter), NO_TAILS)
    upper, lower = grains(image, columns, place)
    reason = judge(place.pose, upper, lower, pixel, settings)
    return Registration(place, best.pose, best.tails, best.fit, counter, upper, lower, reason)


def _refined(
    image: Floats,
    columns: Columns,
    start: Place,
    counter: Counter,
    free: Sequence[str],
    steps: int = 25,
) -> Place:
    """A start after least squares."""
    patch = start.patch(image)
    pose = least_squares(columns, patch, start.pose, counter, free, steps)
    value = _correlation(render(columns, pose, start.shape), patch)
    return start._replace(correlation=value, pose=pose)


def _scored(image: Floats, columns: Columns, place: Place, counter: Counter) -> Fit:
    """Objective of a place, counted."""
    fit = compare(render(columns, place.pose, place.shape), place.patch(image))
    counter.add(fit.objective)
    return fit


def _place(
    image: Floats,
    columns: Columns,
    starts: Sequence[Place],
    counter: Counter,
    settings: RegistrationStudy,
    free: Sequence[str],
) -> Place:
    """Window of least objective, after some steps of least squares from the best of the starts."""
    scored = [(_scored(image, columns, start, counter).objective, start) for start in starts]
    start = min(scored, key=lambda pair: pair[0])[1]
    place = _refined(image, columns, start, counter, free, QUICK_STEPS)
    return _window(image, columns, place, counter, settings)


def _minimised(
    image: Floats, columns: Columns, place: Place, counter: Counter, search: Search
) -> Polished:
    """Least objective by the simplex, which begins with broader columns: they are preferred."""
    broad = place.pose.moved(width=BROADER * place.pose.width)
    left, patch = max(search.budget - counter.count, 1), place.patch(image)
    return polish(columns, patch, broad, counter, left, search.free, tails=search.tails)


def _window(
    image: Floats, columns: Columns, place: Place, counter: Counter, settings: RegistrationStudy
) -> Place:
    """The part of the crystal, and the repeat along the interface, of the least objective.

    A frame is simulated once for all repeats and counts as one evaluation.
    """
    best = (float("inf"), place)
    for right in WINDOWS:
        for down in WINDOWS:
            pose = place.pose.moved(u0=place.pose.u0 + right, v0=place.pose.v0 + 2 * down)
            if leaves(columns, pose, place.shape):
                continue
            broad = pose.moved(width=BROADER * pose.width)
            frame = render(columns, broad, place.shape)
            moved = place._replace(pose=broad)
            for repeat in equivalent(image, columns, moved, settings.equivalent):
                value = compare(frame, repeat.patch(image)).objective
                best = min(best, (value, repeat._replace(pose=pose)), key=lambda pair: pair[0])
            counter.add(best[0])
    return best[1]


def grains(image: Floats, columns: Columns, place: Place) -> tuple[Agreement, Agreement]:
    """Agreement in the upper and in the lower grain of the bicrystal, however it is turned.

    Frame and patch are turned back by quarters, so that the interface runs within 45 degrees of the
    rows, and are cut there.
    """
    from scipy.ndimage import gaussian_filter

    quarters = round(place.pose.tilt / 90) % 4
    patch, frame = (
        np.rot90(each, -quarters)
        for each in (place.patch(image), render(columns, place.pose, place.shape))
    )
    smooth = SMOOTH / place.pose.pixel
    soft_patch, soft_frame = (gaussian_filter(i, smooth) for i in (patch, frame))
    cut = round(float(np.clip(_interface(place, quarters), 0, len(frame))))

    def agreement(part: slice) -> Agreement:
        if len(frame[part]) < LEAST_ROWS:
            return Agreement(float("nan"), float("nan"))
        return Agreement(
            _correlation(soft_frame[part], soft_patch[part]), weakest(frame[part], patch[part])
        )

    return agreement(slice(None, cut)), agreement(slice(cut, None))


def _interface(place: Place, quarters: int) -> float:
    """Row of the origin of the bicrystal in a patch that is turned clockwise by quarters."""
    (rows, columns), pose = place.shape, place.pose
    return (pose.v0, pose.u0, rows - 1 - pose.v0, columns - 1 - pose.u0)[quarters]


def judge(
    pose: Pose, upper: Agreement, lower: Agreement, pixel: float, settings: RegistrationStudy
) -> str:
    """Empty, or why a fit is no registration."""
    off = pose.pixel / pixel - 1
    if not abs(off) <= settings.scale_range + 0.02:
        return (
            f"the pixel size that fits best, {pose.pixel:.4f} A, is {100 * off:+.0f} % off the "
            f"nominal {pixel:.4f} A"
        )
    for name, value in (("upper", upper), ("lower", lower)):
        if not value.correlation >= settings.least_correlation:
            return (
                f"the {name} grain correlates with the image by {value.correlation:.2f}, less than "
                f"{settings.least_correlation:g}"
            )
        if not value.reflection >= settings.least_reflection:
            return (
                f"a strong reflection of the {name} grain is missing in the image (agreement "
                f"{value.reflection:.2f}, less than {settings.least_reflection:g})"
            )
    return ""


def _correlation(first: Floats, second: Floats) -> float:
    """Correlation coefficient; 0 if one of them is flat."""
    a, b = first - first.mean(), second - second.mean()
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0
