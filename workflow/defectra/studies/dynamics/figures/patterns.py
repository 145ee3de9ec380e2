"""What the detector sees of each system, beside what moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from defectra.engines.coherent.scattering import Detector, grid_axis
from defectra.figures.style import BLUE, GREY, canvas, save, say, styled
from defectra.studies.dynamics.series import Series, detector_of
from defectra.studies.dynamics.settings import DynamicsStudy

Floats = NDArray[np.float64]
TITLES = {
    "kuramoto": "Kuramoto oscillators",
    "swarm": "swarm",
    "source": "fluctuating source",
    "scan": "scanning probe",
}


@styled()
def plot_patterns(shown: Mapping[str, Series], study: DynamicsStudy, path: str | Path) -> None:
    """Columns: systems; rows: what moves, first pattern, last pattern."""
    figure, axes = canvas(3, max(len(shown), 1), (2.3 * max(len(shown), 2), 6.6))
    if not shown:
        for axis in axes.flat:
            say(axis, "no series")
    for column, (name, series) in enumerate(shown.items()):
        system = getattr(study, name)
        _sample(axes[0, column], name, series, system)
        axes[0, column].set_title(TITLES[name])
        detector = detector_of(system.view, system.box)
        for row, k in ((1, 0), (2, -1)):
            _pattern(axes[row, column], series, k, detector)
    for row, text in ((1, "first pattern\n$q_y$ (1/length)"), (2, "last pattern\n$q_y$")):
        axes[row, 0].set_ylabel(text)
    save(figure, path)


def _pattern(axes: Any, series: Series, k: int, detector: Detector) -> None:
    """Logarithm of the counts over four decades, white behind the beam stop."""
    top, q = float(series.counts.max()), detector.q
    if not top > 0:
        say(axes, "no counts")
        return
    axes.imshow(
        np.clip(np.where(detector.open, series.counts[k], np.nan), top / 1e4, None),
        norm=LogNorm(top / 1e4, top),
        extent=_edges(q) * 2,
        origin="lower",
    )
    axes.set_xlabel("$q_x$ (1/length)")


def _edges(places: Floats) -> tuple[float, float]:
    """Outer edges of the pixels whose centres are at equal steps."""
    half = (places[1] - places[0]) / 2
    return float(places[0] - half), float(places[-1] + half)


def sample_and_path(name: str, series: Series) -> tuple[Floats, Floats]:
    """Places of the scatterers, shape (n, 2), and a path, shape (t, 2), length.

    Parameters
    ----------
    name
        ``source``: scatterers as the first pattern sees them, and how they are moved from there;
        ``scan``: scatterers that lie still, and the places of the probe among them. Those of a
        series are relative to its probe, which is at the origin.
    """
    if name == "scan":
        return series.scatterers + series.state[0], series.state
    return series.scatterers, series.state - series.state[0]


def _sample(axes: Any, name: str, series: Series, system: Any) -> None:
    """Angles of the grid, particles, or the path of source or probe over the scatterers."""
    if name == "kuramoto":
        theta = np.mod(series.state[0].reshape(system.number, -1), 2 * np.pi)
        ends = _edges(grid_axis(system.number, system.box))
        axes.imshow(theta, cmap="twilight", extent=ends * 2, origin="lower")
        axes.set_ylabel("y (length); colour: angle")
    else:
        scatterers, path = sample_and_path(name, series)
        axes.scatter(*scatterers.T, s=2, color=GREY)
        if name != "swarm":
            axes.plot(*path.T, ".-", color=BLUE, lw=1)
        axes.set_ylabel("y (length)")
        axes.set_aspect("equal")
    axes.set_xlabel("x (length)")
