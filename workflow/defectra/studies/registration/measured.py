"""The two CdTe micrographs: prepared as the authors did, registered, beside what they found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.engines.stem_points.frame import NAMES, render
from defectra.images.measured import TO_ANGSTROM, read_image
from defectra.studies.registration.cells import TILT, Published, cell_of_file
from defectra.studies.registration.fit import Registration, Search, register
from defectra.studies.registration.objective import compare
from defectra.studies.registration.search import Correlator
from defectra.studies.registration.settings import RegistrationStudy
from defectra.studies.registration.strain import grain_strains

Floats = NDArray[np.float64]
Row = dict[str, Any]
FIT_COLUMNS = [
    *("image", "quantity", "unit", "published", "ours"),
]
FREE = tuple(name for name in NAMES if name != "slide")  # the authors move no grain along
EQUAL = tuple(name for name in FREE if name != "ratio")
TRACE_COLUMNS = ["image", "who", "evaluation", "best_objective"]
# Their picture of the best frame: rows and columns of its middle panel (the simulated frame).
_PANELS = {"tilt": (121, 839, 1110, 1491), "twin": (121, 839, 1016, 1585)}


@dataclass(frozen=True)
class Best:
    """The best row of the authors' protocol of their optimisation.

    Attributes
    ----------
    objective
        J.
    evaluations
        All rows.
    pixel
        Their pixel size, A, before the image is stretched.
    stretch
        Along x and y, as a fraction.
    trace
        Least objective up to each evaluation, shape (n,).
    """

    objective: float
    evaluations: int
    pixel: float
    stretch: tuple[float, float]
    trace: Floats

    @property
    def effective_pixel(self) -> float:
        """Pixel size of the stretched image, A: a pixel covers pixel / (1 + stretch)."""
        x, y = self.stretch
        return self.pixel / float(np.sqrt((1 + x) * (1 + y)))


def read_progress(path: str | Path) -> Best:
    """Best row of ``progress.txt``: number, pixel, interface, source, shears, stretches, crop, J.

    Raises
    ------
    DataError
        If a row has other than eleven numbers.
    """
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from None
    if table.shape[1] != 11 or not len(table):
        raise DataError(f"{path}: rows of {table.shape[1]} numbers, 11 are expected")
    best = table[int(table[:, -1].argmin())]
    trace = np.minimum.accumulate(table[:, -1])
    return Best(
        float(best[-1]), len(table), float(best[1]), (float(best[6]), float(best[7])), trace
    )


def prepared(name: str, values: Floats) -> Floats:
    """Image as the authors cut it: the tilt's clean corner; the twin turned, cut and mirrored."""
    from scipy.ndimage import rotate

    if name == TILT:
        return values[:470, :470]
    turned = rotate(values, 66.0, reshape=False, order=1)
    inner = _middle(turned, 382)  # the largest square without empty corners, less 5 pixels
    return np.asarray(np.fliplr(_middle(inner, 328)[:-26, :-26]))


