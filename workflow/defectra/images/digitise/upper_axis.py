"""A second axis along the top of the frame: numbers there that the lower axis does not have.

Words above a frame may also be a title or a legend, and numbers there those of the lower axis once
more. Only words most of which are numbers, from one part of the frame to another, rising or falling
and different from what the lower axis says at their places, are another axis.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from defectra.core.errors import DataError
from defectra.images.digitise.box import Box
from defectra.images.digitise.picture import Picture
from defectra.images.digitise.ticks import Label, Scale, at_marks, marks_along, printed
from defectra.images.digitise.words import SMALL_PRINT, Word, number, texts_of, words_above

LEAST = 3  # numbers of an axis
SPAN = 0.4  # of the width of the frame: least from the first number to the last
NUMBERS = 0.6  # of the words above the frame: fewest that are numbers
SAME = 3.0  # pixels: farthest of a number from the place where the lower axis has it


def refuse_upper_axis(image: Picture, box: Box, lower: Scale) -> None:
    """Refuse a plot with other numbers along the top of the frame than along its bottom.

    Raises
    ------
    DataError
        With two points of either axis, of which the user chooses.
    """
    labels = _numbers(image, box)
    if len(labels) < LEAST or labels[-1].at - labels[0].at < SPAN * (box.right - box.left):
        return
    steps = np.diff([label.value for label in labels])
    if not ((steps > 0).all() or (steps < 0).all()):
        return
    if sum(_is_on(lower, label) for label in labels) > len(labels) / 2:
        return
    first, last = labels[0], labels[-1]
    below = " ".join(f"{one.at:.1f}={float(lower.value(one.at)):.6g}" for one in (first, last))
    raise DataError(
        f"numbers above the frame, too ({first.value:g} to {last.value:g}), other than below: a "
        f"second x axis; which line belongs to which axis is not known. If all belong to the "
        f"lower one, say --x {below}; if to the upper one, give two of its points (column "
        f"{first.at:.1f} is {first.value:g}, column {last.at:.1f} is {last.value:g})"
    )


def _is_on(scale: Scale, label: Label) -> bool:
    """Whether a scale has a number at its place."""
    if scale.is_log and label.value <= 0:
        return False
    value = np.log10(label.value) if scale.is_log else label.value
    return bool(abs((value - scale.intercept) / scale.slope - label.at) < SAME)


def _numbers(image: Picture, box: Box) -> Sequence[Label]:
    """Numbers above the frame from left to right; none if most words there are others."""
    words, letters = words_above(image, box)
    if len(words) < LEAST or words[-1].at - words[0].at < SPAN * (box.right - box.left):
        return []
    middles = [word.at for word in words]
    marks = marks_along(image, box.top, (box.left, box.right), "x", middles)
    if letters < SMALL_PRINT:
        return printed(words, letters, marks, "x", both_ways=True)
    return _read(words, letters, at_marks(words, marks))


def _read(words: Sequence[Word], letters: float, places: Sequence[float]) -> list[Label]:
    """What tesseract reads as numbers, when it may read letters, too."""
    values = [number(text) for text in texts_of([w.picture for w in words], letters, signs="")]
    found = [Label(value, at) for value, at in zip(values, places) if value is not None]
    return found if len(found) >= NUMBERS * len(words) else []
