"""Figure of study `plots`: lines that were found, by the number of lines and the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from defectra.figures import style
from defectra.studies.plots.reading import COLUMN_MEAN, NEAREST, SLOPE
from defectra.studies.plots.scores import CROSSINGS, FEW_LINES, RECALL

GROUPS = (FEW_LINES, *CROSSINGS, "one colour", "several colours", "noise or blur", "clean",
          "computed spectra", "100 dpi", "50 dpi")  # fmt: skip
LOOKS = {SLOPE: (style.BLUE, "o"), NEAREST: (style.ORANGE, "s"), COLUMN_MEAN: (style.GREY, "^")}


@style.styled()
def plot_recall(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Share of lines found, with 90 % intervals: by number of lines, and by kind of plot."""
    found = [row for row in rows if row["metric"] == RECALL]
    figure, axes = style.canvas(1, 2, (8.4, 4.6))
    _by_count(axes[0, 0], found)
    _by_kind(axes[0, 1], found)
    handles, names = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    style.save(figure, path)


def _by_count(axis: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    for method, (colour, mark) in LOOKS.items():
        own = [r for r in rows if r["model"] == method and str(r["subset"]).endswith(" lines")]
        own = [r for r in own if str(r["subset"]).split()[0].isdigit() and "to" not in r["subset"]]
        if not own:
            continue
        n = [int(str(r["subset"]).split()[0]) for r in own]
        value, lo, hi = (np.array([r[k] for r in own], float) for k in ("value", "lo", "hi"))
        bars = style.bars(value, lo, hi)
        axis.errorbar(n, value, bars, fmt=mark + "-", color=colour, ms=4, label=method)
    axis.axhline(0.95, color=style.GREY, lw=0.8, ls=":")
    axis.set(ylim=(0, 1.03), xlabel="lines of a plot",
             ylabel="share of lines found",
             title="Polynomials, both resolutions")  # fmt: skip
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _by_kind(axis: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    at = np.arange(len(GROUPS))[::-1]
    for shift, (method, (colour, mark)) in zip((0.2, 0.0, -0.2), LOOKS.items()):
        own = {r["subset"]: r for r in rows if r["model"] == method}
        seen = [(y, own[g]) for y, g in zip(at, GROUPS) if g in own]
        if not seen:
            continue
        value, lo, hi = (np.array([r[k] for _, r in seen], float) for k in ("value", "lo", "hi"))
        axis.errorbar(value, np.array([y for y, _ in seen]) + shift,
                      xerr=style.bars(value, lo, hi), fmt=mark, color=colour, ms=4)  # fmt: skip
    axis.set_yticks(at, GROUPS)
    axis.set(xlim=(0, 1.03), xlabel="share of lines found", title="Kinds of plots")
