"""The title of the y axis, where it stands so near that it passes for a part of the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import binary_closing

from defectra.images.digitise.bands import FAINT, without_marks
from defectra.images.digitise.box import Box, longest_run
from defectra.images.digitise.picture import Mask, Picture

NARROW = 3  # pixels: least gap between title and numbers
EVEN = 1.3  # largest height of a number over that of the median
ROWS = 3  # fewest numbers
LONG = 3.0  # heights of a number: shortest word of a title; a base of powers is shorter


def without_title(image: Picture, box: Box) -> Picture | None:
    """A picture whose y axis has lost its title; None if there is none beside its numbers.

    The title runs upwards beside them: what is right of it are rows of text of one height, and it
    is a word of many such heights. Digits that are cut off, or the 10 of a power, are not.
    """
    top, left = max(round(box.top) - 15, 0), round(box.left)
    part = image.contrast[top : round(box.bottom) + 15, :left]
    ink = without_marks(part[:, ::-1].T).T[:, ::-1] > FAINT
    columns = np.flatnonzero(ink.any(axis=0))
    for k in np.flatnonzero(np.diff(columns) > NARROW):
        first, end = int(columns[k]) + 1, int(columns[k + 1])
        if _is_title(ink[:, :first], ink[:, end:]):
            return _blank(image, first)
    return None


def _is_title(title: Mask, numbers: Mask) -> bool:
    rows = numbers.any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]).astype(np.int8)))
    heights = edges[1::2] - edges[::2]
    if len(heights) < ROWS or heights.max() > EVEN * np.median(heights) + 1:
        return False
    tall = float(np.median(heights))
    between = 2 * int(tall / 4) + 1  # letters of a word stand nearer than that
    own = binary_closing(np.pad(title.any(axis=1), between), np.ones(between))
    first, last = longest_run(own)
    return last - first + 1 > LONG * tall


def _blank(image: Picture, columns: int) -> Picture:
    """A picture with background in its first columns."""
    rgb, ink, grey = image.rgb.copy(), image.ink.copy(), image.grey.copy()
    rgb[:, :columns] = image.background
    ink[:, :columns] = grey[:, :columns] = False
    return replace(image, rgb=rgb, ink=ink, grey=grey)
