"""The example of the authors of Plot2Spectra, compared with what a person reads from it.

No numbers were published with it: what is compared are the numbers beside its axes and points on
its lines, as a person reads and clicks them (`resources/plots/README.md`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.csvs import read_csv
from defectra.core.errors import DataError
from defectra.images.digitise.picture import Picture
from defectra.images.digitise.read import Digitised, digitise
from defectra.images.digitise.ticks import Scale
from defectra.studies.plots.reading import as_array, distances

Row = dict[str, Any]
Floats = NDArray[np.float64]
X_NUMBER, Y_NUMBER, POINT = "x number", "y number", "point"
CLICKED_COLUMNS = ["kind", "line", "value", "column", "row"]
COLUMNS = ["kind", "line", "value", "column", "row", "away_px", "refusal"]
LINE_COLUMNS = ["line", "column", "row"]
NAN = float("nan")


def clicked(path: str | Path) -> list[Row]:
    """What a person read: numbers of the axes, and points of the lines counted from the top."""
    return read_csv(path, CLICKED_COLUMNS)


def compared(image: Picture, person: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """What the command reads beside what a person reads.

    Returns
    -------
    rows
        Those of `person` with their distance from what was read, pixels: NaN where nothing was,
        and why if the whole picture was refused.
    lines
        Columns and rows of the lines that were read.
    """
    try:
        found = digitise(image)
    except DataError as error:
        return [row | {"away_px": NAN, "refusal": str(error)} for row in person], []
    away = [*_of_numbers(found, person), *_of_points(found, person, image.ink.shape[1])]
    lines = [
        {"line": number, "column": float(c), "row": float(r)}
        for number, line in enumerate(found.lines, 1)
        for c, r in zip(line.column, line.row)
    ]
    return [row | {"refusal": ""} for row in away], lines


def _of_numbers(found: Digitised, person: Sequence[Row]) -> Iterator[Row]:
    for row in person:
        if row["kind"] == X_NUMBER:
            yield row | {"away_px": _off(found.x, row["column"], row["value"])}
        elif row["kind"] == Y_NUMBER:
            yield row | {"away_px": _off(found.y, row["row"], row["value"])}


def _off(scale: Scale, pixel: float, value: float) -> float:
    """Pixels from where the scale has a value to where a person sees it."""
    step = float(scale.value(pixel + 0.5) - scale.value(pixel - 0.5))
    return abs((float(scale.value(pixel)) - value) / step)


def _of_points(found: Digitised, person: Sequence[Row], width: int) -> Iterator[Row]:
    """Points of each line, by the line that is matched to it as in the scores of drawn plots."""
    points = [row for row in person if row["kind"] == POINT]
    numbers = sorted({int(row["line"]) for row in points})
    true = np.full((len(numbers), width), np.nan)
    for row in points:
        true[numbers.index(int(row["line"])), int(row["column"])] = row["row"]
    read = as_array(found.lines, width)
    _, match = distances(read, true)
    for row in points:
        which, column = match[numbers.index(int(row["line"]))], int(row["column"])
        seen = float(read[which, column]) if which >= 0 else NAN
        yield row | {"away_px": abs(seen - row["row"])}


def of_kind(rows: Sequence[Mapping[str, Any]], kind: str) -> Floats:
    """Distances of one kind, pixels; NaN where nothing was read."""
    return np.array([row["away_px"] for row in rows if row["kind"] == kind], float)


def lines_found(rows: Sequence[Row], found_px: float) -> int:
    """Lines of which more than half of the points were read, with a mean distance below a limit."""
    points = [row for row in rows if row["kind"] == POINT]
    numbers = sorted({row["line"] for row in points})
    own = (of_kind([row for row in points if row["line"] == n], POINT) for n in numbers)
    return sum(_is_found(away, found_px) for away in own)


def _is_found(away: Floats, found_px: float) -> bool:
    seen = np.isfinite(away)
    return bool(2 * seen.sum() > len(away) and away[seen].mean() < found_px)
