"""The title of the y axis, where it stands so near that it passes for a part of the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from defectra.images.digitise.box import Box
from defectra.images.digitise.picture import Mask, Picture
from defectra.images.digitise.words import FAINT, without_marks

NARROW = 3  # pixels: least gap between title and numbers
EVEN = 1.3  # largest height of a number over that of the median
ROWS = 3  # fewest numbers


def without_title(image: Picture, box: Box) -> Picture | None:
    """A picture whose y axis has lost its title; None if there is none beside its numbers.

    The title runs upwards beside them: what is right of it are rows of text of one height, and
    what is left of it fills rows between these. A digit that is cut off does not.
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
    own = title.any(axis=1)
    return bool((own & ~rows).sum() > 0.3 * own.sum())


def _blank(image: Picture, columns: int) -> Picture:
    """A picture with background in its first columns."""
    rgb, ink, grey = image.rgb.copy(), image.ink.copy(), image.grey.copy()
    rgb[:, :columns] = image.background
    ink[:, :columns] = grey[:, :columns] = False
    return replace(image, rgb=rgb, ink=ink, grey=grey)
