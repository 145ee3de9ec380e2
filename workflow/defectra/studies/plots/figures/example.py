"""Figure of study `plots`: the example of the authors, with what was read and what was clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.figures import style
from defectra.studies.plots.example import POINT, of_kind

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE)


@style.styled()
def plot_example(
    rows: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    image: NDArray[np.float64] | None,
    path: str | Path,
) -> None:
    """The picture, lines that were read (colours) and points that a person clicked (circles).

    Parameters
    ----------
    rows, lines
        As of :func:`defectra.studies.plots.example.compared`.
    image
        Red, green and blue, 0 to 255, shape (h, w, 3); None without the mirror.
    """
    figure, axes = style.canvas(1, 1, (8.0, 4.0))
    axis = axes[0, 0]
    axis.set_axis_off()
    if image is None:
        style.say(axis, "the picture of the authors is not at hand: name a mirror")
        style.save(figure, path)
        return
    axis.imshow(image.astype("uint8"), alpha=0.3)
    for number in sorted({row["line"] for row in lines}):
        own = np.array([[r["column"], r["row"]] for r in lines if r["line"] == number], float)
        gap = np.diff(own[:, 0], append=own[-1, 0]) > 1  # where it was not seen
        colour = COLOURS[(int(number) - 1) % len(COLOURS)]
        axis.plot(own[:, 0], np.where(gap, np.nan, own[:, 1]), color=colour, lw=1.2)
    points = [row for row in rows if row["kind"] == POINT]
    for row, away in zip(points, of_kind(rows, POINT), strict=True):
        face = "none" if np.isfinite(away) else style.RED
        axis.plot(row["column"], row["row"], "o", mec=style.BLACK, mfc=face, ms=5)
    style.save(figure, path)
