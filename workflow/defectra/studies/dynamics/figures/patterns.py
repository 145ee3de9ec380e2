"""What the detector sees of each system, beside what moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm

from defectra.engines.coherent.scattering import Detector
from defectra.figures.style import BLUE, GREY, canvas, save, say, styled
from defectra.studies.dynamics.series import Series, detector_of
from defectra.studies.dynamics.settings import DynamicsStudy

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
        extent=(q[0], q[-1], q[0], q[-1]),
        origin="lower",
    )
    axes.set_xlabel("$q_x$ (1/length)")


def _sample(axes: Any, name: str, series: Series, system: Any) -> None:
    """Angles of the grid, particles, or the path of source or probe over the scatterers."""
    half = system.box / 2
    if name == "kuramoto":
        theta = np.mod(series.state[0].reshape(system.number, -1), 2 * np.pi)
        axes.imshow(theta, cmap="twilight", extent=(-half, half, -half, half), origin="lower")
        axes.set_ylabel("y (length); colour: angle")
    else:
        axes.scatter(*series.scatterers.T, s=2, color=GREY)
        if name != "swarm":
            place = series.state - (0 if name == "scan" else series.state[0])
            axes.plot(*place.T, ".-", color=BLUE, lw=1)
        axes.set_ylabel("y (length)")
        axes.set_aspect("equal")
    axes.set_xlabel("x (length)")
