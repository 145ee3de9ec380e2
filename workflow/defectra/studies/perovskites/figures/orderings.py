"""Figure of the orderings of a mixed B site: energy and gap of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.perovskites import orderings

Rows = Sequence[Mapping[str, Any]]
_LINES = (
    ("-", style.BLACK, "mean of the end members, ours"),
    ("--", style.RED, "the same and the published change on mixing"),
)


@style.styled()
def plot_orderings(rows: Rows, path: str | Path) -> None:
    """Gap against energy of each ordering, one panel a formula; the area is its share."""
    names = list(dict.fromkeys(str(r["name"]) for r in rows))
    figure, axes = style.canvas(1, max(1, len(names)), (4.6 * max(1, len(names)), 4.2))
    spreads = orderings.gap_spreads(rows)
    if not names:
        style.say(axes[0, 0], "not computed")
    for axis, name in zip(axes.flat, names):
        _panel(axis, [r for r in rows if r["name"] == name])
        formula = name.replace("_3", "$_3$").replace("_0.5", "$_{0.5}$")
        axis.set_title(f"{formula}\n{_counted(spreads[name])}")
    blank = axes[0, 0]
    handles = [
        blank.plot([], [], line, color=colour, lw=0.8, label=label)[0]
        for line, colour, label in _LINES
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    style.save(figure, path)


def _counted(found: orderings.Spread) -> str:
    """How many orderings there are, and how far their gaps differ."""
    width = ""
    if np.isfinite(found.random):
        width = f", standard deviation\n{found.random:.3f} eV (random)"
        width += f", {found.at_300_kelvin:.3f} eV (300 K)"
    return f"{found.done} of {found.asked} orderings{width}"


def _panel(axis: Axes, rows: Rows) -> None:
    done = [r for r in rows if style.finite(r["gap_eV"], r["ours_eV"], r["share"])]
    if not done:
        style.say(axis, "no gap of an ordering was computed")
        return
    energy, gap, part = (
        np.array([float(r[c]) for r in done]) for c in ("ours_eV", "gap_eV", "share")
    )
    axis.scatter(1000 * energy, gap, 30 + 600 * part, color=style.BLUE, alpha=0.6, lw=0)
    mean = gap[0] - float(done[0]["gap_change_eV"])
    own, theirs = _LINES
    axis.axhline(mean, ls=own[0], color=own[1], lw=0.8)
    published = float(done[0]["published_gap_change_eV"])
    if np.isfinite(published):
        axis.axhline(mean + published, ls=theirs[0], color=theirs[1], lw=0.8)
    axis.set(xlabel="energy of mixing (meV per formula unit)", ylabel="gap, PBE (eV)")
    axis.margins(0.15)
