"""Figure: what converged potentials change in spectra, in changes by defects, for a detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Metric
from defectra.figures import style
from defectra.studies.nmc.blocks.convergence import (
    ALIKE,
    ALL_EDGES,
    CONVERGED,
    DISTANCE,
    FAST_SITES,
    MEAN,
    SIZE,
)
from defectra.studies.nmc.blocks.scores import CLAIMED
from defectra.studies.nmc.figures.blocks import COLOURS, LABELS

Rows = Sequence[Mapping[str, Any]]
NONE = "no block with converged potentials"
STEP = 0.24  # between what stands side by side at one edge


@style.styled()
def plot_convergence(rows: Rows, path: str | Path) -> None:
    """Panels over the edges: sizes, correlation of changes, share of pairs won."""
    rows = [r for r in rows if np.isfinite(float(r["value"]))]
    edges = list(dict.fromkeys(str(r["edge"]) for r in rows if r["edge"] != ALL_EDGES))
    if not edges:
        figure, axes = style.canvas(1, 1, (6.4, 3.0))
        style.say(axes[0, 0], NONE)
        style.save(figure, path)
        return
    figure, ((sizes, alike, won),) = style.canvas(1, 3, (10.5, 3.3))
    distance = [r for r in rows if r["statistic"] == DISTANCE]
    _series(sizes, distance, edges, -1, style.BLACK, "protocols, pristine")
    for k, pair in enumerate(CLAIMED):
        colour, subject = COLOURS[pair.arm], f"{pair.arm} minus {pair.other}"
        own = [r for r in rows if r["subject"] == subject]
        changed = [r for r in own if (r["statistic"], r["spectra"]) == (SIZE, CONVERGED)]
        _series(sizes, changed, edges, k, colour, LABELS[pair.arm])
        _series(alike, [r for r in own if r["statistic"] == ALIKE], edges, k - 0.5, colour)
        shares = [r for r in rows if (r["statistic"], r["subject"]) == (Metric.WIN_RATE, pair.name)]
        both = ((CONVERGED, 2 * k - 0.75, True), (FAST_SITES, 2 * k - 1.5, False))
        for name, place, is_filled in both:
            some = [r for r in shares if r["spectra"] == name]
            _series(won, some, [*edges, ALL_EDGES], place, colour, filled=is_filled)
    sizes.set(ylim=(0, None), ylabel="relative RMS", title="distance of protocols, size of changes")
    alike.set(ylim=(-1.05, 1.05), ylabel="correlation", title="changes by either protocol")
    won.set(ylim=(-0.05, 1.05), ylabel="share of pairs won", title="a detector from other blocks")
    alike.axhline(0, color=style.GREY, lw=0.8, ls=":")
    won.axhline(0.5, color=style.GREY, lw=0.8, ls=":")
    figure.legend(*sizes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    style.save(figure, path)


def _series(
    axis: Axes,
    rows: Rows,
    edges: Sequence[str],
    shift: float,
    colour: str,
    label: str | None = None,
    filled: bool = True,
) -> None:
    """Means with their intervals at the edges, and the single blocks as strokes."""
    axis.set_xticks(range(len(edges)), edges)
    for row in rows:
        place = edges.index(str(row["edge"])) + STEP * shift
        value, low, high = (float(row[k]) for k in ("value", "lo", "hi"))
        if row["block"] != MEAN:
            axis.plot([place], [value], "_", ms=6, color=colour, mew=1.2)
            continue
        axis.errorbar(
            [place],
            [value],
            yerr=style.bars([value], [low], [high]),
            fmt="o",
            ms=4,
            color=colour,
            mfc=colour if filled else "white",
            ecolor=(colour, 0.35),
            elinewidth=2.0,
            label=label,
            zorder=3,
        )
        label = None
