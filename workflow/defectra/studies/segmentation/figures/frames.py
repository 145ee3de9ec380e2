"""Figures of study `segmentation`: frames with truth and answers; ice fractions with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.figures import style
from defectra.studies.segmentation.ensembles import EA
from defectra.studies.segmentation.settings import POOR, USUAL

Rows = Sequence[Mapping[str, Any]]


@style.styled()
def plot_frames(shown: Mapping[str, NDArray[Any]], path: str | Path) -> None:
    """The first frames of a movie at each condition: frame, truth (line), probability of ice."""
    conditions = [c for c in shown if "/" not in c and c != "validation"]
    if not conditions:
        figure, axes = style.canvas(1, 1, (5.0, 2.0))
        style.say(axes[0, 0], "no frames")
        style.save(figure, path)
        return
    figure, axes = style.canvas(len(conditions), 6, (9.0, 1.6 * len(conditions)))
    for row, condition in enumerate(conditions):
        for k in range(3):
            truth = shown[f"{condition}/truth"][k]
            left, right = axes[row, 2 * k], axes[row, 2 * k + 1]
            left.imshow(shown[condition][k], cmap="gray", vmin=-2.5, vmax=2.5)
            if 0 < truth.mean() < 1:
                left.contour(truth, [0.5], colors=style.ORANGE, linewidths=0.8)
            right.imshow(shown[f"{condition}/EA"][k], cmap="Blues", vmin=0, vmax=1)
        axes[row, 0].set_ylabel(condition)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
    style.save(figure, path)


@style.styled()
def plot_fractions(rows: Rows, path: str | Path) -> None:
    """Ice fraction of two movies with its band; uncertainty of usual and poor frames."""
    rows = [r for r in rows if style.finite(r["truth"], r["fraction"], r["lo"], r["hi"])]
    own = [r for r in rows if r["model"] == EA and r["seed"] == 0]
    movies = sorted({r["movie"] for r in own})[:2]
    figure, axes = style.canvas(1, 3, (8.4, 3.2))
    for axis, movie in zip(axes.flat, movies, strict=False):
        for condition, colour in ((USUAL, style.BLUE), (POOR, style.RED)):
            some = [r for r in own if (r["movie"], r["condition"]) == (movie, condition)]
            time = [r["frame"] for r in some]
            lo, hi = ([r[k] for r in some] for k in ("lo", "hi"))
            axis.fill_between(time, lo, hi, color=colour, alpha=0.2, lw=0)
            axis.plot(time, [r["fraction"] for r in some], color=colour, label=condition)
        axis.plot(time, [r["truth"] for r in some], "k--", lw=1, label="truth")
        axis.set(xlabel="frame", ylabel="ice fraction", title=movie, ylim=(-0.02, 1.02))
    if not movies:
        style.say(axes[0, 0], "no fractions")
    for condition, colour in ((USUAL, style.BLUE), (POOR, style.RED)):
        values = [r["entropy"] for r in rows if (r["model"], r["condition"]) == (EA, condition)]
        axes[0, 2].hist(values, bins=np.linspace(0, np.log(2), 25), color=colour, alpha=0.6,
                        label=None if movies else condition)  # fmt: skip
    axes[0, 2].set(xlabel="entropy of a frame (nats)", ylabel="frames", title="EA, all seeds")
    handles, names = axes[0, 0 if movies else 2].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    style.save(figure, path)
