"""What of a reading is to be doubted, and what of it lies on no ink.

A line that was followed across a gap is bridged by a straight piece; what was not seen is left out
here. Closed curves and insets without a frame are refused. The rest gets remarks: short or
straight lines, two that lie on each other, ink that belongs to none of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, label

from defectra.core.errors import DataError
from defectra.images.digitise.beside import INSIDE, framed_inside
from defectra.images.digitise.box import Box, Straight, straight_lines
from defectra.images.digitise.line import Line
from defectra.images.digitise.lines import DASH, inner
from defectra.images.digitise.picture import Floats, Mask, Picture
from defectra.images.digitise.refusals import SHORT

REACH = 2.0  # pixels beyond half of the width of a line: still its ink
CLOSED = 0.06  # of the frame, each way: least size of a closed curve
CORNER = 4.0  # pixels: how near two straight lines end to each other in a corner
BENT = 0.8  # pixels and a quarter of its width: how far a straight line leaves a straight one
STRAIGHT = 0.85  # share of the columns in which it is
ONE = 0.03, 0.6  # of the frame, share of the columns: nearer for longer, two lines may be one
SHARED = 0.01  # of the frame: shortest end of a line that lies on another
JUMP = 0.03  # of the frame: within how many columns a lost line jumps to another
PALE = 25.0  # contrast, of 255: what has more is no paper
GRID = 0.3  # share of a row or column: pale lines that fill more are a grid
LEFT = 0.08, 0.15  # of the width, of the height: least size of a piece of ink that is no word
EQUAL = 12  # fewest small pieces of one size that are markers or dashes, and no letters
ALIKE = 0.25, 0.45  # how near their areas are to that of the commonest; share of all small pieces


def _has_ink(line: Line, image: Picture, box: Box) -> Mask:
    """Columns of a line that have ink where it runs."""
    ink, top, left = inner(image, box)
    reach = int(line.width / 2 + REACH)
    rows = np.round(line.row).astype(int) - top
    columns = line.column.astype(int) - left
    near = rows[:, None] + np.arange(-reach, reach + 1)[None, :]
    inside = (near >= 0) & (near < ink.shape[0])
    found = (ink[np.clip(near, 0, ink.shape[0] - 1), columns[:, None]] & inside).any(axis=1)
    return np.asarray(found)


def without_gaps(line: Line, image: Picture, box: Box) -> Line:
    """A line without the columns in gaps of its ink that are longer than those of a dashed line."""
    keep = _has_ink(line, image, box)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], keep, [True]]).astype(np.int8)))
    for first, end in zip(edges[::2], edges[1::2]):
        if end - first <= DASH * (box.right - box.left):
            keep[first:end] = True
    return replace(line, column=line.column[keep], row=line.row[keep])


def without_shared_ends(lines: Sequence[Line], image: Picture, box: Box) -> list[Line]:
    """Lines without the ends that lie on another line of their colour, behind a jump without ink.

    A line whose ink ends goes on along that of another; which of the two jumped there is lost.
    """
    out = list(lines)
    for a, b in itertools.permutations(range(len(out)), 2):
        if out[a].colour == out[b].colour:
            ink = _has_ink(out[a], image, box)
            keep = _before_shared_end(out[a], out[b], ink, box.right - box.left)
            back = _before_shared_end(out[a], out[b], ink, box.right - box.left, step=-1)
            both = keep & back
            out[a] = replace(out[a], column=out[a].column[both], row=out[a].row[both])
    return [line for line in out if len(line.column) > 1]


def _before_shared_end(one: Line, other: Line, ink: Mask, width: float, step: int = 1) -> Mask:
    """Columns of a line before a jump behind which it lies on another up to its end.

    Parameters
    ----------
    step
        1: up to its last column; -1: to its first.
    """
    keep = np.ones(len(one.column), bool)
    column, row, ink = one.column[::step], one.row[::step], ink[::step]
    theirs = np.interp(column, other.column, other.row, left=np.nan, right=np.nan)
    apart = np.flatnonzero(~(np.abs(row - theirs) <= 1 + one.width))
    last = int(apart[-1]) if len(apart) else -1
    if last < 1 or len(row) - 1 - last < SHARED * width:
        return keep
    first = max(last - int(JUMP * width), 0)
    mine, its = (float(np.ptp(r[first : last + 2])) for r in (row, theirs))
    bare = np.flatnonzero(~ink[first : last + 2])
    if len(bare) > 1 and mine > 2 * np.nan_to_num(its) + one.width:
        keep[::step] = np.arange(len(row)) < first + int(bare[0])
    return keep


def refuse_closed(image: Picture, box: Box, lines: int) -> None:
    """Refuse closed curves, as contours are, beside other lines.

    A single loop is read as its upper and its lower branch.

    Raises
    ------
    DataError
        If there is a closed curve and more than two lines were found.
    """
    ink, _, _ = inner(image, box)
    holes, _ = label(~ink)
    closed = 0
    for number, place in enumerate(find_objects(holes), 1):
        high, wide = (s.stop - s.start for s in place)
        if high < CLOSED * ink.shape[0] or wide < CLOSED * ink.shape[1]:
            continue
        closed += _is_round(holes == number, ink, place[1].start, place[1].stop - 1)
    if closed and lines > 2:
        raise DataError(
            f"{closed} closed curves beside other lines (contours?): a line has one value at each x"
        )


def _is_round(hole: Mask, ink: Mask, first: int, last: int) -> bool:
    """Whether the curve around a hole turns back at both of its ends, and no line goes on there."""
    for end, away in ((first, -1), (last, 1)):
        rows = np.flatnonzero(hole[:, end])
        at = end + away
        while 0 <= at < ink.shape[1] and ink[rows, at].any():
            at += away
        if not 0 <= at + 3 * away < ink.shape[1]:
            return False  # at the frame
        around = slice(max(int(rows[0]) - 4, 0), int(rows[-1]) + 5)
        if ink[around, at + 2 * away].any():
            return False
    return True


def refuse_open_inset(image: Picture, box: Box) -> None:
    """Refuse a corner of two straight lines inside the frame: an inset whose frame is not closed.

    Raises
    ------
    DataError
        If there is one.
    """
    ink, top, left = inner(image, box)
    rows = slice(top, top + ink.shape[0])
    columns = slice(left, left + ink.shape[1])
    grey, contrast = image.grey[rows, columns] & ink, image.contrast[rows, columns]
    across = straight_lines(grey, contrast, int(INSIDE[0] * ink.shape[1]))
    down = straight_lines(grey.T, contrast.T, int(INSIDE[0] * ink.shape[0]))
    for one, other in itertools.product(across, down):
        if _is_lower_left(one, other) and _beyond(ink, one, other):
            at = f"column {other.at + left:.0f}, row {one.at + top:.0f}"
            raise DataError(
                f"two straight lines with marks meet inside the frame ({at}): an inset; cut it out "
                f"of the picture"
            )


def _is_lower_left(horizontal: Straight, vertical: Straight) -> bool:
    ends = (horizontal.first - vertical.at, vertical.last - horizontal.at)
    return all(abs(end) < CORNER for end in ends)


def _beyond(ink: Mask, horizontal: Straight, vertical: Straight) -> bool:
    """Whether tick marks or numbers stand left of the one and below the other line."""
    row, column = round(horizontal.at), round(vertical.at)
    below = ink[row + 3 : row + 5, horizontal.first : horizontal.last]
    beside = ink[vertical.first : vertical.last, max(column - 4, 0) : max(column - 2, 0)]
    counts = [_strokes(np.asarray(part)) for part in (below.any(axis=0), beside.any(axis=1))]
    return min(counts) > 1


def _strokes(ink: Mask) -> int:
    return int((np.diff(np.concatenate([[False], ink]).astype(np.int8)) == 1).sum())


def remarks(lines: Sequence[Line], width: float) -> list[list[str]]:
    """What is to be looked at of each line.

    Parameters
    ----------
    width
        Of the frame, pixels.
    """
    out = []
    for k, line in enumerate(lines):
        own = []
        if len(line.column) < SHORT * width:
            own.append("SHORT: an arrow, or a key of a legend?")
        elif _is_straight(line):
            own.append("STRAIGHT: an arrow, or a guide?")
        own += _gaps(line, DASH * width)
        own += [
            f"MEETS line {n + 1} of its colour in column {at:.0f}: which goes on where is inferred"
            for n, other in enumerate(lines)
            if n != k and (at := _meeting(line, other)) is not None
        ]
        own += [
            f"LIES ON line {n + 1} for most of its way: one line, or markers?"
            for n, other in enumerate(lines)
            if n != k and _lie_together(line, other, width)
        ]
        out.append(own)
    return out


def _is_straight(line: Line) -> bool:
    """Whether most of a line lies on a straight one, as that of an arrow does up to its head."""
    middle = slice(len(line.column) // 10, -(len(line.column) // 10) or None)
    fitted = np.polyfit(line.column[middle], line.row[middle], 1)
    away = np.abs(line.row - np.polyval(fitted, line.column))
    return bool((away < BENT + line.width / 4).mean() > STRAIGHT)


def _gaps(line: Line, least: float) -> list[str]:
    steps = np.diff(line.column)
    places = np.flatnonzero(steps > least)
    if not len(places):
        return []
    where = ", ".join(f"{line.column[p]:.0f} to {line.column[p + 1]:.0f}" for p in places[:4])
    return [f"IN PIECES: no ink in columns {where}; left out"]


def _meeting(one: Line, other: Line) -> float | None:
    """First column in which two lines of one colour share their ink; None if there is none."""
    if one.colour != other.colour:
        return None
    columns, a, b = np.intersect1d(one.column, other.column, return_indices=True)
    near = np.abs(one.row[a] - other.row[b]) < one.width + 1
    return float(columns[near][0]) if near.any() else None


def _lie_together(one: Line, other: Line, width: float) -> bool:
    """Whether two lines of one colour are near each other for most of the shorter one."""
    if one.colour != other.colour:
        return False
    _, a, b = np.intersect1d(one.column, other.column, return_indices=True)
    near = np.abs(one.row[a] - other.row[b]) < max(ONE[0] * width, 2 * one.width + 1)
    return int(near.sum()) > ONE[1] * min(len(one.column), len(other.column))


def ink_left(lines: Sequence[Line], image: Picture, box: Box) -> str:
    """What ink inside the frame lies on no line, but words; empty if there is none to speak of."""
    ink, top, left = inner(image, box)
    said = []
    if framed_inside(image, box):
        said.append("what lies behind a frame (legend, inset)")
    if _has_pale(image.contrast[top : top + ink.shape[0], left : left + ink.shape[1]], ink):
        said.append("pale lines or areas")
    return ", ".join([*said, *_pieces_left(ink & ~_explained(lines, ink.shape, top, left), lines)])


def _has_pale(contrast: Floats, ink: Mask) -> bool:
    """Whether there are large pieces of less contrast than ink has, but those of a grid."""
    pale = (contrast > PALE) & ~binary_dilation(ink, np.ones((7, 7)))
    pale[:, pale.mean(axis=0) > GRID] = False
    pale[pale.mean(axis=1) > GRID] = False
    parts, _ = label(pale, np.ones((3, 3)))
    wide = [place[1].stop - place[1].start for place in find_objects(parts)]
    return max(wide, default=0) > LEFT[0] * ink.shape[1]


def _pieces_left(rest: Mask, lines: Sequence[Line]) -> list[str]:
    """Pieces of ink that are no words, in words."""
    parts, count = label(rest, np.ones((3, 3)))
    if not count:
        return []
    sizes = [[s.stop - s.start for s in place] for place in find_objects(parts)]
    high, wide = np.array(sizes).T
    area = np.bincount(parts.ravel())[1:]
    level = high < 3 + min((t.width for t in lines), default=1.0)
    long = (wide > LEFT[0] * rest.shape[1]) & ~level | (high > LEFT[1] * rest.shape[0])
    small = area[~long & (area > 3)]
    said = [f"{long.sum()} pieces of a line"] if long.any() else []
    alike = (np.abs(small[:, None] / small[None, :] - 1) < ALIKE[0]).sum(axis=0)
    equal = int(alike.max(initial=0))
    if equal >= EQUAL and equal > ALIKE[1] * len(small):
        said.append(f"{equal} equal pieces (markers, dashes)")
    return said


def _explained(
    lines: Sequence[Line], shape: tuple[int, ...], top: int, left: int
) -> NDArray[np.bool_]:
    """Pixels of the lines: between the rows of neighbouring columns, and their width about them."""
    out = np.zeros(shape, bool)
    for line in lines:
        rows = line.row - top
        low = np.minimum(rows, np.minimum(np.roll(rows, 1), np.roll(rows, -1)))
        high = np.maximum(rows, np.maximum(np.roll(rows, 1), np.roll(rows, -1)))
        low[[0, -1]], high[[0, -1]] = rows[[0, -1]], rows[[0, -1]]
        own = np.zeros(shape, bool)
        for column, first, last in zip(line.column.astype(int) - left, low, high):
            own[max(int(first), 0) : int(last) + 1, column] = True
        reach = 2 * int(line.width + REACH) + 1
        out |= binary_dilation(own, np.ones((reach, reach)))
    return out
