"""Which reflections a plane uses: how far points move when one reflection is exchanged.

The relevance of a reflection is the median distance that points of the plane move, in units of the
spread of the plane, when the reflection alone is taken from another alloy drawn at random, angle
and intensity alike: the patterns keep the look of patterns, and lose what this reflection carries.
Reflections are exchanged one by one although they overlap, since a pattern is their sum; each is
computed from its structure factor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from defectra.engines.xrd.alloy import Contents, mixed
from defectra.engines.xrd.powder import Grid, Reflections, profile, reflections
from defectra.studies.xrd.alloys import Alloys, normalised
from defectra.studies.xrd.plane import Plane
from defectra.studies.xrd.structure_factor import Hkl, reflection, slopes

Floats = NDArray[np.float64]
Row = dict[str, Any]
LEAST = 0.02  # intensity of a reflection that is looked at, of the strongest
STRONG = 0.25  # of the strongest
EXCHANGES = 20
COLUMNS = [
    *("hkl", "two_theta_deg", "intensity", "relevance", "signal", "slope_x", "slope_y"),
    *("shift_deg", "sum_2a", "sum_8i"),
]
CONTROL_COLUMNS = ["statistic", "value", "p_value", "permutations", "reflections", "background"]


def seen(middle: Contents, grid: Grid) -> list[Hkl]:
    """Reflections that are looked at, by their angle."""
    found = reflections(mixed(middle), grid, 2.0)
    kept = found.intensity >= LEAST * found.intensity.max()
    inside = (found.two_theta > grid.first + 1) & (found.two_theta < grid.last - 1)
    return [(int(h), int(k), int(m)) for h, k, m in found.hkl[kept & inside]]


def profiles(hkl: Hkl, alloys: Alloys, grid: Grid, width: float) -> Floats:
    """One reflection of each alloy, electrons² per degree, shape (n, points)."""
    out = []
    for x, y in zip(alloys.x, alloys.y):
        own = reflection(hkl, Contents(float(x), float(y)))
        one = Reflections(
            np.array([own.two_theta]), np.array([own.intensity]), np.zeros(1), np.array([hkl])
        )
        out.append(profile(one, grid, width))
    return np.array(out)


def relevance_rows(
    plane: Plane, alloys: Alloys, grid: Grid, width: float, middle: Contents, seed: int
) -> list[Row]:
    """Relevance of each reflection beside what its structure factor says.

    Parameters
    ----------
    width
        Full width at half maximum of a reflection, degrees.
    middle
        Contents at which slopes are taken.
    """
    rows: list[Row] = []
    rng = np.random.default_rng(seed)
    for hkl in seen(middle, grid):
        here = reflection(hkl, middle)
        slope_x, slope_y = slopes(hkl, middle)
        more = reflection(hkl, Contents(middle.x + 1, middle.y))
        relevance, signal = exchanged(plane, alloys, profiles(hkl, alloys, grid, width), rng)
        rows.append(
            {
                "hkl": " ".join(map(str, hkl)),
                "two_theta_deg": here.two_theta,
                "intensity": here.intensity,
                "relevance": relevance,
                "signal": signal,
                "slope_x": slope_x,
                "slope_y": slope_y,
                "shift_deg": more.two_theta - here.two_theta,
                "sum_2a": here.sums["2a"],
                "sum_8i": here.sums["8i"],
            }
        )
    largest = max((float(r["intensity"]) for r in rows), default=1.0)
    return [r | {"intensity": r["intensity"] / largest} for r in rows]


def exchanged(
    plane: Plane, alloys: Alloys, own: Floats, rng: np.random.Generator
) -> tuple[float, float]:
    """What the exchange of a part of the patterns does.

    Parameters
    ----------
    own
        The part of each pattern, shape (n, points).

    Returns
    -------
    Median distance that points move, in spreads of the plane, and root-mean-square change of the
    normalised pattern.
    """
    before = normalised(alloys.plain)
    points = plane.encode(before)
    spread = points.std(axis=0)
    far, change = [], []
    for _ in range(EXCHANGES):
        other = own[rng.permutation(len(own))]
        after = normalised(alloys.plain - own + other)
        far.append(np.linalg.norm((plane.encode(after) - points) / spread, axis=1))
        change.append(np.mean((after - before) ** 2))
    return float(np.median(far)), float(np.sqrt(np.mean(change)))


def control(plane: Plane, alloys: Alloys, rows: list[Row], seed: int, permutations: int) -> Row:
    """Permutation test of the relevance, and points far from every reflection.

    Spearman correlation of relevance and signal, against relevances dealt to the reflections at
    random. The background is the relevance of the tenth of the points with the least intensity.
    """
    rng = np.random.default_rng([seed, 1])
    relevances, signal = (np.array([r[k] for r in rows]) for k in ("relevance", "signal"))
    value = float(spearmanr(relevances, signal).statistic)
    dealt = [spearmanr(rng.permutation(relevances), signal).statistic for _ in range(permutations)]
    above = int(np.sum(np.array(dealt) >= value))
    highest = alloys.plain.max(axis=0)
    empty = highest <= np.quantile(highest, 0.1)
    background, _ = exchanged(plane, alloys, alloys.plain * empty, rng)
    return {
        "statistic": "Spearman correlation of relevance and signal",
        "value": value,
        "p_value": (above + 1) / (permutations + 1),
        "permutations": permutations,
        "reflections": len(rows),
        "background": background,
    }
