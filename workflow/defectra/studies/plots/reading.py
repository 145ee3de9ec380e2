"""Plots read back from their pictures, and compared with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from defectra.core.errors import DataError
from defectra.core.records import Column, Table
from defectra.images.digitise.box import Box, find_box
from defectra.images.digitise.line import Line
from defectra.images.digitise.lines import colour_masks, inner
from defectra.images.digitise.picture import Picture, picture
from defectra.images.digitise.read import lines_of
from defectra.images.digitise.ticks import Axis, Scale, scale_of

Row = dict[str, Any]
Floats = NDArray[np.float64]
SLOPE, NEAREST, COLUMN_MEAN = "slope and smoothest crossing", "nearest ink", "column mean"
NEVER = 1e3  # pixels: distance of a line that nothing was read of
READINGS = Table(
    "plots_readings",
    (
        Column("calculation_id", "string", "", "calculation behind it"),
        Column("plot", "string", "", "batch and number of the plot: group of the bootstrap"),
        Column("rule", "string", "", "where the curves come from"),
        Column("lines", "int", "", "lines of the plot"),
        Column("crossings", "int", "", "crossings of two true lines inside the frame"),
        Column("dpi", "int", "1/in", "pixels per inch"),
        Column("one_colour", "bool", "", "whether all lines have one colour"),
        Column("rough", "bool", "", "whether the picture has noise or blur"),
        Column("method", "string", "", "how lines are followed"),
        Column("distance_px", "floats", "pixel", "mean |dy| of each true line"),
        Column("count", "int", "", "lines that were read"),
        Column("box_px", "float", "pixel", "largest error of the frame; NaN: not found"),
        Column("box_unrefined_px", "float", "pixel", "the same, of whole pixels"),
        Column("energy_error_eV", "float", "eV", "mean over the columns; NaN: axis refused"),
        Column("intensity_error", "float", "%", "of the range of the plot; NaN: axis refused"),
        Column("refusal", "string", "", "what was refused, empty if nothing"),
    ),
)


def as_array(lines: Sequence[Line], width: int) -> Floats:
    """Rows of lines by column, shape (lines, width), NaN where a line is not."""
    out = np.full((len(lines), width), np.nan)
    for k, line in enumerate(lines):
        out[k, line.column.astype(int)] = line.row
    return out


def column_means(image: Picture, box: Box) -> list[Line]:
    """One line for each colour: the mean row of its ink in each column.

    So the averaging window of a clicking software gives it.
    """
    _, top, left = inner(image, box)
    out = []
    for mask in colour_masks(image, box):
        columns = np.flatnonzero(mask.any(axis=0))
        rows = (np.arange(len(mask))[:, None] * mask).sum(axis=0) / np.maximum(mask.sum(axis=0), 1)
        out.append(Line((columns + left).astype(float), rows[columns] + top, (0, 0, 0), 1.0))
    return out


METHODS: Mapping[str, Callable[[Picture, Box], list[Line]]] = {
    SLOPE: lines_of,
    NEAREST: lambda image, box: lines_of(image, box, with_slope=False),
    COLUMN_MEAN: column_means,
}


def distances(found: Floats, true: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Mean |dy| of each true line to the line that is matched to it, pixels.

    Parameters
    ----------
    found, true
        Rows by column, shapes (m, w) and (n, w). A match covers at least half of the true line;
        the sum over all matches is the smallest.

    Returns
    -------
    distance
        Shape (n,); :data:`NEVER` for a line without a match.
    match
        Number of the found line, -1 if there is none; shape (n,).
    """
    cost = np.full((len(true), max(len(found), 1)), NEVER)
    for i, line in enumerate(true):
        for j, other in enumerate(found):
            both = np.isfinite(line) & np.isfinite(other)
            if 2 * both.sum() > np.isfinite(line).sum():
                cost[i, j] = np.abs(line - other)[both].mean()
    out, match = np.full(len(true), NEVER), np.full(len(true), -1)
    rows, columns = linear_sum_assignment(cost)
    out[rows] = cost[rows, columns]
    match[rows] = np.where(cost[rows, columns] < NEVER, columns, -1)
    return out, match


