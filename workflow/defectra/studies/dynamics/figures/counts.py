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


@styled()
def plot_counts(metrics: Rows, study: DynamicsStudy, path: str | Path) -> None:
    """Four panels: kernel, cut-off, place, period."""
    figure, axes = canvas(2, 2, (9.0, 6.4))
    true = study.swarm.reach
    panels = (
        ("kuramoto", Metric.R, (names.KERNEL,), "1 - r of the kernel", lambda v: 1 - v),
        ("swarm", Metric.CUT_OFF, (names.PULL, names.ONE), "error of the cut-off (length)",
         lambda v: np.abs(v - true)),
        ("source", Metric.PLACE, (names.REGISTERED,), "error of a place (length)", np.abs),
        ("source", Metric.PERIOD, (names.SHOOTING,), "relative error of the period", np.abs),
    )  # fmt: skip
    for axis, (target, metric, models, label, error) in zip(axes.flat, panels, strict=True):
        photons = _photons(metrics, study, target)
        for model, colour in zip(models, (BLUE, ORANGE), strict=False):
            _draw(axis, metrics, (target, model, metric), photons, error, colour)
        axis.set_xscale("log")
        axis.set_yscale("log")
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


def _draw(
    axes: Any,
    metrics: Rows,
    which: tuple[str, str, Metric],
    photons: dict[str, float],
    error: Any,
    colour: str,
) -> None:
    target, model, metric = which
    found: dict[str, Estimate] = {
        p: estimate(metrics, target=target, model=model, metric=str(metric), fidelity=p)
        for p in photons
    }
    x = np.array([photons[p] for p in found])
    value = error(np.array([e.value for e in found.values()]))
    ends = np.array([[error(e.lo), error(e.hi)] for e in found.values()], float).reshape(-1, 2)
    if not len(x) or not finite(x, value):
        if not axes.lines:
            say(axes, "no finished fit with counted photons")
        return
    known = np.isfinite(value)
    least = np.maximum(np.minimum(value, ends.min(axis=1)), 1e-9)
    axes.errorbar(
        x[known], value[known], bars(value, least, np.maximum(value, ends.max(axis=1)))[:, known],
        fmt="o-", color=colour, label=model,
    )  # fmt: skip
