"""A user's pattern: checked, and brought to the pixels that the models know. Nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.images.measured import read_counts_image
from defectra.studies.speckle.settings import DetectorSettings

Floats = NDArray[np.float64]
PLATEAU = 8  # pixels of one same largest value that symmetry alone can explain
HOT, FEW_HOT = 8.0, 20  # times the Friedel mate; pixels
DEAD = 25.0  # photons (or units) of the Friedel mate of a pixel that holds nothing
FRIEDEL = 0.95  # least correlation of a pattern with itself turned by half a turn
FEWEST = 1000.0  # sum over the pattern outside the centre


def read_pattern(path: Path, settings: DetectorSettings, name: str = "") -> Floats:
    """Upper half of a pattern on the kept pixels, shape (half / step + 1, 2 half / step + 1).

    Raises
    ------
    DataError
        Of a pattern of another size or centre, with dead or saturated pixels, negative or missing
        values, or hardly any intensity; it says what to do.
    """
    image = read_counts_image(path, name)
    check_pattern(image.values, str(path), settings)
    return kept_pixels(image.values, settings)


def kept_pixels(values: Floats, settings: DetectorSettings) -> Floats:
    """Mean of Friedel mates on every step-th pixel, from the direct beam on."""
    middle = len(values) // 2
    reach = slice(middle - settings.half, middle + settings.half + 1, settings.step)
    part = np.asarray(values, np.float64)[reach, reach]
    return ((part + part[::-1, ::-1]) / 2)[len(part) // 2 :]


def check_pattern(values: Floats, what: str, settings: DetectorSettings) -> None:
    """Refuse a pattern that the models do not know; see :func:`read_pattern`."""
    size = 2 * settings.rings_half + 1
    if values.shape != (size, size):
        shape = " x ".join(map(str, values.shape))
        raise DataError(
            f"{what}: {shape} pixels; the models know {size} x {size} with the direct beam in the "
            f"middle, pixel k at the wave number 2 pi k / {settings.period}: crop or bin it so"
        )
    if not np.isfinite(values).all():
        raise DataError(f"{what}: {int((~np.isfinite(values)).sum())} pixels are not finite")
    if (values < 0).any():
        raise DataError(
            f"{what}: {int((values < 0).sum())} pixels are negative: no counts; is a background "
            f"subtracted, or the logarithm taken? Give the counts"
        )
    outside = _outside(values, settings)
    if values[outside].sum() < FEWEST:
        raise DataError(
            f"{what}: {values[outside].sum():g} photons outside of the hidden centre; the models "
            f"need {FEWEST:g} at least. Give counts, not a pattern scaled to one"
        )
    _refuse_saturated(values, outside, what)
    _refuse_corner(values, what)
    match = _self_match(values, outside)
    _refuse_shift(match, what)
    _check_pixels(values, outside, what)
    _check_symmetry(match, what)


def _outside(values: Floats, settings: DetectorSettings) -> NDArray[np.bool_]:
    axis = abs(np.arange(len(values)) - len(values) // 2)
    return np.maximum(axis[:, None], axis[None, :]) > settings.hidden


def _refuse_saturated(values: Floats, outside: NDArray[np.bool_], what: str) -> None:
    top = values[outside].max()
    plateau = int((values[outside] == top).sum())
    if plateau > PLATEAU and top > 100:
        raise DataError(
            f"{what}: {plateau} pixels outside of the centre hold the same largest value {top:g}: "
            f"saturated; take a shorter exposure"
        )


def _check_pixels(values: Floats, outside: NDArray[np.bool_], what: str) -> None:
    dead = (values == 0) & (values[::-1, ::-1] > DEAD) & outside
    if dead.any():
        row, column = (int(k) for k in np.argwhere(dead)[0])
        raise DataError(
            f"{what}: {int(dead.sum())} pixels hold nothing where their mates on the other side of "
            f"the direct beam are bright, the first in row {row}, column {column}: dead pixels or "
            f"a beam stop; fill them from their mates, I(-q) = I(q)"
        )
    hot = (values > HOT * values[::-1, ::-1] + DEAD) & outside
    if 0 < hot.sum() <= FEW_HOT:  # more: another centre, see below
        row, column = (int(k) for k in np.argwhere(hot)[0])
        raise DataError(
            f"{what}: {int(hot.sum())} pixels hold more than {HOT:g} times what their mates on the "
            f"other side of the direct beam hold, the first in row {row}, column {column}: hot "
            f"pixels or dead mates; fill them from their mates, I(-q) = I(q)"
        )


def _refuse_corner(values: Floats, what: str) -> None:
    """The direct beam is the brightest pixel by far, and in the middle."""
    middle = len(values) // 2
    row, column = (int(k) for k in np.unravel_index(int(values.argmax()), values.shape))
    if max(abs(row - middle), abs(column - middle)) > middle // 2:
        raise DataError(
            f"{what}: its brightest pixel lies in row {row}, column {column}, far from the middle: "
            f"hot, or the direct beam is in a corner (np.fft.fftshift brings it to the middle)"
        )


def _self_match(values: Floats, outside: NDArray[np.bool_]) -> Floats:
    """Correlation of a pattern with itself turned by half a turn, for every centre.

    Of the roots of its values, over that of a perfect match; a centre that is s pixels off the
    middle stands at index 2 s, modulo the size. The pattern of a real density is equal to itself
    turned about the direct beam.
    """
    roots = np.sqrt(values) * outside
    turned = np.fft.fft2(roots) ** 2  # correlation of the pattern with itself turned
    match = np.fft.ifft2(turned).real
    norm = float(np.sum(roots**2))
    middle = len(values) // 2
    return np.roll(match, (-2 * middle, -2 * middle), (0, 1)) / norm


def _refuse_shift(match: Floats, what: str) -> None:
    size = len(match)
    place = np.unravel_index(int(match.argmax()), match.shape)
    row, column = ((int(k) + size // 2) % size - size // 2 for k in place)
    shift = (row / 2, column / 2)
    if shift != (0, 0) and match.max() >= FRIEDEL:
        raise DataError(
            f"{what}: the direct beam is {shift[0]:+g} rows and {shift[1]:+g} columns off the "
            f"middle (the pattern is symmetric about that point): crop it about the direct beam"
        )


def _check_symmetry(match: Floats, what: str) -> None:
    if match[0, 0] < FRIEDEL:
        raise DataError(
            f"{what}: the pattern is not symmetric about its middle (correlation "
            f"{match[0, 0]:.2f}, at least {FRIEDEL:g}): another centre, or too "
            f"few photons"
        )
