"""Lines of a plot, column by column: colours apart, then tracks of least cost with a slope term."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, label
from scipy.optimize import linear_sum_assignment

from defectra.images.digitise.beside import framed_inside, straight_across
from defectra.images.digitise.box import Box
from defectra.images.digitise.crossings import untangled
from defectra.images.digitise.picture import Floats, Mask, Picture

MARGIN = 3  # pixels inside the frame that belong to it
SMALL = 0.06  # of the width: widest thing that is a word or a mark
NDArrayInt = np.ndarray
HUES = 12  # classes of hue
DASH = 0.03  # of the width: largest gap between the dashes of a line
SHARE = 0.15  # of the columns: fewest that a colour fills
ALONE = 20.0  # what it costs that a second line takes a run, while another may lie bare, pixels
MISSING = 32.0  # cost of a line without ink, pixels
LOST = 0.25  # by which that cost grows with each column without ink: a lost line looks further
FARTHEST = 5.0  # times that cost, at most
EDGE, FLANK = 3, 0.12  # pixels from a side; part of the height of a run beside a steep flank
JOINED, FURTHER = 24.0, 0.02  # largest cost of ink that touches that of the last column, and slope
SLOPE = 0.35  # weight of the newest step in the slope
STEPS = 6  # fewest columns back that the slope is taken from
FADING = 0.9  # of the slope in each column without ink


@dataclass(frozen=True)
class Runs:
    """Vertical runs of ink in one column: first and last row, pixels."""

    first: Floats
    last: Floats


@functools.lru_cache(maxsize=2)
def inner(image: Picture, box: Box) -> tuple[Mask, int, int]:
    """Ink inside the frame without grid and framed parts; row and column of its first pixel."""
    top, left = int(np.ceil(box.top)) + MARGIN, int(np.ceil(box.left)) + MARGIN
    bottom, right = int(box.bottom) - MARGIN + 1, int(box.right) - MARGIN + 1
    ink = image.ink[top:bottom, left:right].copy()
    for first, above, last, below in framed_inside(image, box):  # an inset, a legend
        ink[
            max(above - top - 2, 0) : below - top + 3, max(first - left - 2, 0) : last - left + 3
        ] = 0
    return ink & ~straight_across(ink), top, left


@functools.lru_cache(maxsize=2)
def colour_masks(image: Picture, box: Box) -> list[Mask]:
    """Ink inside the frame by colour: classes of hue, and grey; those of lines alone.

    Neighbouring classes of hue join, since the rim of a line is mixed with the background. A class
    that fills few columns is text or a mark.
    """
    ink, top, left = inner(image, box)
    rgb = image.rgb[top : top + ink.shape[0], left : left + ink.shape[1]]
    spread = np.ptp(rgb, axis=2)
    grey = ink & (spread < 0.35 * np.abs(rgb - image.background).max(axis=2))
    classes = _hue_classes(rgb, ink & ~grey)
    masks = [_cleaned(ink & (classes == k), DASH) for k in np.unique(classes[classes >= 0])]
    masks.append(_cleaned(grey, 0.0))  # words are grey, too: their letters are not joined
    return [m for m in masks if m.any(axis=0).mean() > SHARE]


def _hue_classes(rgb: Floats, coloured: Mask) -> NDArrayInt:
    """Class of hue of each coloured pixel, -1 elsewhere; classes that touch are one."""
    hue = np.full(coloured.shape, -1)
    values = rgb[coloured]
    if not len(values):
        return hue
    red, green, blue = values.T
    angle = np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)
    found = ((angle / (2 * np.pi)) % 1 * 3 * HUES).astype(int) % (3 * HUES)
    counts = np.bincount(found, minlength=3 * HUES)
    full = counts > 0.02 * counts.sum()
    names = _joined(full)
    hue[coloured] = names[found]
    return hue


def _joined(full: Mask) -> NDArrayInt:
    """Number of the group of neighbouring full classes on a circle; -1 where it is not full."""
    names = np.full(len(full), -1)
    if full.all():
        return np.zeros(len(full), int)
    start = int(np.flatnonzero(~full)[0])
    group = -1
    for k in range(len(full)):
        at = (start + k) % len(full)
        if full[at]:
            group += int(not full[(at - 1) % len(full)])
            names[at] = group
    return names


def _cleaned(mask: Mask, gap: float) -> Mask:
    """Without words, marks, keys of a legend and vertical lines.

    Parameters
    ----------
    gap
        Between dashes of one line, of the width.
    """
    mask = mask & ~_vertical(mask)
    reach = 2 * int(gap * mask.shape[1] / 2) + 1
    joined = binary_dilation(mask, np.ones((reach, reach))) if gap else mask
    parts, count = label(joined, np.ones((3, 3)))
    if not count:
        return mask
    columns = np.zeros((count + 1, mask.shape[1]), bool)
    rows, cols = np.nonzero(joined)
    columns[parts[rows, cols], cols] = True
    wide = columns.sum(axis=1) - (reach - 1) > (2 if gap else 1) * SMALL * mask.shape[1]
    wide[0] = False
    return np.asarray(wide[parts] & mask)


def _vertical(mask: Mask) -> Mask:
    """Straight vertical lines, solid or dashed: columns that are full beside ones that are not.

    The flank of a sharp peak is none: the columns beside it hold long runs, and it does not reach
    from side to side.
    """
    filled = mask.mean(axis=0)
    padded = np.pad(filled, 4, mode="edge")
    around = np.median([np.roll(padded, k)[4:-4] for k in (-4, -3, 3, 4)], axis=0)
    columns = (filled > 0.35) & (filled - around > 0.3)
    out = np.zeros_like(mask)
    for first, last in _stretches(columns):
        if not _is_flank(mask, first, last):
            for k in range(first, last + 1):
                out[:, k] = ~_beside(mask, k) & mask[:, k]
    return out


def _stretches(wanted: Mask) -> list[tuple[int, int]]:
    """First and last of each stretch of wanted columns."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2])]


