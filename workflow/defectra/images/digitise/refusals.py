"""What inside a frame is no line: filled areas, error bars, many short pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from defectra.core.errors import DataError
from defectra.images.digitise.lines import runs_of, thickness
from defectra.images.digitise.picture import Floats, Mask

FILLED = 0.12  # of the height of the frame: half of the runs of ink of a line are shorter
HIGH = 0.05  # of the height of the frame: shorter runs say nothing of a filled area
LEVEL = 0.3  # of the columns: fewest of a filled area whose runs all end at one row
BARS = 5  # fewest error bars
SHORT = 0.3  # of the width of the frame: a line below this may be an arrow or a key of a legend
PIECES = 2  # most short lines; more are contours, or a picture inside the frame


def refuse_areas(mask: Mask) -> None:
    """Refuse the ink of one colour if it fills areas, or has error bars.

    Raises
    ------
    DataError
        If it does.
    """
    runs = runs_of(mask)
    width = thickness(runs)
    if width > FILLED * len(mask) or _level_columns(mask) > LEVEL * mask.shape[1]:
        raise DataError("filled areas inside the frame (bars, bands): no plot of lines")
    if _symmetric_strokes(mask, width) >= BARS:
        raise DataError(
            "error bars inside the frame, whose ends would be taken for lines; they are not read"
        )


def _level_columns(mask: Mask) -> int:
    """Columns with a high run of ink that ends at the row at which most of them end.

    None, if they begin at one row, too: a broad line or band that is level.
    """
    ends, begins = [], []
    for run in runs_of(mask):
        length = run.last - run.first + 1
        if len(length) and length.max() > HIGH * len(mask):
            ends.append(int(run.last[int(length.argmax())]))
            begins.append(float(run.first[int(length.argmax())]))
    if not ends:
        return 0
    level = np.array(ends) == np.bincount(ends).argmax()
    return int(level.sum()) if np.std(np.array(begins)[level]) > HIGH * len(mask) / 2 else 0


def _symmetric_strokes(mask: Mask, width: float) -> int:
    """Number of vertical strokes, a few columns wide, that reach as far above a line as below."""
    runs, away = runs_of(mask), int(width + 3)
    heights = [
        0.5 * float(r.first[0] + r.last[0])
        if len(r.first) == 1 and r.last[0] - r.first[0] + 1 < 2 * width + 1
        else np.nan
        for r in runs
    ]
    found = np.zeros(len(runs), bool)
    for k in range(away, len(runs) - away):
        middle = 0.5 * (heights[k - away] + heights[k + away])
        for first, last in zip(runs[k].first, runs[k].last):
            up, down = middle - first, last - middle
            reach = 2.5 * width + 0.5 * abs(heights[k - away] - heights[k + away])
            if min(up, down) > reach and abs(up - down) < 0.35 * (up + down):
                found[k] = True
    return int((np.diff(np.concatenate([[False], found]).astype(int)) == 1).sum())


def refuse_pieces(columns: Sequence[Floats], width: float) -> None:
    """Refuse lines most of which are short.

    Parameters
    ----------
    columns
        Of each line.
    width
        Of the frame, pixels.

    Raises
    ------
    DataError
        If there are more than a few.
    """
    short = sum(len(each) < SHORT * width for each in columns)
    if short > PIECES and 2 * short > len(columns):
        raise DataError(
            f"{short} pieces of lines shorter than {100 * SHORT:.0f} % of the frame (contours, or "
            f"a picture inside it): no plot of lines"
        )
