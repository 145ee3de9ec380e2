"""Which line is which behind a crossing: a rule learnt from both continuations.

What it sees: the roughness of each continuation, from slopes (and curvatures) over several lengths
beside the crossing, and the texture of the lines further off (one may be wavy, the other smooth).
Its weights are in `crossings.json`, written by ``python -m defectra.studies.plots.crossing_rule``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from defectra.images.digitise.picture import Floats

End = tuple[float, float, float]


class Stretch(NamedTuple):
    """Columns in which two lines are not distinguished, and how far they are undisturbed about it.

    Attributes
    ----------
    first, last
        Of the stretch.
    begin, end
        First and last column between the stretches before and behind this one.
    """

    first: int
    last: int
    begin: int
    end: int


REACHES = (4, 6, 8, 12, 16, 24)  # columns beside a crossing that give the slopes
TEXTURE_REACHES = (30, 60, 120)  # columns beside a crossing, at most, whose waviness is compared
TEXTURE_STEPS = (4, 8, 16)  # columns between the points of a second difference
FLAT = 0.3  # pixels: second differences below this are noise of the reading
RULE = Path(__file__).with_name("crossings.json")
SURE = 1.0  # logarithm of the odds above which lines change places
LARGEST = 12.0  # largest logarithm of a ratio of two roughnesses
APART = 1.5  # line widths: lines nearer than this are not distinguished
# Coefficients of a polynomial of fifth order from value, slope and curvature at 0 and at 1.
_QUINTIC = np.linalg.inv(
    np.array(
        [
            [1, 0, 0, 0, 0, 0],
            [0, 1, 0, 0, 0, 0],
            [0, 0, 2, 0, 0, 0],
            [1, 1, 1, 1, 1, 1],
            [0, 1, 2, 3, 4, 5],
            [0, 0, 2, 6, 12, 20],
        ],
        float,
    )
)
_SQUARE = 1 / (np.arange(3)[:, None] + np.arange(3)[None, :] + 1.0)  # ∫ tⁱ tʲ dt from 0 to 1


def roughness(left: End, right: End, length: float) -> float:
    """Least roughness of a curve between two ends, ∫ y‴² dx: that of a polynomial of fifth order.

    Parameters
    ----------
    left, right
        Height, slope and curvature at the two ends; the slope is that towards larger x.
    length
        Between the ends.
    """
    scale = np.array([1, length, length**2])
    ends = np.concatenate([np.array(left) * scale, np.array(right) * scale])
    a = _QUINTIC @ ends  # coefficients of t⁰ … t⁵, t = x / length
    third = np.array([6 * a[3], 24 * a[4], 60 * a[5]])
    return float(third @ _SQUARE @ third) / length**5


def near_each_other(one: Floats, other: Floats, distance: float) -> Iterator[tuple[int, int]]:
    """First and last column of each stretch in which two lines are not distinguished."""
    near = np.abs(one - other) < distance  # NaN is far
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), (edges[1::2] - 1).tolist())


def bending(left: End, right: End, length: float) -> float:
    """Least bending of a curve between two ends, ∫ y″² dx: that of a polynomial of third order."""
    chord = (right[0] - left[0]) / length
    a, b = left[1] - chord, right[1] - chord
    return 4 * (a * a + a * b + b * b) / length


def _end(line: Floats, column: int, step: int, reach: int, order: int) -> End | None:
    """Height, slope and curvature of a line at a column, from the columns on one side of it."""
    at = np.arange(column, column + step * reach, step)
    at = at[(at >= 0) & (at < len(line))]
    values = line[at]
    good = np.isfinite(values)
    if good.sum() < max(order + 2, 3):
        return None
    *curve, slope, height = np.polyfit(at[good] - column, values[good], order)
    return float(height), float(slope), 2 * float(curve[-1]) if curve else 0.0


def untangled(lines: Floats, width: float) -> Floats:
    """Lines whose parts behind a crossing are exchanged where the rule says so.

    Parameters
    ----------
    lines
        Shape (lines, columns), NaN where a line is not.
    width
        Of a line, pixels.
    """
    out = lines.copy()
    for i in range(len(out)):
        for j in range(i + 1, len(out)):
            for stretch in stretches(out[i], out[j], APART * width + 1):
                found = features(out[i], out[j], stretch)
                if found is not None and log_odds(found) < -SURE:
                    out[[i, j], stretch.last + 1 :] = out[[j, i], stretch.last + 1 :]
    return out


def stretches(one: Floats, other: Floats, distance: float) -> list[Stretch]:
    """Stretches in which two lines are not distinguished, with where they are so undisturbed."""
    near = list(near_each_other(one, other, distance))
    begin = [0, *(last + 1 for _, last in near)]
    end = [*(first - 1 for first, _ in near[1:]), len(one) - 1]
    return [Stretch(*ends, *around) for ends, around in zip(near, zip(begin, end))]


def log_odds(found: Floats) -> float:
    """Logarithm of the odds that the lines are right as they are; an odd function of its features.

    Parameters
    ----------
    found
        Of :func:`features`.
    """
    *hidden, last = layers()
    for layer in hidden:
        found = np.tanh(layer @ found)
    return float((last @ found).item())


@functools.cache
def layers() -> list[Floats]:
    """Weights of the layers of the rule, each of shape (outputs, inputs); no constants."""
    return [np.array(layer) for layer in json.loads(RULE.read_text())["layers"]]


def features(one: Floats, other: Floats, stretch: Stretch) -> Floats | None:
    """What the rule sees of a crossing.

    Returns
    -------
    Shape (54,): logarithms of the roughness after an exchange over that as it is, their tanh, and
    by how much the textures fit better as they are. All change their sign if the lines behind the
    crossing are exchanged. None if one of the lines ends there.
    """
    first, last = stretch.first, stretch.last
    length, found = float(last - first + 2), []
    for reach in REACHES:
        for order, measures in ((1, (bending,)), (2, (roughness, bending))):
            before = [_end(line, first - 1, -1, reach, order) for line in (one, other)]
            after = [_end(line, last + 1, 1, reach, order) for line in (one, other)]
            ends = [end for end in (*before, *after) if end is not None]
            if len(ends) < 4:
                return None
            for measure in measures:
                kept = measure(ends[0], ends[2], length) + measure(ends[1], ends[3], length)
                exchanged = measure(ends[0], ends[3], length) + measure(ends[1], ends[2], length)
                found.append(np.log((exchanged + 1e-7) / (kept + 1e-7)))
    ratios = np.clip(found, -LARGEST, LARGEST)
    return np.concatenate([ratios, np.tanh(ratios), _textures(one, other, stretch)])


def _textures(one: Floats, other: Floats, stretch: Stretch) -> Floats:
    """By how much the waviness before and behind a crossing fits better as the lines are."""
    out = []
    for reach in TEXTURE_REACHES:
        start = max(stretch.first - 1 - reach, stretch.begin)
        stop = min(stretch.last + 1 + reach, stretch.end)
        before = [_waviness(line[start : stretch.first]) for line in (one, other)]
        after = [_waviness(line[stretch.last + 1 : stop + 1]) for line in (one, other)]
        kept = np.abs(before[0] - after[0]) + np.abs(before[1] - after[1])
        exchanged = np.abs(before[0] - after[1]) + np.abs(before[1] - after[0])
        out += [exchanged - kept, (before[0] - before[1]) * (after[0] - after[1])]
    return np.nan_to_num(np.concatenate(out))


def _waviness(part: Floats) -> Floats:
    """Logarithm of the root mean square of the second differences over each of the steps.

    NaN where the part is too short or has gaps.
    """
    out = np.full(len(TEXTURE_STEPS), np.nan)
    for k, step in enumerate(TEXTURE_STEPS):
        if len(part) >= 2 * step + 4:
            bend = part[2 * step :] - 2 * part[step:-step] + part[: -2 * step]
            out[k] = np.log(np.sqrt(np.mean(bend**2)) + FLAT)
    return out
