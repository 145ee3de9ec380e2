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
    "iou": "intersection over union",
    "ece": "calibration error",
    "brier": "Brier score",
    "nll": "negative log-likelihood",
}


@style.styled()
def plot_scores(rows: Rows, path: str | Path) -> None:
    """Above: scores by condition. Below: EA − ER; a whole bar off zero is a difference."""
    conditions = list(dict.fromkeys(r["condition"] for r in rows))
    figure, axes = style.canvas(2, len(SCORES), (13.5, 6.0))
    for column, metric in enumerate(SCORES):
        own = [r for r in rows if r["metric"] == metric]
        for k, (model, colour) in enumerate(_COLOURS.items()):
            _bars(axes[0, column], own, conditions, model, (k - 1.5) * 0.18, colour, model)
        for k, label in enumerate(ER):
            name = f"{EA} - {label}"
            _bars(axes[1, column], own, conditions, name, (k - 0.5) * 0.25, _COLOURS[label], name)
        axes[1, column].axhline(0, color=style.BLACK, lw=0.8)
        axes[0, column].set_title(LABELS[metric])
        for axis in axes[:, column]:
            axis.set_xticks(range(len(conditions)), conditions, rotation=25, ha="right")
    axes[1, 0].set_ylabel("EA − ER")
    for row, title in ((0, "models"), (1, "differences")):
        handles, labels = axes[row, 0].get_legend_handles_labels()
        beside = {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0)}  # no bar lies under it
        axes[row, -1].legend(handles, labels, title=title, **beside)
    style.save(figure, path)


def _bars(
    axis: Any, rows: Rows, conditions: list[str], model: str, shift: float, colour: str, label: str
) -> None:
    own = {r["condition"]: r for r in rows if r["model"] == model}
    x = np.array([conditions.index(c) for c in own]) + shift
    value, lo, hi = (np.array([r[k] for r in own.values()], float) for k in ("value", "lo", "hi"))
    errors = style.bars(value, lo, hi)
    axis.errorbar(x, value, errors, fmt="o", ms=4, color=colour, capsize=2, label=label)
