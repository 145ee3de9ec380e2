"""Figure of study `registration`: errors of the blind recovery, and images that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.figures import style
from defectra.studies.registration.requests import COUNTED
from defectra.studies.registration.scorecard import PIXEL_LIMIT, SHIFT_LIMIT, TILT_LIMIT
from defectra.studies.registration.settings import RegistrationStudy

_ERRORS = (
    ("pixel_error_percent", "pixel size (%)", PIXEL_LIMIT),
    ("shift_error_A", "position (Å)", SHIFT_LIMIT),
    ("tilt_error_deg", "tilt (degrees)", TILT_LIMIT),
)
Rows = Sequence[Mapping[str, Any]]


@style.styled()
def plot_recovery(
    recovered: Rows, refused: Rows, settings: RegistrationStudy, path: str | Path
) -> None:
    """Error of each synthetic image over its limit; agreement of images of something else."""
    figure, axes = style.canvas(1, 2, (7.4, 3.4))
    _errors(axes[0, 0], recovered)
    _agreement(axes[0, 1], refused, settings)
    style.save(figure, path)


def _errors(axis: Any, recovered: Rows) -> None:
    for place, (column, _, limit) in enumerate(_ERRORS):
        for kind, colour, mark in ((COUNTED, style.BLUE, "o"), ("multislice", style.RED, "D")):
            rows = [row for row in recovered if row["fidelity"] == kind]
            value = [max(abs(float(row[column])) / limit, 1e-4) for row in rows]
            spread = place + np.linspace(-0.2, 0.2, len(value)) if len(value) > 1 else [place]
            if value:
                label = kind if place == 0 else None
                axis.plot(spread, value, mark, color=colour, ms=4, label=label)
    worst = max((abs(float(row[c])) / limit for row in recovered for c, _, limit in _ERRORS),
                default=0.0)  # fmt: skip
    axis.axhline(1.0, color=style.GREY, lw=0.8)
    names = [f"{name}\nlimit {limit:g}" for _, name, limit in _ERRORS]
    axis.set(yscale="log", ylabel="error over its limit", xticks=range(3),
             title="True pose known", xlim=(-0.5, 2.5), ylim=(1e-4, max(5.0, 2 * worst)),
             )  # fmt: skip
    axis.set_xticklabels(names)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="lower right")


def _agreement(axis: Any, refused: Rows, settings: RegistrationStudy) -> None:
    for row in refused:
        colour = style.RED if float(row["accepted"]) else style.ORANGE
        axis.plot(float(row["correlation"]), float(row["reflection"]), "x", color=colour, ms=5)
    axis.axvline(settings.least_correlation, color=style.GREY, lw=0.8)
    axis.axhline(settings.least_reflection, color=style.GREY, lw=0.8)
    above = (settings.least_correlation + 0.02, settings.least_reflection + 0.03)
    axis.text(*above, "accepted, if the\npixel size fits", va="bottom", fontsize=8)
    axis.set(xlabel="correlation, worse grain", ylabel="agreement of the worst strong reflection",
             xlim=(-0.3, 1.05), ylim=(-1.05, 1.05), title="Images of something else")  # fmt: skip
