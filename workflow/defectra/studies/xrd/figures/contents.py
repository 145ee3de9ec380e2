"""Figures of the plane of study `xrd`: points, contents read off it, interpolation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.records import Metric
from defectra.figures import style
from defectra.studies.xrd.interpolation import LINE, MIXTURE, NEAREST
from defectra.studies.xrd.learning import (
    AUTOENCODER,
    CONTENTS,
    LIKE,
    MEAN,
    ORDERED_SET,
    PCA,
    REGRESSION,
    RIDGE,
    UNDISTURBED,
)

Rows = Sequence[Mapping[str, Any]]
_SETS = (UNDISTURBED, ORDERED_SET, LIKE)
_LOOK = {
    AUTOENCODER: (style.BLUE, "o"),
    PCA: (style.ORANGE, "s"),
    REGRESSION: (style.PURPLE, "v"),
    RIDGE: (style.GREEN, "^"),
    MEAN: (style.GREY, "D"),
}


@style.styled()
def plot_plane(rows: Rows, path: str | Path) -> None:
    """Points of both planes, coloured by titanium, sized by zirconium."""
    figure, axes = style.canvas(2, 3, (10.5, 6.6))
    image = None
    for line, model in zip(axes, (AUTOENCODER, PCA)):
        for axis, name in zip(line, _SETS):
            own = [r for r in rows if r["model"] == model and r["set"] == name]
            first, second, x, y = (
                np.array([float(r[k]) for r in own]) for k in ("first", "second", "x", "y")
            )
            if not style.finite(first, second, x, y):
                style.say(axis, "no points")
                continue
            image = axis.scatter(first, second, c=x, s=6 + 50 * y, cmap="viridis", lw=0)
            axis.set(title=f"{model}:\n{name}", xlabel="first", ylabel="second")
            axis.title.set_fontsize(8)
    if image is not None:
        figure.colorbar(image, ax=axes, label="titanium x (size: zirconium y)", shrink=0.7)
    style.save(figure, path)


@style.styled()
def plot_contents(predictions: Rows, metrics: Rows, path: str | Path) -> None:
    """Contents read off the planes against the true ones, and errors."""
    figure, axes = style.canvas(2, 3, (10.5, 6.4), width_ratios=[1, 1, 1.1])
    for line, content in zip(axes, CONTENTS):
        own = [r for r in predictions if r["content"] == content and r["set"] == LIKE]
        for axis, model in zip(line, (AUTOENCODER, PCA)):
            some = [r for r in own if r["model"] == model]
            truth, found = (np.array([r[k] for r in some]) for k in ("held", "predicted"))
            axis.plot(truth, found, ".", ms=3, color=_LOOK[model][0])
            if style.finite(truth):
                ends = style.limits(truth)
                axis.plot(ends, ends, color=style.GREY, lw=0.8)
            axis.set(title=model, xlabel=f"{content}, left out", ylabel="read off the plane")
        for k, name in enumerate(_SETS):
            for step, (model, (colour, marker)) in enumerate(_LOOK.items()):
                row = next((r for r in metrics if _is(r, content, name, model)), None)
                if row is None:
                    continue
                spot = k + 0.15 * (step - (len(_LOOK) - 1) / 2)
                line[2].plot([spot, spot], [row["lo"], row["hi"]], color=colour, lw=1)
                line[2].plot(spot, row["value"], marker, color=colour, ms=4)
        line[2].set_xticks(range(len(_SETS)), _SETS, fontsize=7)
        line[2].set(ylabel=f"error of {content} (atoms a formula)", ylim=(0, None))
    for model, (colour, marker) in _LOOK.items():
        axes[0, 2].plot([], [], marker, color=colour, ms=4, label=model)
    figure.legend(
        *axes[0, 2].get_legend_handles_labels(), loc="outside lower center", ncols=len(_LOOK)
    )
    style.save(figure, path)


def _is(row: Mapping[str, Any], content: str, name: str, model: str) -> bool:
    wanted = (f"{content} content", name, model, str(Metric.RMSE))
    return (row["target"], row["subset"], row["model"], row["metric"]) == wanted


@style.styled()
def plot_interpolation(rows: Rows, path: str | Path) -> None:
    """Error of patterns between two known contents, by distance from the nearer one."""
    figure, axes = style.canvas(1, 1, (5.4, 3.6))
    looks = {LINE: (style.BLUE, "o"), MIXTURE: (style.ORANGE, "s"), NEAREST: (style.GREY, "D")}
    for method, (colour, marker) in looks.items():
        own = [r for r in rows if r["method"] == method and np.isfinite(float(r["rmse"]))]
        away = sorted({float(r["distance"]) for r in own})
        groups = [[float(r["rmse"]) for r in own if float(r["distance"]) == d] for d in away]
        middle = [float(np.mean(g)) for g in groups]
        low, high = ([float(np.quantile(g, q)) for g in groups] for q in (0.05, 0.95))
        if groups:
            axes[0, 0].errorbar(
                away, middle, style.bars(middle, low, high), fmt=marker + "-", color=colour,
                label=method, capsize=2,
            )  # fmt: skip
    axes[0, 0].set(
        xlabel="titanium content from the nearer known one", ylabel="error of the pattern"
    )
    if axes[0, 0].get_legend_handles_labels()[0]:
        axes[0, 0].set_ylim(bottom=0)
        axes[0, 0].legend()
    else:
        style.say(axes[0, 0], "no patterns between")
    style.save(figure, path)
