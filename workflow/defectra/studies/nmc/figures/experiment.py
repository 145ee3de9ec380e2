"""Figure of the measured electrodes: lithium from Ni K against the lithium of the charge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from defectra.figures import style
from defectra.studies.nmc.experiment import DIFFERENCE, KERNEL, PEAK, SERIES, rmse

_LOOKS = {
    KERNEL: (style.RED, "o"),
    DIFFERENCE: (style.BLUE, "s"),
    PEAK: (style.GREY, "^"),
    SERIES: (style.BLACK, "D"),
}


@style.styled()
def plot_experiment(rows: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Every electrode but the pristine one of each series, by method."""
    own = list(rows)
    names = list(dict.fromkeys(str(r["composition"]) for r in own))
    if not names:
        figure, axes = style.canvas(1, 1, (6.4, 3.0))
        style.say(axes[0, 0], "no measured electrodes, or no blocks to learn from")
        style.save(figure, path)
        return
    figure, axes = style.canvas(1, len(names), (4.4 * len(names), 4.6))
    for axis, name in zip(axes.flat, names):
        axis.plot([0, 1.1], [0, 1.1], color=style.GREY, lw=0.8)
        for method, (colour, mark) in _LOOKS.items():
            some = [r for r in own if r["method"] == method and r["composition"] == name]
            some = [r for r in some if int(float(r["scored"]))]
            if not some:
                continue
            truth, half, x, sd = (
                np.array([r[k] for r in some], float) for k in ("truth", "truth_half", "x", "x_sd")
            )
            axis.errorbar(truth, x, np.nan_to_num(sd), np.nan_to_num(half), fmt=mark, ms=4,
                          color=colour, elinewidth=0.8, label=_label(own, method))  # fmt: skip
        axis.set(xlim=(0, 1.1), ylim=(0, 1.1), aspect="equal", title=name)
        axis.set_xlabel("lithium by charge (per metal)")
    axes[0, 0].set_ylabel("lithium from Ni K (per metal)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=1)
    style.save(figure, path)


def _label(rows: list[Mapping[str, Any]], method: str) -> str:
    value, low, high, count = rmse(rows, method)
    return f"{method}: RMSE {value:.2f} [{low:.2f}, {high:.2f}], {count} electrodes"
