"""Patterns between known contents: along the line of a plane, as a mixture, or the nearest one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.studies.xrd.alloys import Alloys, normalised
from defectra.studies.xrd.plane import Plane

Floats = NDArray[np.float64]
Row = dict[str, Any]
EVERY = 4  # every fourth titanium content is known
LINE, MIXTURE, NEAREST = "line of the plane", "mixture of patterns", "nearest pattern"
COLUMNS = ["method", "gap", "x", "y", "distance", "rmse"]


def known(alloys: Alloys) -> NDArray[np.bool_]:
    """Patterns that are known: every fourth titanium content, shape (n,)."""
    values = np.unique(alloys.x)
    return np.isin(alloys.x, values[::EVERY])


def interpolation_rows(plane: Plane, alloys: Alloys) -> list[Row]:
    """Error of patterns between two known titanium contents, at each zirconium content.

    Parameters
    ----------
    plane
        Made of the known patterns alone.

    Returns
    -------
    Root-mean-square error of the normalised pattern (of mean square one) to the simulated one;
    `gap` begins at this known titanium content, `distance` is that of the content from the nearer
    known one. All patterns within a gap lie between the same two known contents.
    """
    kept, rows = known(alloys), []
    patterns = normalised(alloys.plain)
    points = plane.encode(patterns)
    values = np.unique(alloys.x[kept])
    for k in np.flatnonzero(~kept):
        if alloys.x[k] > values[-1]:
            continue
        low, high = values[values < alloys.x[k]][-1], values[values > alloys.x[k]][0]
        a, b = (_index(alloys, x, alloys.y[k]) for x in (low, high))
        share = (alloys.x[k] - low) / (high - low)
        line = plane.decode(((1 - share) * points[a] + share * points[b])[None])[0]
        squares = (1 - share) * patterns[a] ** 2 + share * patterns[b] ** 2
        found = {
            LINE: line,
            MIXTURE: np.sqrt(squares),  # intensities are mixed, not their roots
            NEAREST: patterns[a] if share <= 0.5 else patterns[b],
        }
        for method, pattern in found.items():
            error = float(np.sqrt(np.mean((pattern - patterns[k]) ** 2)))
            away = float(min(alloys.x[k] - low, high - alloys.x[k]))
            own = {"method": method, "gap": float(low), "x": float(alloys.x[k])}
            own["y"] = float(alloys.y[k])
            rows.append(own | {"distance": away, "rmse": error})
    return rows


def _index(alloys: Alloys, x: float, y: float) -> int:
    return int(np.flatnonzero((alloys.x == x) & (alloys.y == y))[0])
