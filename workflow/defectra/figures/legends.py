"""Legends that lie over data: found as the figure is laid out, and put below their panel."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox, ScaledTranslation
from numpy.typing import ArrayLike

GAP = 4.0  # points between the label of the axis and the legend


def free_legends(figure: Figure) -> None:
    """Put each legend that lies over marks of its panel below the label of the panel's x axis.

    With it those of the other panels of its row, so that they look alike. Every such move makes
    panels lower, so that all others are looked at again.
    """
    for _ in figure.axes:
        figure.draw_without_rendering()
        inside = [a for a in figure.axes if (one := a.get_legend()) and _overlaps(one, a.bbox)]
        rows = {_row(a) for a in inside if (one := a.get_legend()) and covered(a, one)}
        for axes in inside:
            if _row(axes) in rows:
                _put_below(axes)
        if not rows:
            return


def _row(axes: Axes) -> float:
    """Where the lower end of a panel's place is; equal for the panels of a row."""
    spec = axes.get_subplotspec()
    return float(spec.rowspan.stop) if spec else -axes.get_position(original=True).y0


def covered(axes: Axes, legend: Legend | Text) -> list[Artist]:
    """Marks of a panel that a legend or a text lies over, as the figure is laid out now."""
    box = Bbox.intersection(legend.get_window_extent(), axes.bbox)
    if box is None:  # outside the panel
        return []
    frame = {axes.patch, *axes.spines.values()}
    marks = [a for a in axes.get_children() if a not in frame and a is not legend]
    return [a for a in marks if a.get_visible() and _touches(a, box)]


def _touches(mark: Artist, box: Bbox) -> bool:
    """Whether a mark has ink in a box, given in pixels of the figure."""
    reader = next((read for kind, read in _READERS.items() if isinstance(mark, kind)), None)
    return reader is not None and bool(reader(mark, box))


def _overlaps(mark: Artist, box: Bbox) -> bool:
    return mark.get_window_extent().overlaps(box)


def _text_touches(text: Text, box: Bbox) -> bool:
    return bool(text.get_text()) and _overlaps(text, box)


def _points_touch(marks: PathCollection, box: Bbox) -> bool:
    size = float(np.sqrt(np.max(marks.get_sizes(), initial=0.0)))
    places = marks.get_offset_transform().transform(np.ma.filled(marks.get_offsets(), np.nan))
    return _any_within(places, _wider(marks, box, size))


def _outlines_touch(marks: Collection, box: Bbox) -> bool:
    moved = marks.get_transform().transform_path
    return any(moved(p).intersects_bbox(box, filled=True) for p in marks.get_paths())


def _patch_touches(patch: Patch, box: Bbox) -> bool:
    outline = patch.get_transform().transform_path(patch.get_path())
    return outline.intersects_bbox(box, filled=patch.get_fill())


def _line_touches(line: Line2D, box: Bbox) -> bool:
    outline = line.get_transform().transform_path(line.get_path())
    if line.get_linestyle() not in ("None", "", " ") and outline.intersects_bbox(box, filled=False):
        return True
    has_points = line.get_marker() not in ("None", "", " ", None)
    return has_points and _any_within(outline.vertices, _wider(line, box, line.get_markersize()))


def _wider(mark: Artist, box: Bbox, points: float) -> Bbox:
    """A box with half the size of a mark (in points) around it."""
    figure = mark.get_figure(root=True)
    return box.padded(points / 2 / 72 * figure.dpi if figure else 0.0)


def _any_within(places: ArrayLike, box: Bbox) -> bool:
    xy = np.asarray(places, float).reshape(-1, 2)
    return bool(((xy >= box.min) & (xy <= box.max)).all(axis=1).any())


def _put_below(axes: Axes) -> None:
    """Make the legend of a panel anew, below the panel, in as many columns as its width holds."""
    figure, old = axes.get_figure(root=True), axes.get_legend()
    axis, whole = axes.xaxis.get_tightbbox(), axes.get_tightbbox()
    if figure is None or old is None or axis is None or whole is None:
        return
    labels = [text.get_text() for text in old.get_texts()]
    known = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    handles: list[Any] = [
        known.get(label, own) for label, own in zip(labels, old.legend_handles, strict=True)
    ]
    drop = (axis.y0 - axes.bbox.y0) / figure.dpi - GAP / 72
    for columns in _fewer(len(labels)):
        legend = axes.legend(
            handles, labels, title=old.get_title().get_text() or None, ncols=columns,
            loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=0.0,
            bbox_transform=axes.transAxes + ScaledTranslation(0, drop, figure.dpi_scale_trans),
        )  # fmt: skip
        if legend.get_window_extent().width <= whole.width:
            return


def _fewer(most: int) -> Iterator[int]:
    """Numbers of columns that give each another number of rows, the widest first."""
    rows = (-(-most // columns) for columns in range(most, 0, -1))
    return (-(-most // n) for n, _ in itertools.groupby(rows))


# The first that fits a mark: a kind stands before what it is a kind of.
_READERS: Mapping[type[Artist], Callable[[Any, Bbox], bool]] = {
    Line2D: _line_touches,
    AxesImage: _overlaps,
    QuadMesh: _overlaps,
    PathCollection: _points_touch,
    Collection: _outlines_touch,
    Patch: _patch_touches,
    Text: _text_touches,
}