def _middle(image: Floats, size: int) -> Floats:
    row, column = (n // 2 - size // 2 for n in image.shape)
    return image[row : row + size, column : column + size]


def nominal_pixel(path: str | Path) -> tuple[Floats, float]:
    """Values and pixel size (A) of a micrograph.

    Raises
    ------
    DataError
        If the file does not say its pixel size.
    """
    image = read_image(path)
    if image.pixel is None or image.pixel_unit not in TO_ANGSTROM:
        raise DataError(f"{path}: its pixel size is not stated (unit {image.pixel_unit!r})")
    return image.values, image.pixel[1] * TO_ANGSTROM[image.pixel_unit]


@dataclass(frozen=True)
class Registered:
    """A micrograph with what the authors and we found in it."""

    name: str
    best: Best
    found: Registration
    equal: Registration  # both grains equally bright, as the authors have them
    tailed: Registration  # the same, with a probe with tails
    patch: Floats
    frame: Floats
    strains: tuple[float, float]
    picture: float  # our objective of their own best frame; NaN without their picture


def registered(which: Published, files: Sequence[Path], settings: RegistrationStudy) -> Registered:
    """Register one micrograph.

    Parameters
    ----------
    files
        Image, cell, progress, and the picture of the authors' best frame.
    """
    values, pixel = nominal_pixel(files[0])
    image, columns = prepared(which.name, values), cell_of_file(files[1])
    best = read_progress(files[2])
    budget = int(settings.budget_share * best.evaluations)
    search = Search(which.shape, budget)
    found, equal, tailed = (
        register(image, columns, pixel, settings, replace(search, free=free, tails=tails))
        for free, tails in ((FREE, False), (EQUAL, False), (EQUAL, True))
    )
    frame = render(columns, found.polished, which.shape)
    own = picture_objective(which, files[3], image)
    strains = grain_strains(columns, files[1])
    patch = found.place.patch(image)
    return Registered(which.name, best, found, equal, tailed, patch, frame, strains, own)


def picture_objective(which: Published, path: Path, image: Floats) -> float:
    """Our objective of the authors' best frame, taken from their picture and found in the image."""
    from PIL import Image

    top, bottom, left, right = _PANELS[which.name]
    with Image.open(path) as picture:
        panel = np.asarray(picture.convert("L"), np.float32)[top:bottom, left:right]
    rows, cols = which.shape
    frame = np.asarray(Image.fromarray(panel).resize((cols, rows), Image.Resampling.BOX), float)
    scores = Correlator(image, which.shape).map(frame)
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    return compare(frame, image[row : row + rows, column : column + cols]).objective


def fit_rows(each: Registered) -> Iterator[Row]:
    """Rows of ``fits.csv``: each number beside the authors'."""
    nan, best, found, tailed = float("nan"), each.best, each.found, each.tailed
    right, up = found.polished.pixel_sizes
    x, y = (best.pixel / (1 + s) for s in best.stretch)
    stretched, equal = best.pixel / best.effective_pixel, each.equal.polished.pixel
    rows = (
        ("objective", "", best.objective, found.fit.objective),
        ("objective of their best frame", "", best.objective, each.picture),
        ("objective, grains equally bright", "", best.objective, each.equal.fit.objective),
        ("evaluations, grains equally bright", "", best.evaluations, each.equal.counter.count),
        ("pixel size, grains equally bright", "A", best.pixel, equal * stretched),
        ("objective, probe with tails", "", best.objective, each.tailed.fit.objective),
        ("evaluations, probe with tails", "", best.evaluations, each.tailed.counter.count),
        ("pixel size, probe with tails", "A", best.pixel, tailed.polished.pixel * stretched),
        ("share of the light in the tails", "", nan, tailed.tails.share),
        ("reach of the tails", "A", nan, tailed.tails.reach),
        ("shift", "pixel", nan, found.fit.shift),
        ("evaluations", "", best.evaluations, found.counter.count),
        ("evaluations to their objective", "", best.evaluations, _reached(each)),
        ("pixel size, with their stretches", "A", best.pixel, found.polished.pixel * stretched),
        ("pixel size, least squares", "A", best.pixel, found.pose.pixel * stretched),
        ("pixel size of the stretched image", "A", best.effective_pixel, found.polished.pixel),
        ("pixel size to the right", "A", x, right),
        ("pixel size upwards", "A", y, up),
        ("tilt", "degree", nan, found.polished.tilt),
        ("brightness of upper over lower grain", "", nan, found.polished.ratio),
        ("the same, least squares", "", nan, found.pose.ratio),
        ("gap", "A", nan, found.pose.gap),
        ("width of a column", "A", nan, found.pose.width),
        ("strain of the upper grain", "%", nan, each.strains[0]),
        ("strain of the lower grain", "%", nan, each.strains[1]),
        ("correlation, least squares", "", nan, found.place.correlation),
        ("found", "", nan, int(found.found)),
    )
    for quantity, unit, published, ours in rows:
        yield dict(zip(FIT_COLUMNS, (each.name, quantity, unit, published, ours)))


def _reached(each: Registered) -> float:
    """Evaluation after which our objective was no larger than theirs; NaN if never."""
    good = (n for n, value in each.found.counter.trace if value <= each.best.objective)
    return float(next(good, float("nan")))


def trace_rows(each: Registered) -> Iterator[Row]:
    """Rows of ``objective.csv``: the least objective after each evaluation."""
    least = float("inf")
    for number, value in each.found.counter.trace:
        least = min(least, value)
        yield dict(zip(TRACE_COLUMNS, (each.name, "ours", number, least)))
    for index, value in enumerate(each.best.trace):
        yield dict(zip(TRACE_COLUMNS, (each.name, "authors", index + 1, float(value))))
