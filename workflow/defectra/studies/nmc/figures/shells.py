"""Figure: change of the spectrum of a site over its distance from the defect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.nmc.block_shells import ARMS, SHELLS, shell_of
from defectra.studies.nmc.figures.blocks import COLOURS, LABELS, NONE

Rows = Sequence[Mapping[str, Any]]
MARKS = {"vacancy": "o", "antisite": "^"}


@style.styled()
def plot_shells(sites: Rows, shells: Rows, path: str | Path) -> None:
    """A panel for each edge: every site, and the mean of each shell with its interval if known."""
    sites = [r for r in sites if np.isfinite([float(r[k]) for k in ("distance_A", "change")]).all()]
    edges = list(dict.fromkeys(str(r["edge"]) for r in sites))
    if not edges:
        figure, axes = style.canvas(1, 1, (6.4, 3.0))
        style.say(axes[0, 0], NONE)
        style.save(figure, path)
        return
    figure, axes = style.canvas(1, len(edges), (2.5 * len(edges), 3.4), sharex="row")
    for axis, edge in zip(axes[0], edges):
        for arm in ARMS:
            own = [r for r in sites if (r["edge"], r["arm"]) == (edge, arm)]
            means = [r for r in shells if (r["edge"], r["arm"]) == (edge, arm)]
            _arm(axis, own, means, arm)
        axis.set(title=edge, xlabel="distance to the defect (Å)", ylim=(0, None))
    axes[0, 0].set_ylabel("change of the spectrum (%)")
    if axes[0, -1].get_legend_handles_labels()[0]:
        axes[0, -1].legend(frameon=False, fontsize=7)
    style.save(figure, path)


def _arm(axis: Axes, sites: Rows, means: Rows, arm: str) -> None:
    if not sites:
        return
    distance, change = (np.array([float(r[k]) for r in sites]) for k in ("distance_A", "change"))
    colour = COLOURS[arm]
    axis.plot(distance, 100 * change, MARKS[arm], color=colour, ms=2.5, alpha=0.45, mew=0)
    label: str | None = LABELS[arm]
    for row in means:
        if row["shell"] not in SHELLS:
            continue
        inside = np.array([shell_of(arm, str(row["edge"]), d) == row["shell"] for d in distance])
        value, lo, hi = (100 * float(row[k]) for k in ("value", "lo", "hi"))
        if not inside.any() or not np.isfinite(value):
            continue
        ends = distance[inside].min() - 0.08, distance[inside].max() + 0.08
        axis.plot(ends, (value, value), color=colour, lw=1.6, label=label)
        if np.isfinite([lo, hi]).all():  # none with fewer than two blocks
            axis.fill_between(ends, lo, hi, color=colour, alpha=0.25, lw=0)
        label = None