def _is_flank(mask: Mask, first: int, last: int) -> bool:
    """Whether full columns belong to a curve that rises or falls steeply there."""
    height, width = mask.shape
    inked = np.flatnonzero(mask[:, first : last + 1].any(axis=1))
    if inked[0] < EDGE and inked[-1] >= height - EDGE:
        return False
    for k in (first - 1, last + 1):
        rows = _stretches(mask[:, k]) if 0 <= k < width else []
        if any(b - a >= FLANK * height and a <= inked[-1] and b >= inked[0] for a, b in rows):
            return True
    return False


def _beside(mask: Mask, column: int) -> Mask:
    """Ink left and right of a column: a line that crosses it."""
    low, high = max(column - 3, 0), min(column + 3, mask.shape[1] - 1)
    return np.asarray(mask[:, low] & mask[:, high])


def runs_of(mask: Mask) -> list[Runs]:
    """Runs of ink of every column of a mask."""
    padded = np.pad(mask, ((1, 1), (0, 0))).astype(np.int8)
    return [
        Runs(
            np.flatnonzero(column == 1).astype(np.float64),
            np.flatnonzero(column == -1).astype(np.float64) - 1,
        )
        for column in np.diff(padded, axis=0).T
    ]


def _without_specks(runs: Runs, width: float) -> Runs:
    """Runs without the specks that noise parts from them: less than half of a line, a pixel off."""
    if len(runs.first) < 2:
        return runs
    keep = np.ones(len(runs.first), bool)
    first, last = runs.first.copy(), runs.last.copy()
    short = runs.last - runs.first + 1 < max(0.5 * width, 1.5)
    for k in np.flatnonzero(runs.first[1:] - runs.last[:-1] <= 2).tolist():
        if short[k] != short[k + 1]:
            whole, speck = (k + 1, k) if short[k] else (k, k + 1)
            first[whole] = min(first[whole], first[speck])
            last[whole] = max(last[whole], last[speck])
            keep[speck] = False
    return Runs(first[keep], last[keep])


def line_count(runs: Sequence[Runs]) -> int:
    """Number of lines: the number of runs that at least a tenth of the filled columns reach.

    Lines that cross share a run, so that most columns may show fewer; noise shows more in few.
    """
    counts = np.array([len(r.first) for r in runs if len(r.first)])
    if not len(counts):
        return 0
    return int(max(n for n in range(1, counts.max() + 1) if (counts >= n).mean() >= 0.1))


def thickness(runs: Sequence[Runs]) -> float:
    """Width of a line: the lower quartile of the lengths of the runs, pixels."""
    lengths = np.concatenate([r.last - r.first + 1 for r in runs])
    return float(np.percentile(lengths, 25)) if len(lengths) else 1.0


def thickness_of(mask: Mask) -> float:
    """Width of the lines of a mask, pixels."""
    return thickness(runs_of(mask))


def trace(mask: Mask, *, with_slope: bool = True) -> Floats:
    """Lines of one colour.

    Parameters
    ----------
    with_slope
        Whether lines are continued by their slope, and distinguished behind crossings by the
        smoother continuation; without it, the nearest ink is taken.

    Returns
    -------
    Row of each line in each column of the mask, shape (lines, columns); NaN before its first and
    after its last ink.
    """
    runs = runs_of(mask)
    count = line_count(runs)
    if not count:
        return np.empty((0, mask.shape[1]))
    width = thickness(runs)
    runs = [_without_specks(r, width) for r in runs]
    start = _seed(runs, count)
    found = np.full((count, len(runs)), np.nan)
    middle = _centres(runs[start], count)
    right = _follow(runs, range(start, len(runs)), middle, width, with_slope)
    left = _follow(runs, range(start, -1, -1), middle, width, with_slope)
    found[:, start:] = right
    found[:, : start + 1] = left[:, ::-1]
    if with_slope:
        found = untangled(found, width)
    return found[np.isfinite(found).mean(axis=1) > SMALL]


