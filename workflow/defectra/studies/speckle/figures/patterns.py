"""Figures of the patterns of study `speckle`: examples, first moments, ring profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from defectra.engines.speckle.engine import ANALYTIC, PIXEL
from defectra.engines.speckle.rings import Rings
from defectra.figures import style
from defectra.learn.scores import NORMAL_90
from defectra.studies.speckle.scorecard import number_of

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
DECADES = 7.0  # below the largest intensity


@style.styled()
def plot_patterns(shown: Sequence[tuple[str, Floats]], half: int, path: str | Path) -> None:
    """Patterns on a logarithmic scale.

    Parameters
    ----------
    shown
        Title and whole pattern, shape (n, n).
    half
        Pixels from the direct beam to the edge.
    """
    columns = 3
    lines = max(1, -(-len(shown) // columns))
    figure, axes = style.canvas(lines, columns, (8.4, 2.9 * lines))
    image = None
    for axis in axes.flat[len(shown) :]:
        axis.set_axis_off()
    for axis, (title, pattern) in zip(axes.flat, shown):
        logs = np.log10(np.maximum(pattern / pattern.max(), 10**-DECADES))
        image = axis.imshow(
            logs,
            origin="lower",
            extent=(-half, half, -half, half),
            cmap="magma",
            vmin=-DECADES,
            vmax=0,
        )
        axis.set(title=title, xlabel="column (pixel)", ylabel="row (pixel)")
    if image is not None:
        figure.colorbar(image, ax=axes, label="log$_{10}$ intensity / direct beam", shrink=0.7)
    style.save(figure, path)


@style.styled()
def plot_moments(rows: Rows, tolerance: float, path: str | Path) -> None:
    """First moment against the number of disks, ours and the authors'."""
    figure, axes = style.canvas(1, 2, (9.0, 3.6))
    for form, colour, marker in ((ANALYTIC, style.BLUE, "o"), (PIXEL, style.GREEN, "s")):
        own = [r for r in rows if r["form"] == form]
        x, y = _columns(own, "number", "first_moment")
        spread = NORMAL_90 * _columns(own, "standard_error")[0]
        name = {ANALYTIC: "form factor", PIXEL: "mask of pixels, few patterns"}[form]
        if len(x):
            axes[0, 0].errorbar(x, y, spread, fmt=marker, ms=4, color=colour, label=name)
    theirs = [r for r in rows if r["form"] == ANALYTIC and np.isfinite(number_of(r["published"]))]
    x, y, error, ours = _columns(
        theirs, "number", "published", "published_standard_error", "first_moment"
    )
    if len(x):
        axes[0, 0].errorbar(
            x,
            y,
            NORMAL_90 * error,
            fmt="D",
            ms=3.5,
            color=style.ORANGE,
            label="authors, ten patterns",
        )
        axes[0, 1].errorbar(x, ours - y, NORMAL_90 * error, fmt="o", ms=4, color=style.BLUE)
        axes[0, 1].axhspan(-tolerance, tolerance, color=style.SKY, alpha=0.25, lw=0)
        axes[0, 1].axhline(0, color=style.GREY, lw=0.8)
        axes[0, 1].set(xlabel="number of disks", ylabel="ours − authors' (pixel)")
    else:
        style.say(axes[0, 1], "no mirror of the published data:\nthe authors' means are not known")
    axes[0, 0].set(xlabel="number of disks", ylabel="first moment (pixel)")
    for axis in axes.flat:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes[0, 0].get_legend_handles_labels()[0]:
        axes[0, 0].legend()
    style.save(figure, path)


@style.styled()
def plot_profiles(
    ours: Mapping[int, Floats], theirs: Mapping[int, Rings], path: str | Path
) -> None:
    """Ring profiles and speckle contrast, ours (mean) and the authors' patterns.

    Parameters
    ----------
    ours
        Mean profile and contrast by number of disks, shape (2, rings).
    theirs
        Rings of the authors' patterns by number of disks.
    """
    figure, axes = style.canvas(1, 2, (9.4, 3.8))
    if not ours:
        style.say(axes[0, 0], "no profiles")
        style.save(figure, path)
        return
    colours = (style.BLUE, style.GREEN, style.ORANGE, style.RED, style.PURPLE)
    numbers = sorted(theirs) or sorted(ours)[:: max(1, len(ours) // 5)][:5]
    for number, colour in zip(numbers, colours):
        profile, contrast = ours[number]
        for axis, curve in ((axes[0, 0], profile / profile[0]), (axes[0, 1], contrast)):
            axis.plot(curve, color=colour, label=f"{number} disks")
        if number in theirs:
            own = theirs[number]
            axes[0, 0].plot(own.mean / own.mean[0], color=colour, lw=0.6, alpha=0.6)
            axes[0, 1].plot(own.contrast, color=colour, lw=0.6, alpha=0.6)
    axes[0, 0].set(yscale="log", ylabel="ring mean / direct beam", xlabel="distance (pixel)")
    axes[0, 1].set(ylabel="speckle contrast", xlabel="distance (pixel)")
    axes[0, 0].legend(title="bold: ours, thin: authors'" if theirs else None)
    style.save(figure, path)


def _columns(rows: Rows, *names: str) -> list[Floats]:
    return [np.array([number_of(r[name]) for r in rows]) for name in names]
