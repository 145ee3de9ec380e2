"""Which line is which behind a crossing: the smoother pair of continuations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from defectra.images.digitise.picture import Floats

End = tuple[float, float, float]
REACH = 12  # columns beside a crossing that give the slopes
APART = 1.5  # line widths: lines nearer than this are not told apart
GAIN = 1.2  # how many times the roughness as it is has to exceed that of the exchange
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
    """First and last column of each stretch in which two lines are not told apart."""
    near = np.abs(one - other) < distance  # NaN is far
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), (edges[1::2] - 1).tolist())


def _end(line: Floats, column: int, step: int) -> End | None:
    """Height, slope and curvature of a line at a column, from the columns on one side of it."""
    at = np.arange(column, column + step * REACH, step)
    at = at[(at >= 0) & (at < len(line))]
    values = line[at]
    good = np.isfinite(values)
    if good.sum() < 4:
        return None
    curve, slope, height = np.polyfit(at[good] - column, values[good], 2)
    return float(height), float(slope), 2 * float(curve)


def untangled(lines: Floats, width: float) -> Floats:
    """Lines whose parts behind a crossing are exchanged where both become smoother.

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
                if _exchange_is_smoother(out[i], out[j], first, last):
                    out[[i, j], last + 1 :] = out[[j, i], last + 1 :]
    return out


def _exchange_is_smoother(one: Floats, other: Floats, first: int, last: int) -> bool:
    """Whether two lines are smoother between the ends of a stretch if they change places."""
    one_before, other_before = (_end(line, first - 1, -1) for line in (one, other))
    one_after, other_after = (_end(line, last + 1, 1) for line in (one, other))
    if one_before is None or other_before is None or one_after is None or other_after is None:
        return False
    length = float(last - first + 2)
    as_it_is = roughness(one_before, one_after, length) + roughness(
        other_before, other_after, length
    )
    exchanged = roughness(one_before, other_after, length) + roughness(
        other_before, one_after, length
    )
    return as_it_is > GAIN * exchanged + 1e-9
