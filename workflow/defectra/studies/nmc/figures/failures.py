"""Figure of failures: status of calculations by edge and protocol, classes of errors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Status
from defectra.figures import style

Rows = Iterable[Mapping[str, Any]]


@style.styled()
def plot_failures(calculations: Rows, path: str | Path) -> None:
    """Status of the calculations of each edge and protocol, and the classes of errors."""
    rows = list(calculations)
    bars: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        bars[f"{row['element']} {row['edge']}", row["protocol"]][row["status"]] += 1
    height = 1.6 + 0.26 * max(4, len(bars))
    figure, axes = style.canvas(1, 2, (9.5, height), width_ratios=(1.6, 1))
    if bars:
        _status_panel(axes[0, 0], bars)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    else:
        style.say(axes[0, 0], "no calculations")
    failed = Counter(r["error_class"] or "no class" for r in rows if r["status"] == Status.FAILED)
    _classes_panel(axes[0, 1], failed, len(rows))
    style.save(figure, path)


def _status_panel(axis: Axes, bars: Mapping[tuple[str, str], Counter[str]]) -> None:
    keys = sorted(bars)
    left = np.zeros(len(keys))
    for status in Status:
        count = np.array([bars[k][status] for k in keys], float)
        colour = style.STATUS_COLOURS[status]
        axis.barh(range(len(keys)), count, left=left, color=colour, label=str(status), height=0.75)
        left += count
    for k, key in enumerate(keys):
        bad = [f"{bars[key][s]} {s}" for s in (Status.UNCONVERGED, Status.FAILED) if bars[key][s]]
        if bad:
            axis.text(left[k] + 0.01 * left.max(), k, ", ".join(bad), va="center", fontsize=7)
    axis.set_yticks(range(len(keys)), [f"{edge}, {protocol}" for edge, protocol in keys])
    axis.invert_yaxis()
    axis.set(xlabel="calculations", xlim=(0, 1.45 * left.max()))
    axis.set_title("status by edge and protocol", loc="left")


def _classes_panel(axis: Axes, failed: Counter[str], total: int) -> None:
    if not failed:
        style.say(axis, f"none of {total} calculations failed")
        return
    names, counts = zip(*failed.most_common())
    bars = axis.barh(range(len(names)), counts, color=style.RED, height=0.6)
    axis.bar_label(bars, padding=3, fontsize=8)
    axis.set_yticks(range(len(names)), [n.replace("_", " ") for n in names])
    axis.invert_yaxis()
    axis.set(xlabel="failed calculations", xlim=(0, 1.2 * max(counts)))
    axis.set_ylim(max(3.5, len(names) - 0.5), -0.5)
    axis.set_title("why", loc="left")
