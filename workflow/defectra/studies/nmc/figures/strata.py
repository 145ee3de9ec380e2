"""Figure: how often a defect is detected, by what stands next to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.structures.composition import METALS
from defectra.studies.nmc.blocks.scores import ALL
from defectra.studies.nmc.blocks.strata import (
    METAL_EDGES,
    OTHER,
    OWN,
    next_to,
    not_next_to,
)
from defectra.studies.nmc.figures.blocks import NONE

Rows = Sequence[Mapping[str, Any]]
WITH, WITHOUT = "its metal is next to the vacancy", "it is not"
PARTS = {WITH: (style.RED, "o", next_to, OWN), WITHOUT: (style.BLUE, "s", not_next_to, OTHER)}


@style.styled()
def plot_strata(rows: Rows, path: str | Path) -> None:
    """Left: metal edges with and without their metal as a neighbour; right: all edges."""
    rows = [r for r in rows if np.isfinite([float(r["value"]), float(r["n"])]).all()]
    if not rows:
        figure, axes = style.canvas(1, 1, (6.4, 3.0))
        style.say(axes[0, 0], NONE)
        style.save(figure, path)
        return
    figure, axes = style.canvas(1, 2, (10.5, 4.4), width_ratios=(1, 1.15))
    _own_metal(axes[0, 0], rows)
    _every_edge(axes[0, 1], [r for r in rows if r["edges"] == ALL])
    figure.suptitle("chosen after a look at the blocks: carries no claim", fontsize=9)
    style.save(figure, path)


def _own_metal(axis: Axes, rows: Rows) -> None:
    """Share of pairs won by each metal edge, by whether its own metal is a neighbour."""
    own = [r for r in rows if r["defect"] == "vacancy"]
    places = [f"{metal} K" for metal in METALS] + [METAL_EDGES]
    drawn = False
    for k, (label, (colour, mark, name, pooled)) in enumerate(PARTS.items()):
        wanted = [name(metal) for metal in METALS] + [pooled]
        at, some = [], []
        for place, (edge, stratum) in enumerate(zip(places, wanted)):
            for row in own:
                if (row["edges"], row["stratum"]) == (edge, stratum):
                    at.append(place + 0.24 * (k - 0.5))
                    some.append(row)
        if some:
            drawn = True
            _points(axis, at, some, colour, mark, label)
    if not drawn:
        style.say(axis, "no metal edges")
        return
    axis.axhline(0.5, color=style.GREY, ls=":", lw=0.8)
    axis.set_xticks(range(len(places)), [*places[:-1], "mean of\nthe three"])
    axis.set(xlim=(-0.5, len(places) - 0.5), ylim=(0, 1.12), ylabel="share of pairs won")
    axis.set_title("vacancy: an edge and its own metal", loc="left")
    axis.legend(loc="lower left")


def _points(axis: Axes, at: list[float], rows: Rows, colour: str, mark: str, label: str) -> None:
    """Values with their intervals, and the number of blocks above them."""
    value, low, high = (np.array([float(r[c]) for r in rows]) for c in ("value", "lo", "hi"))
    axis.errorbar(
        at, value, style.bars(value, low, high), fmt=mark, color=colour, ms=5, lw=1.2, label=label
    )
    top = np.where(np.isfinite(high), high, value)
    for x, y, row in zip(at, top, rows):
        axis.text(x, y + 0.02, f"{float(row['n']):.0f}", ha="center", fontsize=7, color=colour)


def _every_edge(axis: Axes, rows: Rows) -> None:
    """Share of pairs won by all edges together in each stratum."""
    if not rows:
        style.say(axis, "no answers of all edges")
        return
    places = list(dict.fromkeys((str(r["defect"]), str(r["stratum"])) for r in rows))
    colours = {"vacancy": style.RED, "antisite": style.BLUE}
    for row in rows:
        value, low, high = (float(row[c]) for c in ("value", "lo", "hi"))
        defect = str(row["defect"])
        axis.errorbar(
            value, places.index((defect, str(row["stratum"]))),
            xerr=style.bars([value], [low], [high]), fmt="o", ms=5,
            color=colours.get(defect, style.GREY), lw=1.2,
        )  # fmt: skip
    counted = {(str(r["defect"]), str(r["stratum"])): int(float(r["n"])) for r in rows}
    names = [f"{defect}, {stratum} ({counted[defect, stratum]})" for defect, stratum in places]
    axis.set_yticks(range(len(places)), names, fontsize=7)
    axis.invert_yaxis()
    axis.axvline(0.5, color=style.GREY, ls=":", lw=0.8)
    least = min(float(r[c]) for r in rows for c in ("value", "lo") if np.isfinite(float(r[c])))
    axis.set(xlabel="share of pairs won (blocks in brackets)", xlim=(min(0.4, least - 0.05), 1.03))
    axis.set_title("all edges together", loc="left")
