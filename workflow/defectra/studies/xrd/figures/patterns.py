"""Figures of the patterns of study `xrd`: examples, and which reflections are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.figures import style
from defectra.studies.xrd.alloys import Alloys, disturbed, grid_of
from defectra.studies.xrd.relevance import STRONG
from defectra.studies.xrd.settings import XrdStudy

Rows = Sequence[Mapping[str, Any]]


@style.styled()
def plot_patterns(
    fractional: Alloys, ordered: Alloys, study: XrdStudy, seed: int, path: str | Path
) -> None:
    """Patterns of three titanium contents, mixed occupancies, supercells and disturbed."""
    points = grid_of(study).points
    figure, axes = style.canvas(3, 1, (8.4, 7.0), sharex=True)
    plain = np.flatnonzero(fractional.y == 0)
    if not len(plain):
        style.say(axes[0, 0], "no pattern without zirconium")
        style.save(figure, path)
        return
    contents = np.unique(fractional.x[plain])
    shown = np.unique(contents[[0, len(contents) // 2, -1]])
    noisy = disturbed(fractional, study.disturbances, points, np.random.default_rng([seed, 5000]))
    sets = (
        ("mixed occupancies", fractional.plain),
        ("ordered supercells", ordered.plain),
        ("like measured", noisy),
    )
    for axis, (title, patterns) in zip(axes[:, 0], sets):
        for step, (x, colour) in enumerate(zip(shown, (style.BLUE, style.GREEN, style.RED))):
            k = int(np.flatnonzero((fractional.x == x) & (fractional.y == 0))[0])
            curve = patterns[k] / patterns[k].max()
            axis.plot(points, curve + 0.6 * step, color=colour, lw=0.8, label=f"x = {x:g}")
        axis.set(title=title, ylabel="intensity, moved up", yticks=[])
    axes[0, 0].legend(ncols=3)
    axes[-1, 0].set_xlabel("2 theta, Cu K alpha 1 (degrees)")
    style.save(figure, path)


@style.styled()
def plot_relevance(rows: Rows, alloys: Alloys, study: XrdStudy, path: str | Path) -> None:
    """Relevance of each reflection along the mean pattern, and against its signal."""
    points = grid_of(study).points
    figure, axes = style.canvas(1, 2, (11.0, 4.2), width_ratios=[2, 1])
    if not rows or not len(alloys.x):
        style.say(axes[0, 0], "no reflections")
        style.save(figure, path)
        return
    mean = alloys.plain.mean(axis=0)
    axes[0, 0].plot(points, mean / mean.max(), color=style.GREY, lw=0.8, label="mean pattern")
    most = max((float(r["relevance"]) for r in rows), default=1.0)
    for row in rows:
        angle, height = float(row["two_theta_deg"]), float(row["relevance"]) / most
        colour = style.RED if float(row["intensity"]) >= STRONG else style.SKY
        axes[0, 0].bar(angle, height, 2 * study.patterns.width, color=colour, alpha=0.5)
        spot = (float(row["signal"]), float(row["relevance"]))
        axes[0, 1].plot(*spot, "o", color=colour, ms=5)
    for rank, row in enumerate(sorted(rows, key=_weight)):
        angle, height = float(row["two_theta_deg"]), float(row["relevance"]) / most
        name = axes[0, 0].text(angle, height + 0.01, row["hkl"], size=7, ha="center", rotation=90)
        style.optional(name, rank)
        spot = (float(row["signal"]), float(row["relevance"]))
        beside = axes[0, 1].annotate(row["hkl"], spot, (3, 3), textcoords="offset points", size=7)
        style.optional(beside, rank)
    axes[0, 0].set(
        xlabel="2 theta (degrees)", ylabel="relevance / largest; mean pattern", ylim=(0, 1.15)
    )
    for colour, text in ((style.RED, "strong reflection"), (style.SKY, "other reflection")):
        axes[0, 0].plot([], [], "s", color=colour, alpha=0.5, label=text)
    axes[0, 0].legend(loc="upper center")
    axes[0, 1].set(
        xlabel="change of the pattern by the exchange", ylabel="relevance (spreads of the plane)"
    )
    style.save(figure, path)


def _weight(row: Mapping[str, Any]) -> tuple[bool, float]:
    """What a name is worth where there is no room for all: strong ones, then relevant ones."""
    return float(row["intensity"]) >= STRONG, float(row["relevance"])
