"""A picture of a plot as arrays: background, ink, and what is dark and without colour."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, LibraryError
from defectra.core.paths import why_no_file

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
LEAST = 60  # pixels along each side of a picture
INK = 60.0  # smallest difference from the background, of 255
GREY = 40.0  # largest spread of the colours of what counts as grey


@dataclass(frozen=True, eq=False)  # two pictures are the same if they are one
class Picture:
    """A picture.

    Attributes
    ----------
    rgb
        Shape (h, w, 3), 0 to 255.
    background
        Its most frequent colour, shape (3,).
    ink
        Pixels that differ from the background, shape (h, w).
    grey
        Ink without colour: spines, ticks, text and grey or black lines.
    """

    rgb: Floats
    background: Floats
    ink: Mask
    grey: Mask

    @functools.cached_property
    def contrast(self) -> Floats:
        """Difference from the background, the largest of the colours, shape (h, w)."""
        return np.asarray(np.abs(self.rgb - self.background).max(axis=2))


def picture(rgb: NDArray[np.generic]) -> Picture:
    """Picture of an array.

    Parameters
    ----------
    rgb
        Shape (h, w, 3), 0 to 255.

    Raises
    ------
    DataError
        If it is too small, or has no uniform background, as photographs and heat maps have.
    """
    values = np.asarray(rgb, float)
    if values.ndim != 3 or values.shape[2] != 3 or min(values.shape[:2]) < LEAST:
        raise DataError(f"a picture of shape {values.shape}: at least {LEAST} pixels a side, RGB")
    coarse = (values // 16).astype(int)
    codes = coarse[..., 0] * 256 + coarse[..., 1] * 16 + coarse[..., 2]
    most = int(np.bincount(codes.ravel()).argmax())
    chosen = codes == most
    background = values[chosen].mean(axis=0)
    difference = np.abs(values - background).max(axis=2)
    near = float((difference < INK).mean())
    if near < 0.5:
        raise DataError(
            f"no uniform background: only {100 * near:.0f} % of the picture has one colour; this "
            f"is no plot of lines (a photograph, a heat map?)"
        )
    ink = difference >= INK
    grey = ink & (np.ptp(values, axis=2) < GREY)
    return Picture(values, background, ink, grey)


def read_picture(path: Path) -> Picture:
    """Picture of a file (png, jpg, tif, bmp, gif); what is transparent is white.

    Raises
    ------
    DataError
        If it cannot be read as a picture; the message names the file.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise LibraryError("Pillow is missing: make .venv/.installed") from None

    try:
        with Image.open(path) as file:
            canvas = Image.new("RGBA", file.size, "white")
            canvas.alpha_composite(file.convert("RGBA"))
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{path}: {why_no_file(path)}") from None
    except PermissionError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as a picture ({error})") from None
    try:
        return picture(np.asarray(canvas.convert("RGB")))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
