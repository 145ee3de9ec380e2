"""Figure of study `levels`: share of left-out levels inside their intervals, group by group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Split
from defectra.figures import style
from defectra.studies.levels.evaluate import DECLARED
from defectra.studies.levels.figures.errors import FAMILY_COLOURS
from defectra.studies.levels.hosts import chemistry

Rows = Sequence[Mapping[str, Any]]
WANTED, ALLOWED = 0.90, 0.05


@style.styled()
def plot_coverage(predictions: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Coverage of 90 % intervals of hosts never seen: by family and chemistry, and by distance."""
    rows = [
        r
        for r in predictions
        if (r["model"], r["split"]) == (DECLARED, str(Split.HOST_OUT))
        and np.isfinite([r["truth"], r["prediction"], r["half_width"]]).all()
    ]
    figure, axes = style.canvas(1, 2, (10.5, 4.4), width_ratios=[1.0, 1.3])
    if not rows:
        for axis in axes.flat:
            style.say(axis, "no host was left out")
    else:
        _groups(axes[0, 0], rows)
        _by_distance(axes[0, 1], rows)
    style.save(figure, path)


def covered(rows: Rows, of: Callable[[Mapping[str, Any]], str]) -> dict[str, tuple[float, int]]:
    """Share inside the intervals and number of levels of each group, sorted by the share."""
    found: dict[str, list[bool]] = {}
    for r in rows:
        inside = abs(r["prediction"] - r["truth"]) <= r["half_width"]
        found.setdefault(of(r), []).append(bool(inside))
    shares = {k: (float(np.mean(v)), len(v)) for k, v in found.items()}
    return dict(sorted(shares.items(), key=lambda item: item[1]))


def _band(axis: Axes, upright: bool) -> None:
    low, high = WANTED - ALLOWED, WANTED + ALLOWED
    span, line = (axis.axvspan, axis.axvline) if upright else (axis.axhspan, axis.axhline)
    span(low, high, color=style.GREY, alpha=0.2, lw=0)
    line(WANTED, color=style.BLACK, lw=0.8, ls=":")


def _groups(axis: Axes, rows: Rows) -> None:
    families = covered(rows, lambda r: str(r["family"]))
    chemistries = covered(rows, lambda r: chemistry(str(r["host"])))
    names = [*chemistries, *families]
    shares = [*chemistries.values(), *families.values()]
    colours = [style.PURPLE] * len(chemistries) + [style.BLACK] * len(families)
    _band(axis, upright=True)
    axis.scatter([s for s, _ in shares], range(len(names)), c=colours, s=28, zorder=3)
    axis.set_yticks(range(len(names)), [f"{n} ({c})" for n, (_, c) in zip(names, shares)])
    axis.set(xlim=(min(0.6, *(s for s, _ in shares)) - 0.02, 1.02), xlabel="share inside")
    axis.set_title("Families (black), chemistries (purple)")


def _by_distance(axis: Axes, rows: Rows) -> None:
    hosts = covered(rows, lambda r: str(r["host"]))
    about = {str(r["host"]): r for r in rows}
    _band(axis, upright=False)
    for family, colour in FAMILY_COLOURS.items():
        axis.plot([], [], "o", color=colour, ms=4, label=family)
    for host, (share, _) in hosts.items():
        x = about[host]["distance"]
        colour = FAMILY_COLOURS.get(str(about[host]["family"]), style.GREY)
        axis.plot(x, share, "o", color=colour, ms=4)
        if abs(share - WANTED) > ALLOWED or x > 0.5:
            axis.annotate(host, (x, share), xytext=(3, 3), textcoords="offset points", fontsize=7)
    axis.set(xlabel="distance to the nearest learnt host (standard deviations of descriptors)")
    axis.legend(loc="lower right")
    axis.set(ylabel="share inside", ylim=(None, 1.02), title="Each host left out")