def _seed(runs: Sequence[Runs], count: int) -> int:
    """Column with all lines apart, as short and as far from each other as there is."""

    def score(k: int) -> float:
        r = runs[k]
        if len(r.first) != count:
            return -np.inf
        gap = float(np.min(r.first[1:] - r.last[:-1])) if count > 1 else 0.0
        return min(gap, 20.0) - 2 * float(np.max(r.last - r.first))

    scores = [score(k) for k in range(len(runs))]
    best = int(np.argmax(scores))
    if np.isfinite(scores[best]):
        return best
    return int(np.argmax([len(r.first) for r in runs]))


def _centres(runs: Runs, count: int) -> Floats:
    middle = 0.5 * (runs.first + runs.last)
    return np.resize(middle, count) if len(middle) else np.zeros(count)


def _follow(
    runs: Sequence[Runs], columns: range, start: Floats, width: float, with_slope: bool
) -> Floats:
    """Follow all lines from the first of some columns; shape (lines, columns)."""
    steps = max(STEPS, int(2 * width))
    history, out = [start], [start]
    gap = np.zeros(len(start), int)
    ends = np.array([start, start])  # first and last row of the run that each line is in
    for k in columns[1:]:
        slope = _slopes(history) * FADING**gap if with_slope else 0.0
        missing = MISSING * np.minimum(1 + LOST * gap, FARTHEST)
        found, taken, ends = _assign(runs[k], history[-1] + slope, width, missing, ends)
        gap = np.where(taken, 0, gap + 1)
        history = [*history[-steps:], found]
        out.append(np.where(taken, found, np.nan))
    return np.array([_bridged(row) for row in np.array(out).T])


def _bridged(row: Floats) -> Floats:
    """A line whose gaps between ink are bridged by straight pieces; NaN outside stays."""
    seen = np.flatnonzero(np.isfinite(row))
    inside = np.arange(seen[0], seen[-1] + 1)
    out = row.copy()
    out[inside] = np.interp(inside, seen, row[seen])
    return out


def _slopes(history: Sequence[Floats]) -> Floats:
    """Step expected of each line, from its last ones, the newest with the largest weight."""
    if len(history) < 2:
        return np.zeros_like(history[-1])
    steps = np.diff(history, axis=0)
    newest = min(SLOPE, 2 / len(steps))
    weights = newest * (1 - newest) ** np.arange(len(steps))[::-1]
    return np.asarray((weights[:, None] * steps).sum(axis=0) / weights.sum())


def _assign(
    runs: Runs, predicted: Floats, width: float, missing: Floats, ends: Floats
) -> tuple[Floats, Mask, Floats]:
    """Ink of one column to lines, at least total cost.

    Every run takes one line at the distance of its nearest row, and further ones, as many as fit,
    for a price: lines that cross share a run, and no run lies bare beside a shared one. Ink that
    touches the run of a line in the last column is never too far for it: the flank of a peak.

    Parameters
    ----------
    missing
        Cost of each line without ink, pixels.
    ends
        First and last row of the run of each line in the last column, shape (2, lines).

    Returns
    -------
    Row of each line, whether it has ink, and the ends of its run (its row, if it has none).
    """
    count = len(predicted)
    if not len(runs.first):
        return predicted, np.zeros(count, bool), np.array([predicted, predicted])
    owner, price = [], []
    for j in range(len(runs.first)):
        places = min(count, 1 + int((runs.last[j] - runs.first[j] + 1) // max(width, 1.0)), 4)
        for extra in range(max(places, 2)):
            owner.append(j)
            price.append((ALONE + 2.0 * extra) * (extra > 0))
    index = np.array(owner)
    low = runs.first[index] + 0.5 * (width - 1)
    high = np.maximum(runs.last[index] - 0.5 * (width - 1), low)
    middle = 0.5 * (runs.first + runs.last)[index]
    inside = np.clip(predicted[:, None], low, high)
    cost = np.abs(predicted[:, None] - inside) + 0.1 * np.abs(predicted[:, None] - middle)
    touches = (runs.first[index] <= ends[1][:, None] + 1) & (
        runs.last[index] >= ends[0][:, None] - 1
    )
    cost = np.where(touches, np.minimum(cost, JOINED + FURTHER * cost), cost)
    cost = np.hstack([cost + np.array(price), np.repeat(missing[:, None], count, axis=1)])
    lines, chosen = linear_sum_assignment(cost)
    found, taken, ends = predicted.copy(), np.zeros(count, bool), np.array([predicted, predicted])
    shared = np.bincount(index[chosen[chosen < len(index)]], minlength=len(runs.first))
    for line, place in zip(lines, chosen):
        if place < len(index):
            alone = shared[index[place]] == 1
            found[line] = middle[place] if alone else inside[line, place]
            taken[line] = True
            ends[:, line] = runs.first[index[place]], runs.last[index[place]]
    return found, taken, ends
