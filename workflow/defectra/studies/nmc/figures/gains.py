"""Figure: detection of each defect by single edges, all edges and controls, and what all gain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from defectra.core.records import Metric, Split
from defectra.figures import style
from defectra.studies.nmc.aims import AIM, LEAST
from defectra.studies.nmc.blocks.controls import METADATA, OF_SPECTRA, PERMUTED, VOLUME
from defectra.studies.nmc.blocks.models import KERNEL, LATE
from defectra.studies.nmc.blocks.scores import ALL, CLAIMED, SHAPE, Pair
from defectra.studies.nmc.figures.blocks import NONE

Rows = Iterable[Mapping[str, Any]]
Sheet = Sequence[Mapping[str, Any]]
Key = tuple[str, str]  # features, model
EVERYTHING = SHAPE + ALL
MODELS = (KERNEL, "ridge", "xgboost", "network")
EDGES = ("Li K", "O K", "Mn K", "Co K", "Ni K")
CONTROLS: dict[Key, str] = {
    (VOLUME, "ridge"): "volume and contents (0.5 by design)",
    **{(METADATA, m): f"how the calculations went, {m}" for m in ("ridge", "xgboost")},
    **{(OF_SPECTRA, m): f"spectra's calculations alone, {m}" for m in ("ridge", "xgboost")},
    (PERMUTED, KERNEL): "all edges, labels permuted",
}
NAMES: dict[Key, str] = {
    **{(SHAPE + e, KERNEL): f"{e} alone" for e in EDGES},
    **{(EVERYTHING, m): f"all edges joined, {m}" for m in MODELS},
    **{(EVERYTHING, m + LATE): f"mean of single edges, {m}" for m in MODELS},
    **CONTROLS,
}
COLOURS = {
    style.SKY: "one edge (kernel)",
    style.RED: "all edges: the model of the claims",
    style.BLUE: "all edges: other models",
    style.GREY: "controls: no spectrum, or no true label",
}


@style.styled()
def plot_gains(metrics: Rows, path: str | Path) -> None:
    """A line of panels for each defect: AUROC, pairs won, and what all edges gain over each."""
    rows = [r for r in metrics if r["split"] == Split.GROUPED and str(r["subset"])[:6] == "blocks"]
    figure, axes = style.canvas(2, 3, (11.5, 9.4), width_ratios=(1.2, 1, 1))
    for line, pair in zip(axes, CLAIMED):
        own = [
            r for r in rows if (r["subset"], r["target"]) == (f"blocks: {pair.name}", pair.target)
        ]
        names = [k for k in NAMES if any((r["features"], r["model"]) == k for r in own)]
        _scores(line[0], own, names, Metric.AUROC)
        _scores(line[1], own, names, Metric.WIN_RATE)
        _gains(line[2], own, names)
        _titles(line, pair, own)
        for axis in line[1:]:
            axis.tick_params(axis="y", labelleft=False)
    handles = [
        Line2D([], [], color=c, marker="o", ms=5, label=words) for c, words in COLOURS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    style.save(figure, path)


def _titles(line: Sequence[Axes], pair: Pair, rows: Sheet) -> None:
    counted = [float(r["n_groups"]) for r in rows if np.isfinite(float(r["n_groups"]))]
    blocks = f" ({max(counted):.0f} blocks)" if counted else ""
    words = (f"{pair.name}{blocks}", "pairs of a block won", "what all edges gain over it")
    for axis, title in zip(line, words):
        axis.set_title(title)


def _colour(key: Key) -> str:
    features, model = key
    if key in CONTROLS:
        return style.GREY
    if features != EVERYTHING:
        return style.SKY
    return style.RED if model == KERNEL else style.BLUE


def _scores(axis: Axes, rows: Sheet, names: Sequence[Key], metric: Metric) -> None:
    own = {(r["features"], r["model"]): r for r in rows if r["metric"] == metric}
    if not _drawn(axis, own, names):
        return
    axis.axvline(0.5, color=style.BLACK, lw=0.8, ls=":")
    lows = [float(own[k]["lo"]) for k in names if k in own and np.isfinite(float(own[k]["lo"]))]
    axis.set_xlim(min([0.45, *lows]) - 0.01, 1.02)
    if metric is Metric.AUROC:
        axis.axvline(AIM, color=style.BLACK, lw=0.8, ls="-.")
        axis.axvline(LEAST, color=style.BLACK, lw=0.6, ls="--")
        axis.set_xlabel(f"AUROC (chance 0.5; aim {AIM:.2f}, lower end {LEAST:.2f})")
    else:
        axis.set_xlabel("share of pairs won (chance 0.5)")


def _gains(axis: Axes, rows: Sheet, names: Sequence[Key]) -> None:
    """AUROC of all edges less that of the row, in the model of the claims."""
    own: dict[Key, Mapping[str, Any]] = {}
    for key in names:
        features, model = key
        other = features.removeprefix(SHAPE) if key not in CONTROLS else f"{features} ({model})"
        wanted = (f"{EVERYTHING} minus {other}", KERNEL, str(Metric.AUROC))
        found = [r for r in rows if (r["features"], r["model"], str(r["metric"])) == wanted]
        if found and features != VOLUME:  # known by design: no test
            own[key] = found[0]
    if _drawn(axis, own, names):
        axis.axvline(0, color=style.BLACK, lw=0.8, ls=":")
        axis.set_xlabel("difference of AUROC")


def _drawn(axis: Axes, own: Mapping[Key, Mapping[str, Any]], names: Sequence[Key]) -> bool:
    """Draw values with intervals, a place for each name; whether there was any."""
    if not style.finite([float(own[k]["value"]) for k in names if k in own]):
        style.say(axis, NONE)
        return False
    for place, key in enumerate(names):
        if key not in own:
            continue
        value, low, high = (float(own[key][k]) for k in ("value", "lo", "hi"))
        size = 2.5 if key[0] == VOLUME else 4.5
        axis.errorbar(
            [value], [place], xerr=style.bars([value], [low], [high]), fmt="o", ms=size,
            color=_colour(key), elinewidth=1.3,
        )  # fmt: skip
    axis.set_yticks(range(len(names)), [NAMES[k] for k in names])
    axis.set_ylim(len(names) - 0.5, -0.5)
    for place in range(1, len(names)):
        if _colour(names[place]) != _colour(names[place - 1]):
            axis.axhline(place - 0.5, color=style.GREY, lw=0.4)
    return True
