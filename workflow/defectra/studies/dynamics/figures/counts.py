"""Errors of the learned laws against photons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.claims import Estimate, Rows, estimate
from defectra.figures.style import BLUE, ORANGE, bars, canvas, finite, save, say, styled
from defectra.studies.dynamics import learn_names as names
from defectra.studies.dynamics.rows import Metric
from defectra.studies.dynamics.settings import DynamicsStudy

BOTTOM = 1e-9  # where a bar to zero ends on a logarithmic axis: far below what is shown


@styled()
def plot_counts(metrics: Rows, study: DynamicsStudy, path: str | Path) -> None:
    """Four panels: kernel, cut-off, place, period."""
    figure, axes = canvas(2, 2, (9.0, 6.4))
    panels = (
        ("kuramoto", Metric.R, (names.KERNEL,), "1 - r of the kernel", 1.0),
        ("swarm", Metric.CUT_OFF, (names.PULL, names.ONE), "error of the cut-off (length)",
         study.swarm.reach),
        ("source", Metric.PLACE, (names.REGISTERED,), "error of a place (length)", 0.0),
        ("source", Metric.PERIOD, (names.SHOOTING,), "relative error of the period", 0.0),
    )  # fmt: skip
    for axis, (target, metric, models, label, truth) in zip(axes.flat, panels, strict=True):
        photons = _photons(metrics, study, target)
        for model, colour in zip(models, (BLUE, ORANGE), strict=False):
            found = [
                estimate(metrics, target=target, model=model, metric=str(metric), fidelity=p)
                for p in photons
            ]
            _draw(axis, [e.distance(truth) for e in found], list(photons.values()), model, colour)
        axis.set_xscale("log")
        axis.set_yscale("log")
        shown = [v for line in axis.lines for v in line.get_ydata() if v > BOTTOM]
        if shown:
            axis.set_ylim(bottom=0.4 * min(shown))
        axis.set_xlabel("photons in a pattern")
        axis.set_ylabel(label)
        axis.set_title(target)
        if axis.lines:
            axis.legend()
    save(figure, path)


def _photons(metrics: Rows, study: DynamicsStudy, target: str) -> dict[str, float]:
    found = {
        p: estimate(metrics, target=target, metric=str(Metric.PHOTONS), fidelity=p).value
        for p in study.counts
    }
    return {p: v for p, v in found.items() if np.isfinite(v)}


def _draw(axes: Any, errors: list[Estimate], photons: list[float], model: str, colour: str) -> None:
    """Errors with their intervals; one that holds zero has a bar to the lower edge."""
    x = np.array(photons)
    value, low, high = np.array([e[:3] for e in errors], float).reshape(-1, 3).T
    if not len(x) or not finite(x, value):
        if not axes.lines:
            say(axes, "no finished fit with counted photons")
        return
    known = np.isfinite(value)
    axes.errorbar(
        x[known], value[known], bars(value, np.maximum(low, BOTTOM), high)[:, known],
        fmt="o-", color=colour, label=model,
    )  # fmt: skip
