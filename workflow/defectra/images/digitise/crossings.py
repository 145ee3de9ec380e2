"""Which line is which behind a crossing: a rule learnt from the roughness of both continuations.

Roughness is taken from the slopes (and curvatures) over several lengths beside the crossing; their
weights are in `crossings.json`, written by ``python -m defectra.studies.plots.crossing_rule``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from defectra.images.digitise.picture import Floats

End = tuple[float, float, float]
REACHES = (4, 6, 8, 12, 16, 24)  # columns beside a crossing that give the slopes
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
            for first, last in list(near_each_other(out[i], out[j], APART * width + 1)):
                ratios = features(out[i], out[j], first, last)
                if ratios is not None and float(ratios @ weights()) < -SURE:
                    out[[i, j], last + 1 :] = out[[j, i], last + 1 :]
    return out


@functools.cache
def weights() -> Floats:
    """Weights of :func:`features`."""
    return np.array(json.loads(RULE.read_text())["weights"])


def features(one: Floats, other: Floats, first: int, last: int) -> Floats | None:
    """Logarithms of the roughness after an exchange over that as it is, and their tanh.

    Parameters
    ----------
    first, last
        Columns between which the lines are not distinguished.

    Returns
    -------
    Shape (36,), above 0 where the lines are smoother as they are; None if one of them ends there.
    """
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
    return np.concatenate([ratios, np.tanh(ratios)])
