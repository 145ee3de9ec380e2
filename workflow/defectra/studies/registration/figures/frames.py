"""Figures of study `registration`: frames side by side, and the objective against evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.figures import style
from defectra.studies.registration.objective import compare, grey

NAMES = ("tilt", "twin")
PANELS = ("measured", "simulated", "difference (grey values)")


@style.styled()
def plot_frames(frames: Mapping[str, Any], missing: Sequence[str], path: str | Path) -> None:
    """Measured patch, simulated frame and their difference, as the objective sees them."""
    figure, axes = style.canvas(len(NAMES), 3, (7.0, 7.6))
    for line, name in enumerate(NAMES):
        if f"{name}_measured" not in frames:
            _say_why(axes[line], name, missing)
            continue
        pair = [np.asarray(frames[f"{name}_{kind}"], float) for kind in ("measured", "simulated")]
        if not all(np.ptp(image) > 0 for image in pair):  # equal pixels, or not a number
            _say_why(axes[line], name, [f"{name}: a frame whose pixels are all equal"])
            continue
        measured, simulated = (grey(image) for image in pair)
        fit = compare(pair[1], pair[0])
        for axis, image, title in zip(axes[line], (measured, simulated), PANELS):
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
            axis.set_title(f"CdTe {name}: {title}")
        shown = axes[line][2].imshow(simulated - measured, cmap="RdBu_r", vmin=-160, vmax=160)
        axes[line][2].set_title(f"{PANELS[2]}\nJ = {fit.objective:.3f}")
        figure.colorbar(shown, ax=axes[line][2], shrink=0.7)
        for axis in axes[line]:
            axis.set(xticks=[], yticks=[])
    style.save(figure, path)


@style.styled()
def plot_objective(
    rows: Sequence[Mapping[str, Any]], missing: Sequence[str], path: str | Path
) -> None:
    """Least objective after each simulated frame, the authors' search and ours."""
    figure, axes = style.canvas(1, len(NAMES), (7.0, 3.2))
    for axis, name in zip(axes[0], NAMES):
        own = [row for row in rows if row["image"] == name]
        if not own:
            _say_why([axis], name, missing)
            continue
        for who, colour in (("authors", style.GREY), ("ours", style.BLUE)):
            line = [row for row in own if row["who"] == who]
            if not style.finite([row["best_objective"] for row in line]):
                continue
            n, value = ([float(row[k]) for row in line] for k in ("evaluation", "best_objective"))
            axis.plot(n, value, color=colour, label=f"{who}: {value[-1]:.3f} after {n[-1]:.0f}")
            if who == "authors":
                axis.axhline(value[-1], color=style.GREY, lw=0.7, ls=":")
                axis.axvline(
                    0.1 * n[-1], color=style.RED, lw=0.7, ls=":", label="a tenth of theirs"
                )
        axis.set(xscale="log", xlabel="simulated frames", ylabel="best objective J so far",
                 ylim=(0.1, 0.75), title=f"CdTe {name}")  # fmt: skip
        if axis.get_legend_handles_labels()[0]:
            axis.legend()
    style.save(figure, path)


def _say_why(axes: Any, name: str, missing: Sequence[str]) -> None:
    """Say in place of a picture why there is none."""
    reason = next((text for text in missing if name in text), "not registered")
    for axis in axes:
        axis.set_axis_off()
    axes[0].text(0, 0.5, f"CdTe {name}: no data\n{reason[:90]}", fontsize=7, wrap=True)
