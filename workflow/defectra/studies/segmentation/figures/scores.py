"""Figure of study `segmentation`: scores of the ensembles, and EA − ER with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.figures import style
from defectra.studies.segmentation.ensembles import BASE, EA, ER
from defectra.studies.segmentation.evaluate import SCORES

Rows = Sequence[Mapping[str, Any]]
_COLOURS = {EA: style.BLUE, ER[0]: style.ORANGE, ER[1]: style.GREEN, BASE: style.GREY}
LABELS = {
    "accuracy": "accuracy",
    "iou": "intersection\nover union",
    "ece": "calibration error",
    "brier": "Brier score",
    "nll": "negative\nlog-likelihood",
}


@style.styled()
def plot_scores(rows: Rows, path: str | Path) -> None:
    """Left: scores by condition. Right: EA − ER; a whole bar off zero is a difference."""
    conditions = list(dict.fromkeys(r["condition"] for r in rows))
    figure, axes = style.canvas(len(SCORES), 2, (7.4, 1.75 * len(SCORES)), sharex=True)
    for line, metric in zip(axes, SCORES, strict=True):
        own = [r for r in rows if r["metric"] == metric]
        for k, (model, colour) in enumerate(_COLOURS.items()):
            _bars(line[0], own, conditions, model, (k - 1.5) * 0.18, colour, model)
        for k, label in enumerate(ER):
            name = f"{EA} - {label}"
            _bars(line[1], own, conditions, name, (k - 0.5) * 0.25, _COLOURS[label], name)
        line[1].axhline(0, color=style.BLACK, lw=0.8)
        line[0].set_ylabel(LABELS[metric])
    for axis, title in zip(axes[0], ("models", "differences"), strict=True):
        axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xticks(range(len(conditions)), conditions)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=2)
    handles, names = axes[0, 1].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower right", ncols=1)
    style.save(figure, path)


def _bars(
    axis: Any, rows: Rows, conditions: list[str], model: str, shift: float, colour: str, label: str
) -> None:
    own = {r["condition"]: r for r in rows if r["model"] == model}
    x = np.array([conditions.index(c) for c in own]) + shift
    value, lo, hi = (np.array([r[k] for r in own.values()], float) for k in ("value", "lo", "hi"))
    errors = style.bars(value, lo, hi)
    axis.errorbar(x, value, errors, fmt="o", ms=4, color=colour, capsize=2, label=label)
