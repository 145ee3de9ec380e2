"""Bands of a picture beside a frame: where numbers stand, without tick marks and other text."""

from __future__ import annotations

import numpy as np

from defectra.images.digitise.picture import Floats

FAINT = 60.0  # contrast of ink, of 255
MARK = 14  # pixels: longest tick mark of pictures of usual size
MARK_SHARE = 0.024  # of the length of the axis: that of large ones


def without_marks(part: Floats) -> Floats:
    """A band, its first row at the spine, without the tick marks: what is joined to that row."""
    from scipy.ndimage import find_objects, label

    if not len(part):
        return part
    pieces, _ = label(part > FAINT / 2, np.ones((3, 3)))
    at_spine = {int(k) for k in np.unique(pieces[0]) if k}
    boxes = find_objects(pieces)
    longest = max(MARK, MARK_SHARE * part.shape[1])
    short = [k for k in at_spine if boxes[k - 1][0].stop <= longest]
    return np.where(np.isin(pieces, short), 0.0, part)


def without_corner(part: Floats, corner: int) -> Floats:
    """A band below the frame without the lower half of the last number of the y axis.

    That number stands left of the corner, at the height of the spine: its point or comma lies below
    the spine by itself, down to half of what is below of the digits, and would be a line of text.

    Parameters
    ----------
    corner
        Column of the left spine in the band.
    """
    from scipy.ndimage import find_objects, label

    beside = part[:, : max(corner - 2, 0)]
    if not beside.size:
        return part
    pieces, _ = label(part > FAINT / 2, np.ones((3, 3)))
    boxes = find_objects(pieces)
    cut = [boxes[k - 1] for k in np.unique(pieces[0, : beside.shape[1]]) if k]
    low = max((b[0].stop for b in cut if b[1].stop <= corner), default=0)
    gone = [b[1].stop <= corner and b[0].stop <= 1.5 * low + 1 for b in boxes]
    # a number of x that stands at the same height left and right of the corner is joined to it
    reach = corner + max((corner - b[1].start for b, own in zip(boxes, gone) if own), default=0)
    gone = [own or (b[0].start < low and b[1].start < reach) for b, own in zip(boxes, gone)]
    return np.where(np.isin(pieces, 1 + np.flatnonzero(gone)), 0.0, part)


def first_line(part: Floats) -> Floats:
    """The first line of text of a band, from its top."""
    ink = (part > FAINT).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    ends = [int(b) for a, b in zip(edges[::2], edges[1::2]) if b - a >= 4]
    return part[: ends[0] + 1] if ends else part


def last_block(part: Floats, letters: float) -> int:
    """First column of the numbers that end at the axis: behind the title of the axis."""
    ink = (part > FAINT).any(axis=0)
    columns = np.flatnonzero(ink)
    if not len(columns):
        return 0
    gaps = np.flatnonzero(np.diff(columns) > max(3.0, 0.5 * letters))
    return max(int(columns[gaps[-1] + 1]) - 1, 0) if len(gaps) else 0
