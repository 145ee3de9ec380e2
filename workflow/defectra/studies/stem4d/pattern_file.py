"""A user's pattern of a convergent beam: checked against the microscope of the model."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, median_filter, uniform_filter

from defectra.core.errors import DataError
from defectra.images.measured import read_counts_image
from defectra.studies.stem4d.polar import INSIDE
from defectra.studies.stem4d.settings import Microscope

Floats = NDArray[np.float64]
PIXEL = 0.1  # relative difference of the pixels that is allowed
RADIUS = 0.07  # of the edge of the aperture
OFF = 0.6  # pixels that the disc may lie off the middle
PLATEAU = 8  # pixels of one same largest value that chance can explain
MANY = 2e4  # electrons that show a bright disc
FEWEST = 200.0  # electrons of a pattern
HOT = 4.0  # times the largest neighbour
_RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
COVERED = 9  # pixels along each side of an area that holds nothing
DEAD = 25.0  # counts about a pixel that holds nothing


def read_pattern(
    path: Path, scope: Microscope, step: Floats, given: float = math.nan, name: str = ""
) -> Floats:
    """A pattern, shape (k_y, k_x), with the undiffracted beam in pixel ``size // 2``.

    Parameters
    ----------
    step
        Of the pixels of the model, mrad (y, x).
    given
        Size of a pixel by the user, mrad; NaN: that of the file.

    Raises
    ------
    DataError
        Of a pattern with another pixel size, aperture or centre, with dead or saturated pixels,
        missing or negative values, or that does not reach the edge of the detector.
    """
    image = read_counts_image(path, name)
    own = image.pixel if image.pixel is not None and image.pixel_unit == "mrad" else None
    pixel = (given, given) if math.isfinite(given) else own
    if pixel is None:
        raise DataError(f"{path}: does not say its pixel size; say it: --option pixel=MRAD")
    values = image.values
    if (values < 0).any():
        raise DataError(
            f"{path}: {int((values < 0).sum())} pixels are negative: no counts; is a background "
            f"subtracted? Give the counts"
        )
    if any(abs(p / s - 1) > PIXEL for p, s in zip(pixel, step, strict=True)):
        raise DataError(
            f"{path}: pixels of {pixel[0]:g} x {pixel[1]:g} mrad; the model knows {step[0]:.3g} x "
            f"{step[1]:.3g}: bin or resample the pattern so"
        )
    _refuse_pixels(path, values)
    _refuse_disc(path, values, scope, step)
    _refuse_covered(path, values)
    return _cropped(path, values, scope, step)


def reach(scope: Microscope, step: Floats) -> tuple[int, int]:
    """Pixels from the middle to beyond the outermost ring, along both axes."""
    rows, columns = (math.ceil(INSIDE * scope.detector / s) for s in step)
    return rows, columns


def _refuse_pixels(path: Path, values: Floats) -> None:
    top = float(values.max())
    plateau = int((values == top).sum())
    if plateau > PLATEAU and top > 100:
        raise DataError(f"{path}: {plateau} pixels hold the same largest value {top:g}: saturated")
    around = maximum_filter(values, footprint=_RING, mode="nearest")
    hot = values > HOT * around + DEAD
    if hot.any():
        row, column = (int(k) for k in np.argwhere(hot)[0])
        raise DataError(
            f"{path}: {int(hot.sum())} pixels hold more than {HOT:g} times what any neighbour "
            f"holds, the first in row {row}, column {column}: hot pixels or cosmic rays; fill them "
            f"from their neighbours"
        )
    dead = (values == 0) & (median_filter(values, 3) > DEAD)
    if dead.any():
        row, column = (int(k) for k in np.argwhere(dead)[0])
        raise DataError(
            f"{path}: {int(dead.sum())} pixels hold nothing among bright ones, the first in row "
            f"{row}, column {column}: dead pixels; fill them from their neighbours"
        )


def _refuse_covered(path: Path, values: Floats) -> None:
    """Areas that hold nothing where the other side of the beam does: a gap or a beam stop."""
    window = (COVERED, COVERED)
    inner = values[1 - values.shape[0] % 2 :, 1 - values.shape[1] % 2 :]  # size // 2 in its middle
    held = uniform_filter(inner, window, mode="constant") * COVERED**2
    least = DEAD * values[values > 0].min()  # the smallest value stands for one electron
    dark = maximum_filter(inner, window, mode="constant") == 0
    dark &= held[::-1, ::-1] > least
    if dark.any():
        row, column = (int(k) + 1 - n % 2 for k, n in zip(np.argwhere(dark)[0], values.shape))
        raise DataError(
            f"{path}: areas of {COVERED} x {COVERED} pixels hold nothing where the other side of "
            f"the beam does, the first about row {row}, column {column}: a beam stop or a gap of "
            f"the detector; such patterns are not answered"
        )


def _refuse_disc(path: Path, values: Floats, scope: Microscope, step: Floats) -> None:
    """The bright disc must have the size of the aperture and lie in the middle."""
    if values.sum() < MANY and (values == np.round(values)).all():
        _refuse_disc_of_few(path, values, scope, step)
        return
    smooth = median_filter(values, 3)
    within = math.ceil(np.pi * scope.aperture**2 / (step[0] * step[1]))
    brightest = np.sort(smooth, axis=None)[-within:]
    bright = smooth > 0.5 * np.median(brightest)
    radius = float(np.sqrt(bright.sum() * step[0] * step[1] / np.pi))
    if abs(radius / scope.aperture - 1) > RADIUS + step.max() / (2 * scope.aperture):
        raise DataError(
            f"{path}: a bright disc of {radius:.1f} mrad; the model knows an aperture of "
            f"{scope.aperture:g} mrad at {scope.energy:g} keV. Is the pixel size right?"
        )
    row, column = np.argwhere(bright).mean(0)
    off = row - values.shape[0] // 2, column - values.shape[1] // 2
    if max(map(abs, off)) > OFF:
        raise DataError(
            f"{path}: the bright disc is {off[0]:+.1f} rows and {off[1]:+.1f} columns off pixel "
            f"size // 2: crop the pattern about it"
        )


def _refuse_disc_of_few(path: Path, values: Floats, scope: Microscope, step: Floats) -> None:
    """The same by medians of places, where pixels hold too few electrons to show a disc."""
    if values.sum() < FEWEST:
        raise DataError(f"{path}: {values.sum():.0f} electrons; at least {FEWEST:.0f} are needed")
    away = [(np.arange(n) - n // 2) * s for n, s in zip(values.shape, step, strict=True)]
    half = _median(np.hypot(away[0][:, None], away[1][None, :]).ravel(), values.ravel())
    radius = half * math.sqrt(2)  # half of an even disc lies within its radius over the root of 2
    if abs(radius / scope.aperture - 1) > 3 * RADIUS:
        raise DataError(
            f"{path}: half of the electrons within {half:.1f} mrad, as of a bright disc of "
            f"{radius:.1f} mrad; the model knows an aperture of {scope.aperture:g} mrad at "
            f"{scope.energy:g} keV. Is the pixel size right?"
        )
    off = [_median(a, values.sum(1 - k)) / step[k] for k, a in enumerate(away)]
    if max(map(abs, off)) > 3 * OFF:
        raise DataError(
            f"{path}: half of the electrons lie {off[0]:+.1f} rows and {off[1]:+.1f} columns off "
            f"pixel size // 2: crop the pattern about the bright disc"
        )


def _median(places: Floats, weights: Floats) -> float:
    order = np.argsort(places, kind="stable")
    below = np.cumsum(weights[order])
    return float(places[order][np.searchsorted(below, below[-1] / 2)])


def _cropped(path: Path, values: Floats, scope: Microscope, step: Floats) -> Floats:
    """Part that reaches from the middle to the edge of the detector of the model."""
    parts = []
    for size, far in zip(values.shape, reach(scope, step), strict=True):
        middle = size // 2
        if middle < far or size - middle - 1 < far:
            raise DataError(
                f"{path}: reaches {min(middle, size - middle - 1)} pixels from its middle; the "
                f"model needs {far} ({INSIDE * scope.detector:g} mrad)"
            )
        parts.append(slice(middle - far, middle + far + 1))
    return values[parts[0], parts[1]]
