"""One line that was read of a plot."""

from __future__ import annotations

from dataclasses import dataclass

from defectra.images.digitise.picture import Floats


@dataclass(frozen=True)
class Line:
    """One line of a plot.

    Attributes
    ----------
    column, row
        Pixels from the top left, shape (n,): each column in which the line was seen.
    colour
        Red, green, blue, 0 to 255: its median.
    width
        Pixels.
    """

    column: Floats
    row: Floats
    colour: tuple[int, int, int]
    width: float
