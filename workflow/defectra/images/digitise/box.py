"""The frame of a plot: its spines, found as long straight lines, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_closing

from defectra.core.errors import DataError
from defectra.images.digitise.picture import Floats, Mask, Picture

LONG = 0.3  # of the width or height: shortest spine
AT_LEAST = 30  # pixels between opposite spines
THICK = 5  # pixels: thickest spine
GAP = 5  # pixels: noise may break a thin spine for less than this


@dataclass(frozen=True)
class Box:
    """Frame of a plot: middle of the spines, pixels from the top left; and which were seen.

    Attributes
    ----------
    seen
        Names of the sides that have a spine; the others are the ends of those.
    """

    left: float
    top: float
    right: float
    bottom: float
    seen: tuple[str, ...] = ()

    @property
    def sides(self) -> Floats:
        """Left, top, right, bottom."""
        return np.array([self.left, self.top, self.right, self.bottom])


@dataclass(frozen=True)
class Straight:
    """A straight line: where it is across, and from where to where it runs."""

    at: float
    first: int
    last: int

    @property
    def length(self) -> int:
        """Pixels."""
        return self.last - self.first + 1


def longest_run(row: Mask) -> tuple[int, int]:
    """First and last pixel of the longest run of ink in a row; (0, -1) if there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2] - 1
    if not len(starts):
        return 0, -1
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best])


def straight_lines(mask: Mask, weight: Floats, least: int) -> list[Straight]:
    """Horizontal lines of a mask.

    Parameters
    ----------
    weight
        Contrast, shape of `mask`: the middle of a line is that of its contrast.
    least
        Shortest line, pixels.
    """
    closed = binary_closing(np.pad(mask, GAP), np.ones((1, GAP)))[GAP:-GAP, GAP:-GAP]
    runs = [longest_run(row) for row in closed]
    long = [k for k, (first, last) in enumerate(runs) if last - first + 1 >= least]
    out = []
    for group in np.split(long, np.flatnonzero(np.diff(long) > 1) + 1) if long else []:
        if len(group) > THICK:
            continue
        best = max(group, key=lambda k: runs[k][1] - runs[k][0])
        first, last = runs[best]
        rows = np.arange(max(group[0] - 1, 0), min(group[-1] + 2, len(mask)))
        inner = slice(first + (last - first) // 10, last - (last - first) // 10 + 1)
        mean = np.median(weight[rows, inner], axis=1)
        out.append(Straight(float((rows * mean).sum() / mean.sum()), first, last))
    return out


def find_box(image: Picture) -> Box:
    """Frame of the plot of a picture.

    Raises
    ------
    DataError
        If there is no horizontal and vertical spine, or several plots lie in the picture.
    """
    height, width = image.ink.shape
    weight = image.contrast
    across = straight_lines(image.grey, weight, int(LONG * width))
    down = straight_lines(image.grey.T, weight.T, int(LONG * height))
    if not across or not down:
        which = "horizontal" if not across else "vertical"
        raise DataError(f"no frame: no {which} straight line of {100 * LONG:.0f} % of the picture")
    longest = max(across, key=lambda s: s.length)
    across = [s for s in across if s.length > 0.9 * longest.length and _beside(s, longest)]
    tallest = max(down, key=lambda s: s.length)
    down = [s for s in down if s.length > 0.9 * tallest.length and _beside(s, tallest)]
    return _box(across, down)


def _beside(one: Straight, other: Straight) -> bool:
    """Whether two parallel lines run from the same start to the same end."""
    near = 0.03 * other.length + 3
    return abs(one.first - other.first) < near and abs(one.last - other.last) < near


def _box(across: list[Straight], down: list[Straight]) -> Box:
    """Frame from the lines; a side without a spine is where the spines across it end."""
    bottom, top = max(s.at for s in across), min(s.at for s in across)
    left, right = min(s.at for s in down), max(s.at for s in down)
    seen = []
    if right - left < AT_LEAST:  # one vertical spine
        middle = 0.5 * (across[0].first + across[0].last)
        is_left = left < middle
        seen.append("left" if is_left else "right")
        left, right = (left, float(across[0].last)) if is_left else (float(across[0].first), right)
    else:
        seen += ["left", "right"]
    if bottom - top < AT_LEAST:
        middle = 0.5 * (down[0].first + down[0].last)
        is_bottom = bottom > middle
        seen.append("bottom" if is_bottom else "top")
        ends = float(down[0].first), float(down[0].last)
        top, bottom = (ends[0], bottom) if is_bottom else (top, ends[1])
    else:
        seen += ["top", "bottom"]
    if right - left < AT_LEAST or bottom - top < AT_LEAST:
        raise DataError("no frame: the straight lines of the picture enclose no plot")
    return Box(left, top, right, bottom, tuple(seen))
