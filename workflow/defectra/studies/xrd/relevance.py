"""Which reflections a plane uses: how far points move when the part of a reflection is exchanged.

The relevance of a window of a pattern is the median distance that points of the plane move, in
units of the spread of the plane, when the window is taken from another pattern drawn at random:
the patterns keep the look of patterns, and lose what the window tells. Windows reach over the
positions that a reflection takes at all contents; windows that overlap are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from defectra.engines.xrd.alloy import Contents, mixed
from defectra.engines.xrd.powder import Grid, reflections
from defectra.studies.xrd.plane import Plane
from defectra.studies.xrd.structure_factor import reflection, slopes

Floats = NDArray[np.float64]
Row = dict[str, Any]
LEAST = 0.02  # intensity of a reflection, of the strongest
STRONG = 0.25  # of the strongest window
EXCHANGES = 20
COLUMNS = [
    *("window", "hkl", "first_deg", "last_deg", "intensity", "relevance", "signal"),
    *("slope_x", "slope_y", "shift_deg", "sum_2a", "sum_8i"),
]
CONTROL_COLUMNS = ["statistic", "value", "p_value", "permutations", "windows", "background"]


@dataclass(frozen=True)
class Window:
    """Part of a pattern that holds one or several reflections, degrees.

    Attributes
    ----------
    hkl
        The strongest reflection in it.
    """

    first: float
    last: float
    hkl: tuple[int, int, int]


def windows(ends: list[Contents], middle: Contents, grid: Grid, width: float) -> list[Window]:
    """Windows of all reflections that are seen, rising.

    Parameters
    ----------
    ends
        Contents between which the cell changes.
    width
        Full width at half maximum of a reflection, degrees.
    """
    found = reflections(mixed(middle), grid, 2.0)
    strong = found.intensity >= LEAST * found.intensity.max()
    out: list[tuple[Window, float]] = []
    for hkl, single in zip(found.hkl[strong], found.intensity[strong]):
        height = float(single)
        plane = tuple(int(v) for v in hkl)
        places = [reflection(plane, c).two_theta for c in (*ends, middle)]  # type: ignore[arg-type]
        own = Window(min(places) - width, max(places) + width, plane)  # type: ignore[arg-type]
        if out and own.first <= out[-1][0].last:
            last, most = out.pop()
            name = own.hkl if height > most else last.hkl
            own = Window(last.first, max(own.last, last.last), name)
            height = max(height, most)
        out.append((own, height))
    return [w for w, _ in out if w.first >= grid.first and w.last <= grid.last]


def relevance_rows(
    plane: Plane, patterns: Floats, grid: Grid, found: list[Window], middle: Contents, seed: int
) -> list[Row]:
    """Relevance of each window beside what its structure factor says.

    Parameters
    ----------
    patterns
        Normalised undisturbed patterns, shape (n, points).
    middle
        Contents at which slopes are taken.
    """
    rows: list[Row] = []
    rng = np.random.default_rng(seed)
    mean = patterns.mean(axis=0)
    for number, window in enumerate(found):
        mask = _mask(grid, window.first, window.last)
        here = reflection(window.hkl, middle)
        slope_x, slope_y = slopes(window.hkl, middle)
        places = [
            reflection(window.hkl, Contents(middle.x + d, middle.y)).two_theta for d in (0, 1)
        ]
        rows.append(
            {
                "window": number,
                "hkl": " ".join(map(str, window.hkl)),
                "first_deg": window.first,
                "last_deg": window.last,
                "intensity": float((mean[mask] ** 2).sum()),
                "relevance": moved(plane, patterns, mask, rng),
                "signal": float(np.sqrt(((patterns - mean)[:, mask] ** 2).sum(axis=1).mean())),
                "slope_x": slope_x,
                "slope_y": slope_y,
                "shift_deg": places[1] - places[0],
                "sum_2a": here.sums["2a"],
                "sum_8i": here.sums["8i"],
            }
        )
    largest = max(r["intensity"] for r in rows)
    return [r | {"intensity": r["intensity"] / largest} for r in rows]


def moved(
    plane: Plane, patterns: Floats, mask: NDArray[np.bool_], rng: np.random.Generator
) -> float:
    """Median distance that points move when a window is exchanged, in spreads of the plane."""
    before = plane.encode(patterns)
    spread = before.std(axis=0)
    far = []
    for _ in range(EXCHANGES):
        other = patterns.copy()
        other[:, mask] = patterns[rng.permutation(len(patterns))][:, mask]
        far.append(np.linalg.norm((plane.encode(other) - before) / spread, axis=1))
    return float(np.median(far))


def control(
    plane: Plane, patterns: Floats, grid: Grid, rows: list[Row], seed: int, permutations: int
) -> Row:
    """Permutation test of the relevance, and windows without a reflection.

    Spearman correlation of relevance and signal (root-mean-square change of the window over the
    contents), against relevances dealt to the windows at random.
    """
    rng = np.random.default_rng([seed, 1])
    told = np.array([r["relevance"] for r in rows])
    signal = np.array([r["signal"] for r in rows])
    value = float(spearmanr(told, signal).statistic)
    dealt = [spearmanr(rng.permutation(told), signal).statistic for _ in range(permutations)]
    above = int(np.sum(np.array(dealt) >= value))
    points = grid.points
    free = ~np.any([_mask(grid, r["first_deg"], r["last_deg"]) for r in rows], axis=0)
    size = int(np.median([_mask(grid, r["first_deg"], r["last_deg"]).sum() for r in rows]))
    empty = np.zeros(len(points), dtype=bool)
    empty[rng.choice(np.flatnonzero(free), min(size, int(free.sum())), replace=False)] = True
    return {
        "statistic": "Spearman correlation of relevance and signal",
        "value": value,
        "p_value": (above + 1) / (permutations + 1),
        "permutations": permutations,
        "windows": len(rows),
        "background": moved(plane, patterns, empty, rng),
    }


def _mask(grid: Grid, first: float, last: float) -> NDArray[np.bool_]:
    points = grid.points
    return np.asarray((points >= first) & (points <= last))
