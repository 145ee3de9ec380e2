"""Figure of study `xanes`: FEFF to VASP for the other element, by number of known sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Metric
from defectra.figures import style
from defectra.studies.xanes import transfer

Rows = Sequence[Mapping[str, Any]]
DIRECTIONS = (("Ti", "Cu"), ("Cu", "Ti"))
_LEVELS = {
    transfer.RAW: (style.GREY, "--"),
    transfer.OTHER_DELTA: (style.ORANGE, "-."),
    transfer.AT_WIDTH: (style.PURPLE, ":"),
}
_CURVES = {
    transfer.CORRECTION: (style.BLACK, "s", -0.4),
    transfer.WIDE_CORRECTION: (style.PURPLE, "D", -0.8),
    transfer.OWN: (style.BLUE, "o", 0.0),
    transfer.BOTH: (style.RED, "^", 0.4),
    transfer.CONTROL: (style.GREEN, "v", 0.8),
}


@style.styled()
def plot_transfer(metrics: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Relative RMS against the number of known sites of the asked element, both directions."""
    rows = [r for r in metrics if r["metric"] == Metric.RELATIVE_RMS]
    figure, axes = style.canvas(1, 2, (11.5, 5.2))
    for axis, (source, target) in zip(axes.flat, DIRECTIONS):
        own = [r for r in rows if str(r["subset"]).startswith(f"{source} -> {target}, ")]
        _direction(axis, own)
        within = [r for r in rows if r["target"].startswith(target) and r["subset"] == "all"
                  and r["model"] == transfer.delta.DELTA]  # fmt: skip
        for row in within:
            axis.axhline(row["value"], color=style.BLUE, lw=0.8, ls=(0, (1, 3)),
                         label=f"delta model from {row['n_train']:.0f} sites")  # fmt: skip
        axis.set(title=f"learnt from {source} K, asked about {target} K",
                 xlabel=f"known {target} sites", ylabel="relative RMS of VASP spectra")  # fmt: skip
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=8)
    style.save(figure, path)


def _direction(axis: Axes, rows: Rows) -> None:
    if not rows:
        style.say(axis, "no pairs of both elements")
        return
    for name, (colour, dash) in _LEVELS.items():
        for row in [r for r in rows if r["model"] == name and r["n_train"] == 0]:
            axis.axhline(row["value"], color=colour, ls=dash, lw=1.2, label=name)
            axis.axhspan(row["lo"], row["hi"], color=colour, alpha=0.1, lw=0)
    for name, (colour, marker, offset) in _CURVES.items():
        own = sorted((r for r in rows if r["model"] == name), key=lambda r: r["n_train"])
        if own:
            x = np.array([r["n_train"] for r in own], np.float64) + offset
            y, lo, hi = (np.array([r[k] for r in own], np.float64) for k in ("value", "lo", "hi"))
            axis.plot(x, y, marker=marker, ms=4.5, color=colour, label=name)
            axis.vlines(x, lo, hi, color=colour, lw=1)
    axis.set_xlim(left=0)
