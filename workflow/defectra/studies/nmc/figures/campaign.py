"""Figure of the campaign by blocks: what is covered, what it cost, what became of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from defectra.figures import style
from defectra.structures.composition import counts
from defectra.studies.nmc.blocks.statistics import (
    ALL,
    MISSING,
    NOT_ARCHIVED,
    OF_ONE,
    RELAXED,
    STATES,
    WHOLE,
)
from defectra.studies.nmc.figures.blocks import COLOURS, LABELS, NONE

Rows = Sequence[Mapping[str, Any]]
HEIGHT = math.sqrt(3) / 2  # of the triangle of unit edges
APART = 0.026  # between the blocks of one composition
STATE_COLOURS = {**style.STATUS_COLOURS, NOT_ARCHIVED: style.GREY}
MARKS = "os^Dv"


@style.styled()
def plot_campaign(rows: Rows, path: str | Path) -> None:
    """Compositions by lithium content, CPU time of each edge and arm, status."""
    rows = [r for r in rows if np.isfinite([float(r["value"]), float(r["n"])]).all()]
    planned = [r for r in rows if r["quantity"] == WHOLE and r["composition"] != ALL
               and np.isfinite(float(r["lithium"]))]  # fmt: skip
    if not planned:
        figure, axes = style.canvas(1, 1, (6.4, 3.0))
        style.say(axes[0, 0], NONE)
        style.save(figure, path)
        return
    figure, axes = style.canvas(2, 2, (10.5, 8.2), height_ratios=(1.15, 1))
    _triangle(figure, axes[0, 0], planned)
    _lithium(axes[0, 1], planned, rows)
    _costs(axes[1, 0], [r for r in rows if r["quantity"] == OF_ONE])
    _states(axes[1, 1], rows)
    style.save(figure, path)


def _place(composition: str) -> tuple[float, float]:
    """Place in the triangle: Mn left, Co right, Ni at the top."""
    atoms = counts(composition)
    total = sum(atoms.values())
    return (atoms["Co"] + atoms["Ni"] / 2) / total, atoms["Ni"] / total * HEIGHT


def _triangle(figure: Figure, axis: Axes, planned: Rows) -> None:
    """A dot for each planned block at its composition: full if it is there, else hollow."""
    lithium = [float(r["lithium"]) for r in planned]
    low, high = min(lithium), max(lithium)
    scale = Normalize(low, high if high > low else low + 0.1)
    viridis = mpl.colormaps["viridis"]
    colours = ScalarMappable(scale, viridis)
    axis.plot([0, 1, 0.5, 0], [0, 0, HEIGHT, 0], color=style.GREY, lw=0.8)
    for corner, x, y in (("Mn", -0.03, -0.03), ("Co", 1.03, -0.03), ("Ni", 0.5, HEIGHT + 0.03)):
        axis.text(x, y, corner, ha="center", va="center", fontweight="bold")
    for composition in dict.fromkeys(str(r["composition"]) for r in planned):
        dots = [
            (float(r["lithium"]), k < float(r["value"]))
            for r in planned if r["composition"] == composition for k in range(int(float(r["n"])))
        ]  # fmt: skip
        x, y = _place(composition)
        left = x - APART * (len(dots) - 1) / 2
        for k, (content, there) in enumerate(dots):
            face = viridis(float(scale(content))) if there else "none"
            axis.plot(left + k * APART, y, "o", ms=7 if there else 4, mfc=face, mec=style.GREY,
                      mew=0.5)  # fmt: skip
    axis.set_axis_off()
    axis.set_aspect("equal")
    figure.colorbar(colours, ax=axis, label="lithium per metal atom", shrink=0.7)
    done = sum(float(r["value"]) for r in planned)
    covered = {r["composition"] for r in planned if float(r["value"]) > 0}
    every = {r["composition"] for r in planned}
    axis.set_title(
        f"{done:.0f} of {sum(float(r['n']) for r in planned):.0f} blocks, "
        f"{len(covered)} of {len(every)} compositions\n(hollow: planned)", loc="left",
    )  # fmt: skip


def _lithium(axis: Axes, planned: Rows, rows: Rows) -> None:
    """Whole and planned blocks of each lithium content; what the missing ones need."""
    contents = sorted({float(r["lithium"]) for r in planned})
    for name, width, colour in (("n", 0.8, style.SKY), ("value", 0.6, style.BLUE)):
        heights = [
            sum(float(r[name]) for r in planned if float(r["lithium"]) == x) for x in contents
        ]
        label = "planned" if name == "n" else "computed"
        axis.bar(range(len(contents)), heights, width, color=colour, label=label)
    axis.set_xticks(range(len(contents)), [f"{x:g}" for x in contents])
    axis.set(xlabel="lithium per metal atom", ylabel="blocks")
    axis.legend()
    rest = [r for r in rows if r["quantity"] == MISSING and r["protocol"] == ALL]
    if rest:
        ends = [float(rest[0][k]) for k in ("value", "lo", "hi")]
        text = f"{ends[0]:.1f}"
        if np.isfinite(ends).all():
            text += f" [{ends[1]:.1f}, {ends[2]:.1f}]"
        need = f"the missing blocks need\n{text} CPU hours"
        axis.set_title(need if ends[0] > 0 else "no block is missing", loc="left")


def _costs(axis: Axes, rows: Rows) -> None:
    """Mean CPU time of one calculation by edge (or relaxed cell), arm and protocol."""
    own = [r for r in rows if r["arm"] != ALL and float(r["value"]) > 0]
    if not own:
        style.say(axis, "no times")
        return
    edges = list(dict.fromkeys(str(r["edge"]) for r in own))
    protocols = list(dict.fromkeys(str(r["protocol"]) for r in own))
    arms = list(dict.fromkeys(str(r["arm"]) for r in own))
    for row in own:
        k = arms.index(str(row["arm"])) - (len(arms) - 1) / 2
        mark = MARKS[protocols.index(str(row["protocol"])) % len(MARKS)]
        value, low, high = (float(row[c]) for c in ("value", "lo", "hi"))
        axis.errorbar(
            edges.index(str(row["edge"])) + 0.16 * k, value, style.bars([value], [low], [high]),
            fmt=mark, ms=4, color=COLOURS.get(str(row["arm"]), style.GREY), lw=1,
        )  # fmt: skip
    for arm in arms:
        colour = COLOURS.get(arm, style.GREY)
        axis.plot([], [], "-", lw=3, color=colour, label=LABELS.get(arm, arm))
    for protocol, mark in zip(protocols, MARKS):
        name = protocol.replace("_", ", ")
        axis.plot([], [], mark, ms=4, color=style.BLACK, ls="", label=name)
    axis.set_xticks(range(len(edges)), edges)
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set_ylabel("CPU time of one spectrum or cell (s)")
    axis.set_title("cost: mean over blocks, 90 % interval", loc="left")
    axis.legend(fontsize=7, ncols=2)


def _states(axis: Axes, rows: Rows) -> None:
    """Bars of each protocol and edge: how many calculations ended how."""
    own = [r for r in rows if r["quantity"] in STATES and r["arm"] == ALL and r["edge"] != ALL]
    places = list(dict.fromkeys((str(r["edge"]), str(r["protocol"])) for r in own))
    if not places:
        style.say(axis, "no calculations")
        return
    left = np.zeros(len(places))
    for state in STATES:
        number = np.zeros(len(places))
        for row in own:
            if row["quantity"] == state:
                number[places.index((str(row["edge"]), str(row["protocol"])))] = float(row["value"])
        label = f"{state}: {number.sum():.0f}"
        axis.barh(range(len(places)), number, 0.75, left, color=STATE_COLOURS[state], label=label)
        left += number
    for k, total in enumerate(left):
        axis.text(total, k, f" {total:.0f}", va="center", fontsize=7)
    names = [f"{edge}, {protocol}".replace("_", ", ") for edge, protocol in places]
    axis.set_yticks(range(len(places)), names, fontsize=7)
    axis.invert_yaxis()
    spectra = sum(n for (edge, _), n in zip(places, left) if edge != RELAXED)
    axis.set(xlabel="calculations", xlim=(0, 1.2 * max(left.max(), 1.0)))
    axis.set_title(f"{spectra:.0f} spectra, {left.sum() - spectra:.0f} relaxed cells", loc="left")
    axis.legend()
