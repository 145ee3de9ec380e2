"""Patterns with their contents, and what is done to them before a model sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.arrays import ArrayReader
from defectra.engines.xrd.powder import Grid
from defectra.studies.xrd.settings import Disturbances, XrdStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class Alloys:
    """Patterns of one fidelity.

    Attributes
    ----------
    intensity
        Shape (n, orientations, points); the first orientation is none.
    x, y
        Titanium and zirconium, shape (n,).
    ids
        Calculation of each pattern and position in it.
    """

    intensity: Floats
    x: Floats
    y: Floats
    ids: list[str]

    @property
    def plain(self) -> Floats:
        """Patterns without preferred orientation, shape (n, points)."""
        return self.intensity[:, 0]

    def at(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Alloys:
        """Patterns by position, or by a mask."""
        kept = np.arange(len(self.x))[index]
        ids = [self.ids[k] for k in kept]
        return Alloys(self.intensity[kept], self.x[kept], self.y[kept], ids)


def read_alloys(rows: Sequence[Row], folder: Path, form: str) -> Alloys:
    """Patterns of one fidelity of a table; failed calculations are left out."""
    own = [r for r in rows if r["protocol"] == form and r["status"] != "failed"]
    own.sort(key=lambda r: r["y"])
    with ArrayReader(folder) as arrays:
        intensity = np.asarray(arrays.stack(own, "intensity"), np.float64)
    x = np.concatenate([np.asarray(r["x"], float) for r in own])
    y = np.repeat([r["y"] for r in own], [len(r["x"]) for r in own])
    ids = [f"{r['calculation_id'][:16]}/{k}" for r in own for k in range(len(r["x"]))]
    return Alloys(intensity, x, y, ids)


def grid_of(study: XrdStudy) -> Grid:
    """Points of the patterns."""
    own = study.patterns
    return Grid(own.first, own.last, own.step)


def normalised(patterns: Floats) -> Floats:
    """Square roots of patterns of mean one, shape (n, points): what every model is given.

    The square root makes counting noise alike everywhere and keeps weak reflections in sight.
    """
    return np.sqrt(np.maximum(patterns, 0) / patterns.mean(axis=1, keepdims=True))


def disturbed(
    alloys: Alloys, settings: Disturbances, points: Floats, rng: np.random.Generator
) -> Floats:
    """Patterns like measured ones, counts, shape (n, points).

    Each gets a preferred orientation, a zero shift, a background (constant, and air scattering
    that falls with the angle) and counting noise.
    """
    count = len(alloys.x)
    orientation = rng.integers(alloys.intensity.shape[1], size=count)
    shift = rng.normal(0, settings.zero, count) if settings.zero else np.zeros(count)
    level = rng.uniform(0, settings.background, (count, 2))
    low, high = (float(np.log10(c)) for c in settings.counts)
    photons = 10 ** rng.uniform(low, high, count)
    fall = np.exp(-(points - points[0]) / 15.0)
    out = np.empty((count, len(points)))
    for k in range(count):
        own = alloys.intensity[k, orientation[k]]
        moved = np.interp(points - shift[k], points, own)
        ground = level[k, 0] / 2 + level[k, 1] / 2 * fall
        out[k] = rng.poisson(photons[k] * (moved / own.max() + ground))
    return out
