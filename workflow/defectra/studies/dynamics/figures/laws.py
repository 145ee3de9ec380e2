"""Learned laws beside the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.figures.style import BLACK, BLUE, GREEN, ORANGE, canvas, finite, save, say, styled
from defectra.studies.dynamics import learn_names as names
from defectra.studies.dynamics.settings import DynamicsStudy

Fit = Mapping[str, Any]


@styled()
def plot_laws(fits: Sequence[Fit], study: DynamicsStudy, path: str | Path) -> None:
    """Kernel, speed of a pair, path of the source and of the probe."""
    figure, axes = canvas(2, 2, (9.0, 7.0))
    _kernel(axes[0, 0], fits, study.main)
    _speed(axes[0, 1], fits, study.main)
    _path(axes[1, 0], fits, "source", study.main, "fluctuating source")
    _path(axes[1, 1], fits, "scan", study.main, "scanning probe")
    save(figure, path)


def _values(fits: Sequence[Fit], system: str, model: str, protocol: str) -> NDArray[np.float64]:
    """Values of all fits of a model, shape (fits, values)."""
    return np.array(
        [
            f["values"]
            for f in fits
            if (f["system"], f["model"], f["protocol"]) == (system, model, protocol)
        ]
    )


def _kernel(axes: Any, fits: Sequence[Fit], protocol: str) -> None:
    """Weights against the distance from the centre."""
    trues = _values(fits, "kuramoto", "truth", "none")
    found = _values(fits, "kuramoto", names.KERNEL, protocol)
    if not finite(trues) or not finite(found):
        say(axes, "no kernel was learned")
        return
    true = trues[0]
    side = round(len(true) ** 0.5)
    steps = np.arange(side) - side // 2
    radius = np.hypot(steps[:, None], steps[None, :]).ravel()
    off = radius > 0
    order = np.argsort(radius[off])
    axes.plot(radius[off][order], true[off][order], color=BLACK, label="true")
    spread = found.std(axis=0, ddof=1) if len(found) > 1 else np.zeros(len(true))
    axes.errorbar(
        radius[off], found.mean(axis=0)[off], spread[off], fmt=".", color=BLUE, lw=0.8,
        label=f"learned, mean and s.d. of {len(found)} trajectories",
    )  # fmt: skip
    axes.set_xlabel("distance (points)")
    axes.set_ylabel("weight of a neighbour (1/time)")
    axes.set_title("Kuramoto oscillators: kernel")
    axes.legend()


def _speed(axes: Any, fits: Sequence[Fit], protocol: str) -> None:
    trues = [f for f in fits if (f["system"], f["model"]) == ("swarm", "truth")]
    if not trues or not finite(trues[0]["values"]):
        say(axes, "no law of the swarm")
        return
    true = trues[0]
    x = np.array(true["x"])
    far = x > 0.08
    for model, colour in ((names.PULL, BLUE), (names.FREE, ORANGE), (names.CUT, GREEN)):
        found = _values(fits, "swarm", model, protocol)
        if len(found):
            axes.plot(x[far], found.mean(axis=0)[far], color=colour, label=model)
    axes.plot(x[far], np.array(true["values"])[far], "--", color=BLACK, label="true")
    axes.set_xlabel("distance of two particles (length)")
    axes.set_ylabel("speed towards each other (length/time)")
    axes.set_title("swarm: law between two particles")
    axes.legend()


def _path(axes: Any, fits: Sequence[Fit], system: str, protocol: str, title: str) -> None:
    for model, kind, colour, style in (
        ("truth", "none", BLACK, "-"),
        (names.SHOOTING, protocol, BLUE, "--"),
    ):
        found = _values(fits, system, model, kind)
        if finite(found):
            place = found[0].reshape(-1, 2)
            label = "true" if model == "truth" else "learned (mean of the networks)"
            axes.plot(*place.T, style, color=colour, lw=0.8, label=label)
    axes.set_xlabel("x (length)")
    axes.set_ylabel("y (length)")
    if not axes.lines:
        say(axes, f"{title}: no path")
        return
    axes.set_aspect("equal")
    axes.set_title(f"{title}: path over the judged time")
    axes.legend(loc="upper right")
