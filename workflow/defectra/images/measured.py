"""Measured patterns and images of a user: read, checked, and refused where they cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.images.formats import Found, arrays_of

LEAST = 8  # pixels along each axis; what is narrower is a curve or a table
FULL = 0.97  # share of the range of an integer type that counts do not reach by chance
TO_ANGSTROM = {"nm": 10.0, "A": 1.0, "Å": 1.0, "µm": 1e4, "um": 1e4, "pm": 0.01}  # units of pixels
SATURATED = 0.01  # share of pixels at the largest value of an integer image that is reported


@dataclass(frozen=True)
class Image:
    """One measured pattern or image.

    Attributes
    ----------
    values
        Shape (h, w), the first axis downwards; all finite.
    name
        Of the array in its file.
    pixel, pixel_unit
        Size of a pixel along both axes, and its unit; None and empty where the file does not say.
    notes
        What is to be known: negative values, saturation, a heading that was passed over.
    altered
        Why the values cannot be the counts of a detector; empty where nothing speaks against it.
    """

    values: NDArray[np.float64]
    name: str = ""
    pixel: tuple[float, float] | None = None
    pixel_unit: str = ""
    notes: tuple[str, ...] = ()
    altered: str = ""


def read_image(path: str | Path, name: str = "", number: int | None = None) -> Image:
    """The pattern or image of a file: npy, npz, mat, h5, tif, png, dm3, dm4, csv or txt.

    Parameters
    ----------
    name
        Of the array, if the file holds several.
    number
        Of the image, from 0, if the array holds several along its first axis.

    Raises
    ------
    DataError
        If the file cannot be read, holds no image, or several and none is chosen, or values that
        are not finite, complex, logical or all equal.
    LibraryError
        If the library of its format is not installed.
    """
    path = Path(path)
    found = _chosen(path, [f for f in arrays_of(path) if f.values.ndim >= 2], name)
    values, pixel = _one(path, found, number), found.pixel
    notes = [*found.notes, *_notes(path, values)]
    two = (pixel[-2], pixel[-1]) if pixel is not None and len(pixel) >= 2 else None
    return Image(
        np.asarray(values, np.float64),
        found.name,
        two,
        found.pixel_unit if two else "",
        tuple(notes),
        altered(values, found.lossy),
    )


def read_counts_image(path: str | Path, name: str = "") -> Image:
    """The same of a pattern whose values must be those that a detector gave.

    Raises
    ------
    DataError
        Beside that of :func:`read_image`, of a JPEG, or of values that reach to the end of their
        integer type: scaled to it, clipped by it, or wrapped round.
    """
    image = read_image(path, name)
    if image.altered:
        raise DataError(f"{path}: {image.altered}; give the counts as the detector gave them")
    return image


def altered(values: NDArray[np.generic], lossy: bool = False) -> str:
    """Why values cannot be the counts of a detector; empty where nothing speaks against it."""
    if lossy:
        return "a JPEG changes intensities"
    whole: Any = values.dtype
    if whole.kind in "iu" and float(values.max()) >= FULL * np.iinfo(whole).max:
        return (
            f"values up to {values.max()}, the end of type {whole} "
            f"({np.iinfo(whole).max}): scaled to it, clipped, or wrapped round"
        )
    return ""


def _chosen(path: Path, found: list[Found], name: str) -> Found:
    """The array that is asked for, or the only one."""
    same = [f for f in found if f.name == name] if name else found
    if len(same) == 1:
        return same[0]
    if not found:
        raise DataError(f"{path}: no array of numbers with two axes")
    known = ", ".join(f"{f.name or '(no name)'} {_size(f.values)}" for f in found)
    what = f"no array {name}" if name else "several arrays"
    raise DataError(f"{path}: {what}; choose of {known}")


def _one(path: Path, found: Found, number: int | None) -> NDArray[np.generic]:
    """The image of an array."""
    values: NDArray[np.generic] = found.values
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and number is not None:
        if not 0 <= number < len(values):
            raise DataError(f"{path}: no image {number}; there are {len(values)}, from 0")
        values = values[number]
    if values.ndim != 2:
        advice = (
            f"{len(values)} images: choose one by its number, from 0" if values.ndim == 3 else ""
        )
        raise DataError(
            f"{path}: an array of {_size(values)}, not one image; {advice}".rstrip("; ")
        )
    if min(values.shape) < LEAST:
        raise DataError(
            f"{path}: {_size(values)} values; an image has at least {LEAST} along each axis (a "
            f"curve is read by `defectra look`)"
        )
    return values


def _notes(path: Path, values: NDArray[np.generic]) -> list[str]:
    """What is to be known of the values; what cannot be used is refused."""
    if values.dtype.kind == "b":
        raise DataError(f"{path}: values are true or false: a mask, no intensities")
    if values.dtype.kind == "c":
        raise DataError(f"{path}: complex values; save the intensity or the modulus")
    bad = ~np.isfinite(values.astype(np.float64))
    if bad.any():
        row, column = (int(k) for k in np.argwhere(bad)[0])
        raise DataError(
            f"{path}: {int(bad.sum())} of {values.size} values are not finite, the first in row "
            f"{row}, column {column}; fill or cut them before"
        )
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise DataError(f"{path}: every value is {low:g}; it decides nothing")
    notes = []
    if low < 0:
        notes.append(
            f"{int((values.astype(np.float64) < 0).sum())} values are negative, down to {low:g}: "
            f"no counts"
        )
    whole: Any = values.dtype
    if whole.kind in "iu" and high == np.iinfo(whole).max:
        share = float((values.astype(np.float64) == high).mean())
        if share > SATURATED:
            notes.append(f"saturated: {100 * share:.1f} % of the pixels have the largest value")
    return notes


def _size(values: NDArray[np.generic]) -> str:
    return " x ".join(map(str, values.shape))
