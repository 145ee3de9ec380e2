"""What a figure shows, as rows: read back from what was drawn, for the csv beside each figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection, LineCollection, PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter
from numpy.typing import NDArray

COLUMNS = (
    *("panel", "title", "x_label", "y_label", "kind", "series", "number", "point"),
    *("x", "y", "value", "x_name", "y_name"),
)
MOST = 200_000  # rows; an image may have millions of pixels, which its table holds
Floats = NDArray[np.float64]
Point = tuple[float, float, float]
_NONE = float("nan")


def drawn(figure: Figure) -> list[dict[str, Any]]:
    """Every point of a figure.

    Returns
    -------
    Rows of :data:`COLUMNS`: panel (from 1, in the order of drawing) with its title and labels; kind
    of mark (line, points, bars, range, area, image), its name in the legend, its number in the
    panel; number of the point in it; coordinates; value that the colour shows; name of the tick at
    that place, where an axis has names. What is placed by shares of the panel is left out; of a
    line across the whole panel the one coordinate is told.
    """
    rows: list[dict[str, Any]] = []
    for panel, axes in enumerate(figure.axes, 1):
        if axes.get_label() == "<colorbar>" or not axes.axison:
            continue
        rows += _of_panel(axes, panel)
        if len(rows) > MOST:
            return rows[:MOST]
    return rows


def _of_panel(axes: Axes, panel: int) -> Iterator[dict[str, Any]]:
    head = {
        "panel": panel,
        "title": _text(axes.get_title()),
        "x_label": _text(axes.get_xlabel()),
        "y_label": _text(axes.get_ylabel()),
    }
    names = [_tick_names(axis) for axis in (axes.xaxis, axes.yaxis)]
    legend = _legend(axes)
    for number, artist in enumerate(axes.get_children()):
        kind, points = _points(artist, axes)
        about = {"kind": kind, "series": legend.get(artist, ""), "number": number}
        for k, (x, y, value) in enumerate(points):
            named = {"x_name": names[0].get(_key(x), ""), "y_name": names[1].get(_key(y), "")}
            yield head | about | {"point": k, "x": x, "y": y, "value": value} | named


def _text(label: str) -> str:
    return " ".join(label.split())


def _key(value: float) -> float:
    return round(value, 6)


def _legend(axes: Axes) -> dict[Artist, str]:
    """Names of the marks: their own, and for parts of bars and error bars that of the whole."""
    found = {a: str(a.get_label()) for a in axes.get_children()}
    found = {a: name for a, name in found.items() if name and not name.startswith("_")}
    for container in axes.containers:
        name = str(container.get_label())
        if name.startswith("_"):
            continue
        for part in container:
            parts = part if isinstance(part, tuple | list) else (part,)
            found |= {a: name for a in parts if isinstance(a, Artist)}
    return found


def _tick_names(axis: Axis) -> dict[float, str]:
    """Names of an axis whose ticks are names, by their place."""
    locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
    if isinstance(locator, FixedLocator) and isinstance(formatter, FuncFormatter | FixedFormatter):
        places = [float(p) for p in locator()]
        return {_key(p): _text(name) for p, name in zip(places, formatter.format_ticks(places))}
    mapping = getattr(getattr(axis, "units", None), "_mapping", {})  # categories
    return {_key(place): str(name) for name, place in mapping.items()}


def _points(artist: Artist, axes: Axes) -> tuple[str, Iterator[Point]]:
    """Kind of a mark, and its points in units of the axes; none of what is no data."""
    reader = next((read for kind, read in _READERS.items() if isinstance(artist, kind)), None)
    is_shown = artist.get_visible() and artist is not axes.patch
    return reader(artist, axes) if reader and is_shown else ("", iter(()))


def _line(line: Line2D, axes: Axes) -> tuple[str, Iterator[Point]]:
    xy = np.array(line.get_xydata(), float).reshape(-1, 2)
    for column, is_number in enumerate(_branches(line, axes)):
        if not is_number:  # a share of the panel, of a line across it
            xy[:, column] = np.nan
    if np.isnan(xy).all():
        return "", iter(())
    return "points" if line.get_linestyle() in ("None", "", " ") else "line", _plain(xy)


def _ranges(lines: LineCollection, axes: Axes) -> tuple[str, Iterator[Point]]:
    segments = lines.get_segments() if any(_branches(lines, axes)) else []
    return "range", _plain(np.vstack([*map(_two, segments), np.empty((0, 2))]))


def _areas(shapes: Collection, axes: Axes) -> tuple[str, Iterator[Point]]:
    outlines = shapes.get_paths() if any(_branches(shapes, axes)) else []
    return "area", _plain(np.vstack([*(_two(o.vertices) for o in outlines), np.empty((0, 2))]))


def _bar(bar: Rectangle, axes: Axes) -> tuple[str, Iterator[Point]]:
    """Where a bar ends that begins at the axis: the middle of its far side."""
    if not bar.get_data_transform().contains_branch(axes.transData):
        return "", iter(())
    x, y, width, height = bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()
    own = next((c for c in axes.containers if bar in getattr(c, "patches", ())), None)
    is_flat = getattr(own, "orientation", "vertical") == "horizontal"
    end = (x + width, y + height / 2) if is_flat else (x + width / 2, y + height)
    return "bars", _plain(np.array([end], float))


def _two(points: Any) -> Floats:
    return np.asarray(points, float).reshape(-1, 2)


def _branches(artist: Artist, axes: Axes) -> Sequence[bool]:
    """Whether x and y of a mark are numbers of the axes; matplotlib 3.11 spells it anew."""
    transform: Any = artist.get_transform()
    asked = getattr(transform, "contains_branch_separately", None)
    found = (asked or transform.contains_branch_seperately)(axes.transData)
    return [bool(one) for one in found]


def _plain(xy: Floats) -> Iterator[Point]:
    return ((float(x), float(y), _NONE) for x, y in xy)


def _scattered(marks: PathCollection, axes: Axes) -> tuple[str, Iterator[Point]]:
    if not marks.get_offset_transform().contains_branch(axes.transData):
        return "", iter(())
    places: Floats = np.ma.filled(np.ma.asarray(marks.get_offsets(), float), np.nan)
    shown = marks.get_array()
    values = np.full(len(places), np.nan) if shown is None else np.ravel(np.asarray(shown, float))
    values = np.resize(values, len(places)) if len(values) else np.full(len(places), np.nan)
    return "points", ((float(x), float(y), float(v)) for (x, y), v in zip(places, values))


def _pixels(image: AxesImage, _: Axes) -> tuple[str, Iterator[Point]]:
    """Middle and value of each pixel; none of a picture in colours."""
    values = image.get_array()
    if values is None or np.ndim(values) != 2 or np.size(values) > MOST:
        return "", iter(())
    array: Floats = np.ma.filled(np.ma.asarray(values, float), np.nan)
    left, right, bottom, top = image.get_extent()
    high, wide = array.shape
    x = left + (np.arange(wide) + 0.5) * (right - left) / wide
    first, last = (top, bottom) if image.origin == "upper" else (bottom, top)
    y = first + (np.arange(high) + 0.5) * (last - first) / high
    places = np.ndindex(high, wide)
    return "image", ((float(x[j]), float(y[i]), float(array[i, j])) for i, j in places)


def _mesh(mesh: QuadMesh, _: Axes) -> tuple[str, Iterator[Point]]:
    values = mesh.get_array()
    if values is None or np.size(values) > MOST:
        return "", iter(())
    corners = np.asarray(mesh.get_coordinates(), float)
    middle = (corners[:-1, :-1] + corners[1:, :-1] + corners[:-1, 1:] + corners[1:, 1:]) / 4
    flat: Floats = np.ma.filled(np.ma.asarray(values, float), np.nan).ravel()
    middle = middle.reshape(-1, 2)
    return "image", ((float(x), float(y), float(v)) for (x, y), v in zip(middle, flat))


# The first that fits a mark: a kind stands before what it is a kind of.
_READERS: Mapping[type[Artist], Callable[[Any, Axes], tuple[str, Iterator[Point]]]] = {
    Line2D: _line,
    AxesImage: _pixels,
    QuadMesh: _mesh,
    PathCollection: _scattered,
    LineCollection: _ranges,
    Collection: _areas,
    Rectangle: _bar,
}
