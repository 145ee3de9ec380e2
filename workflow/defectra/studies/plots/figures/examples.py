"""Figure of study `plots`: pictures, with what was read and the truth over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.figures import style
from defectra.images.digitise.box import find_box
from defectra.images.digitise.picture import picture
from defectra.images.digitise.read import lines_of

Shown = tuple[str, NDArray[np.uint8], NDArray[np.float32]]
MOST = 6


@style.styled()
def plot_examples(shown: Sequence[Shown], path: str | Path) -> None:
    """Pictures with the lines that were read (colours) and the true ones (dotted)."""
    some = list(shown)[:MOST]
    columns = min(3, max(len(some), 1))
    rows = max(-(-len(some) // columns), 1)
    figure, axes = style.canvas(rows, columns, (3.6 * columns, 2.9 * rows))
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, (title, image, truth) in zip(axes.ravel(), some):
        axis.imshow(image, alpha=0.25)
        axis.set_title(title)
        for line in truth:
            axis.plot(np.arange(len(line)), line, color=style.BLACK, lw=0.8, ls=":")
        try:
            found = picture(image)
            lines = lines_of(found, find_box(found))
        except DataError as error:
            style.say(axis, str(error))
            continue
        for k, one in enumerate(lines):
            colour = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE)[k % 5]
            axis.plot(one.column, one.row, color=colour, lw=1.3, alpha=0.8)
    style.save(figure, path)
