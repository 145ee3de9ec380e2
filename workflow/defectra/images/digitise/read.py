"""A picture of a plot as lines with values, uncertainties, and what is to be known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from defectra.core.errors import DataError
from defectra.images.digitise.beside import refuse_more_axes
from defectra.images.digitise.box import Box, find_box
from defectra.images.digitise.doubts import (
    ink_left,
    refuse_closed,
    refuse_open_inset,
    remarks,
    without_gaps,
    without_shared_ends,
)
from defectra.images.digitise.line import Line
from defectra.images.digitise.lines import colour_masks, inner, thickness_of, trace
from defectra.images.digitise.picture import Floats, Mask, Picture
from defectra.images.digitise.refusals import refuse_areas, refuse_pieces
from defectra.images.digitise.ticks import Axis, Scale, given_scale, scale_of
from defectra.images.digitise.titles import without_title
from defectra.images.digitise.upper_axis import refuse_upper_axis

Points = Sequence[tuple[float, float]]
MANY = 25  # lines of a plot; more is no plot of lines


@dataclass(frozen=True)
class Digitised:
    """What was read of a plot.

    Attributes
    ----------
    box
        Its frame.
    x, y
        Scales of the axes.
    lines
        From the top of the plot to its bottom, by their mean height; where a line was not seen for
        more than the gap of a dashed line, its columns are left out.
    left
        What ink lies on no line, in words; empty if there is none to speak of.
    """

    box: Box
    x: Scale
    y: Scale
    lines: Sequence[Line]
    left: str = ""

    def remarks(self) -> list[list[str]]:
        """What is to be looked at of each line."""
        return remarks(self.lines, self.box.right - self.box.left)

    def values(self, line: Line) -> tuple[Floats, Floats, Floats, Floats]:
        """x, y and their standard deviations, each of shape (n,).

        Half a pixel along the axes, and half of the rows that the line passes in a column.
        """
        x, y = self.x.value(line.column), self.y.value(line.row)
        several = len(line.row) > 1
        step = np.abs(np.gradient(line.row, line.column)) if several else np.zeros(1)
        rows = np.hypot(0.5, 0.5 * step)
        away = np.array([float(self.y.deviation(r, s)) for r, s in zip(line.row, rows)])
        return x, y, self.x.deviation(line.column), away


def lines_of(image: Picture, box: Box, *, with_slope: bool = True) -> list[Line]:
    """Lines inside the frame.

    Parameters
    ----------
    with_slope
        Whether lines are continued by their slope; without it, by the nearest ink.

    Raises
    ------
    DataError
        If there is none, or so many that the picture is no plot of lines.
    """
    _, top, left = inner(image, box)
    found = []
    for mask in colour_masks(image, box):
        refuse_areas(mask)
        for rows in trace(mask, with_slope=with_slope):
            columns = np.flatnonzero(np.isfinite(rows))
            colour = _colour(image, mask, top, left)
            line = Line(
                (columns + left).astype(np.float64), rows[columns] + top, colour, thickness_of(mask)
            )
            found.append(line)
    if not found:
        raise DataError("no line inside the frame")
    if len(found) > MANY:
        raise DataError(f"{len(found)} lines inside the frame: this is no plot of lines")
    refuse_pieces([line.column for line in found], box.right - box.left)
    return sorted(found, key=lambda line: float(line.row.mean()))


def _colour(image: Picture, mask: Mask, top: int, left: int) -> tuple[int, int, int]:
    rows, columns = np.nonzero(mask)
    red, green, blue = np.median(image.rgb[rows + top, columns + left], axis=0)
    return int(red), int(green), int(blue)


def digitise(image: Picture, x: Points = (), y: Points = (), log: Sequence[Axis] = ()) -> Digitised:
    """Read a plot.

    Parameters
    ----------
    x, y
        Points of an axis that the user gives, (pixel, value); none: its numbers are read.
    log
        Axes that are logarithmic.

    Raises
    ------
    DataError
        If there is no frame, no line, or an axis cannot be read, or is linear by its numbers where
        it is to be logarithmic.
    LibraryError
        If tesseract is not there.
    """
    box = find_box(image)
    refuse_more_axes(image, box)
    refuse_open_inset(image, box)
    lines = lines_of(image, box)
    refuse_closed(image, box, len(lines))
    lines = without_shared_ends(lines, image, box)
    lines = [part for line in lines if len((part := without_gaps(line, image, box)).column) > 1]
    height, width = image.ink.shape
    horizontal = (
        given_scale(x, "x" in log, "x", width)
        if x
        else as_said(scale_of(image, box, "x", both_ways=True), "x", log)
    )
    if not x:  # who gives points has chosen an axis
        refuse_upper_axis(image, box, horizontal)
    vertical = (
        given_scale(y, "y" in log, "y", height)
        if y
        else as_said(_vertical_scale(image, box), "y", log)
    )
    return Digitised(box, horizontal, vertical, lines, ink_left(lines, image, box))


def as_said(scale: Scale, axis: Axis, log: Sequence[Axis]) -> Scale:
    """A scale that was read, if it is logarithmic where the user says so.

    Raises
    ------
    DataError
        If it is not.
    """
    if axis in log and not scale.is_log:
        raise DataError(
            f"--log {axis}: {scale.labels} numbers beside the axis are those of a linear one; give "
            f"two points of it: --{axis} PIXEL=VALUE PIXEL=VALUE"
        )
    return scale


def _vertical_scale(image: Picture, box: Box) -> Scale:
    """Scale of the y axis; once more without its title, if it cannot be read with it."""
    try:
        return scale_of(image, box, "y", both_ways=True)
    except DataError:
        bare = without_title(image, box)
        if bare is None:
            raise
        return scale_of(bare, box, "y", both_ways=True)


def write_csv_of(found: Digitised, path: Path, names: tuple[str, str] = ("x", "y")) -> None:
    """Write all lines, one below the other: line, x, y and their standard deviations.

    Parameters
    ----------
    names
        Of x and y.
    """
    from defectra.core.csvs import write_csv

    first, second = names
    columns = ["line", first, second, f"{first}_sd", f"{second}_sd"]
    rows = [
        dict(zip(columns, (number, *map(float, point))))
        for number, line in enumerate(found.lines, 1)
        for point in zip(*found.values(line))
    ]
    write_csv(path, rows, columns)


def write_spectrum(found: Digitised, number: int, path: Path, names: tuple[str, str]) -> None:
    """Write one line, from 1, as two columns that `defectra look` and `predict` read.

    Raises
    ------
    DataError
        If there is no such line.
    """
    from defectra.core.csvs import write_csv

    if not 1 <= number <= len(found.lines):
        raise DataError(f"no line {number}; there are {len(found.lines)}, from 1")
    x, y, *_ = found.values(found.lines[number - 1])
    rows = [dict(zip(names, point)) for point in zip(x.tolist(), y.tolist())]
    write_csv(path, rows, list(names))


def draw_overlay(image: Picture, found: Digitised, path: Path) -> None:
    """Write the picture with what was read drawn over it, to be looked at."""
    from defectra.figures import style

    height, width = image.ink.shape
    figure, axes = style.canvas(1, 1, (8, 8 * height / width))
    axis = axes[0, 0]
    axis.imshow(image.rgb.astype("uint8"), alpha=0.35)
    colours = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE, style.BLACK)
    for number, line in enumerate(found.lines, 1):
        colour = colours[(number - 1) % len(colours)]
        gap = np.diff(line.column, append=line.column[-1]) > 1  # where it was not seen
        axis.plot(line.column, np.where(gap, np.nan, line.row), color=colour, lw=1.2)
        axis.text(line.column[-1] + 4, line.row[-1], str(number), color=colour, va="center")
    left, top, right, bottom = found.box.sides
    axis.plot([left, right, right, left, left], [top, top, bottom, bottom, top], "k:", lw=0.8)
    axis.set_axis_off()
    style.save(figure, path)
