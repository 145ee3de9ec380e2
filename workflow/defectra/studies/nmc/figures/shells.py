"""Figure: change of the spectrum of a site over its distance from the defect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from defectra.figures import style
from defectra.studies.nmc.blocks.shells import ARMS, SHELLS, shell_of
from defectra.studies.nmc.figures.blocks import COLOURS, LABELS, NONE

Rows = Sequence[Mapping[str, Any]]
MARKS = {"vacancy": "o", "antisite": "^"}


_ORDER = ("Li K", "O K", "Mn K", "Co K", "Ni K")  # as in the other figures


def _place(edge: str) -> tuple[int, str]:
    return (_ORDER.index(edge) if edge in _ORDER else len(_ORDER)), edge


@style.styled()
def plot_shells(sites: Rows, shells: Rows, path: str | Path) -> None:
    """A panel for each edge: every site, and the mean of each shell with its interval if known."""
    sites = [r for r in sites if np.isfinite([float(r[k]) for k in ("distance_A", "change")]).all()]
    edges = sorted({str(r["edge"]) for r in sites}, key=_place)
    if not edges:
        figure, axes = style.canvas(1, 1, (6.4, 3.0))
        style.say(axes[0, 0], NONE)
        style.save(figure, path)
        return
    figure, axes = style.canvas(1, len(edges), (2.6 * len(edges), 3.9), sharex="row")
    for axis, edge in zip(axes[0], edges):
        for arm in ARMS:
            own = [r for r in sites if (r["edge"], r["arm"]) == (edge, arm)]
            means = [r for r in shells if (r["edge"], r["arm"]) == (edge, arm)]
            _arm(axis, own, means, arm)
        axis.set(title=edge, xlabel="distance to the defect (Å)", ylim=(0, None))
    axes[0, 0].set_ylabel("change of the spectrum of a site\n(% of the pristine spectrum, RMS)")
    figure.suptitle(
        "a mark: one site of one block; a line: mean of a shell of neighbours; "
        "its box: 90 % interval over blocks"
    )
    handles = [Line2D([], [], color=COLOURS[a], marker=MARKS[a], ms=4, label=LABELS[a])
               for a in ARMS]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    style.save(figure, path)


def _arm(axis: Axes, sites: Rows, means: Rows, arm: str) -> None:
    if not sites:
        return
    distance, change = (np.array([float(r[k]) for r in sites]) for k in ("distance_A", "change"))
    colour = COLOURS[arm]
    axis.plot(distance, 100 * change, MARKS[arm], color=colour, ms=2.5, alpha=0.45, mew=0)
    for row in means:
        if row["shell"] not in SHELLS:
            continue
        inside = np.array([shell_of(arm, str(row["edge"]), d) == row["shell"] for d in distance])
        value, lo, hi = (100 * float(row[k]) for k in ("value", "lo", "hi"))
        if not inside.any() or not np.isfinite(value):
            continue
        ends = distance[inside].min() - 0.08, distance[inside].max() + 0.08
        axis.plot(ends, (value, value), color=colour, lw=1.6)
        if np.isfinite([lo, hi]).all():  # none with fewer than two blocks
            axis.fill_between(ends, lo, hi, color=colour, alpha=0.25, lw=0)