def crossings(lines: Floats, box: Floats) -> int:
    """How often two of the true lines cross inside the frame.

    Parameters
    ----------
    lines
        Rows by column, shape (n, w), NaN where a line is not.
    box
        Left, top, right and bottom of the frame, pixels.

    Returns
    -------
    Changes of order of two lines, summed over all pairs. Lines that touch and part again on the
    same sides do not cross.
    """
    left, top, right, bottom = box
    columns = np.arange(lines.shape[1])
    inside = (columns >= left) & (columns <= right) & (lines >= top) & (lines <= bottom)
    seen = np.where(inside, lines, np.nan)
    return sum(_changes_of_sign(seen[i] - seen[j]) for i in range(len(seen)) for j in range(i))


def _changes_of_sign(values: Floats) -> int:
    sign = np.sign(values[np.isfinite(values)])
    sign = sign[sign != 0]
    return int((sign[1:] != sign[:-1]).sum())


def read_plots(row: Row, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Row]:
    """Rows of all plots of a batch and all methods.

    Parameters
    ----------
    row
        Of the batch.
    arrays
        As of :func:`defectra.engines.plot_images.render.render`.
    """
    for k in range(len(arrays["image"])):
        truth = {name: array[k] for name, array in arrays.items()}
        common = {
            "calculation_id": row["calculation_id"],
            "plot": f"{row['batch']}-{k}",
            **{name: row[name] for name in ("rule", "lines", "dpi")},
            "crossings": crossings(truth["line"], truth["box"]),
            "one_colour": bool(truth["style"][0]),
            "rough": bool(truth["style"][1]),
        }
        for found in _readings(truth):
            yield common | found


def _readings(truth: Mapping[str, NDArray[Any]]) -> Iterator[Row]:
    """Rows of one plot, one for each method."""
    nan, image = float("nan"), picture(truth["image"])
    nothing = {
        **{"box_px": nan, "box_unrefined_px": nan, "energy_error_eV": nan, "intensity_error": nan},
        "distance_px": [NEVER] * len(truth["line"]),
        "count": 0,
    }
    try:
        box = find_box(image)
    except DataError as error:
        yield from ({**nothing, "method": m, "refusal": str(error)} for m in METHODS)
        return
    frame = {
        "box_px": float(np.abs(box.sides - truth["box"]).max()),
        "box_unrefined_px": float(np.abs(np.round(box.sides) - truth["box"]).max()),
    }
    scales, refusal = _scales(image, box)
    for method, follow in METHODS.items():
        try:
            lines = follow(image, box)
        except DataError as error:
            yield {**nothing, **frame, "method": method, "refusal": str(error)}
            continue
        found = as_array(lines, image.ink.shape[1])
        distance, match = distances(found, truth["line"])
        errors = _value_errors(found, match, scales, truth)
        rest = {"method": method, "refusal": refusal, "count": len(lines)}
        yield {**nothing, **frame, **errors, **rest, "distance_px": distance.tolist()}


def _scales(image: Picture, box: Box) -> tuple[dict[Axis, Scale], str]:
    """Scales of both axes; none, and why, if one is refused."""
    try:
        return {"x": scale_of(image, box, "x"), "y": scale_of(image, box, "y")}, ""
    except DataError as error:
        return {}, str(error)


def _value_errors(
    found: Floats,
    match: NDArray[np.int64],
    scales: Mapping[Axis, Scale],
    truth: Mapping[str, NDArray[Any]],
) -> dict[str, float]:
    """Mean errors of the values of all matched lines."""
    if not scales or (match < 0).all():
        return {}
    columns = np.arange(found.shape[1])
    a, b = truth["x_scale"]
    energy = np.abs(scales["x"].value(columns.astype(float)) - (a + b * columns))
    a, b = truth["y_scale"]
    span = abs(b) * (truth["box"][3] - truth["box"][1])
    matched = match >= 0
    read = scales["y"].value(found[match[matched]])
    wrong = np.abs(read - (a + b * truth["line"][matched]))
    seen = np.isfinite(wrong)
    return {
        "energy_error_eV": float(energy[seen.any(axis=0)].mean()),
        "intensity_error": float(100 * wrong[seen].mean() / span),
    }
