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
UNCOVERED = 0.5  # of a spine: least that no coloured line lies on
GAP = 3  # pixels: noise may break a thin spine for less than this
CORNER = 10.0  # pixels: how near spines end to each other; a tick mark may lengthen one


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


def spines(image: Picture, tall: int, wide: int) -> tuple[list[Straight], list[Straight]]:
    """Straight lines without colour across and down, also where a coloured line lies on them.

    Parameters
    ----------
    tall, wide
        Shortest line down and across, pixels.
    """
    across = straight_lines(_bridged(image.grey, image.ink, wide), image.contrast, wide)
    down = straight_lines(_bridged(image.grey.T, image.ink.T, tall), image.contrast.T, tall)
    return across, down


def _bridged(grey: Mask, ink: Mask, least: int) -> Mask:
    """Grey ink, and in rows with a long run of ink, half of it grey at least, all of the run."""
    out = grey.copy()
    for row, line in enumerate(ink):
        first, last = longest_run(line)
        run = slice(first, last + 1)
        if last - first + 1 >= least and grey[row, run].mean() >= UNCOVERED:
            out[row, run] = True
    return out


def find_box(image: Picture) -> Box:
    """Frame of the plot of a picture.

    Raises
    ------
    DataError
        If there is no horizontal and vertical spine, or several plots lie in the picture.
    """
    height, width = image.ink.shape
    across, down = spines(image, int(LONG * height), int(LONG * width))
    if not across or not down:
        which = "horizontal" if not across else "vertical"
        raise DataError(f"no frame: no {which} straight line of {100 * LONG:.0f} % of the picture")
    corners = [(h, v) for h in across for v in down if meet(h, v)]
    if not corners:
        raise DataError("no frame: no horizontal and vertical straight lines meet in a corner")
    return _box(*max(corners, key=lambda c: c[0].length * c[1].length), across, down)


def _near(one: float, other: float) -> bool:
    return abs(one - other) < CORNER


def meet(horizontal: Straight, vertical: Straight) -> bool:
    """Whether two lines end at each other, as spines do and lines of the plot do not."""
    at_end = _near(horizontal.first, vertical.at) or _near(horizontal.last, vertical.at)
    return at_end and (_near(vertical.first, horizontal.at) or _near(vertical.last, horizontal.at))


def _box(
    horizontal: Straight, vertical: Straight, across: list[Straight], down: list[Straight]
) -> Box:
    """Frame of two spines that meet; a side without a spine is where the spine across it ends."""
    sides, seen = [], []
    for name, end, own, others in (
        ("left", horizontal.first, vertical, down),
        ("top", vertical.first, horizontal, across),
        ("right", horizontal.last, vertical, down),
        ("bottom", vertical.last, horizontal, across),
    ):
        there = [s for s in others if _near(s.at, end) and s.length > 0.9 * own.length]
        sides.append(max(there, key=lambda s: s.length).at if there else float(end))
        seen += [name] if there else []
    left, top, right, bottom = sides
    if right - left < AT_LEAST or bottom - top < AT_LEAST:
        raise DataError("no frame: the straight lines of the picture enclose no plot")
    return Box(left, top, right, bottom, tuple(seen))
