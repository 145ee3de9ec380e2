"""Figure of study `levels`: levels computed with a hybrid, and what PBE levels make of them.

PBE: functional of Perdew, Burke and Ernzerhof.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.levels.hybrid import WAYS, of_others, of_own_cells
from defectra.studies.levels.published import level_name

Rows = Sequence[Mapping[str, Any]]
LABELS = {
    "pbe": "PBE",
    "plain": "aligned valence band",
    "mba": "modified alignment",
    "delta": "mean difference of other hosts",
}
_LOOK = {
    "pbe": ("o", style.BLACK),
    "plain": ("s", style.BLUE),
    "mba": ("^", style.ORANGE),
    "delta": ("D", style.GREEN),
}


@style.styled()
def plot_hybrid(rows: Rows, path: str | Path) -> None:
    """Parity of each way against hybrid levels, and the mean absolute errors."""
    figure, axes = style.canvas(1, 2, (10.5, 5.4), width_ratios=[1.0, 1.0])
    known = [r for r in rows if np.isfinite([r["hse_eV"], r["pbe_eV"]]).all()]
    if not known:
        for axis in axes.flat:
            style.say(axis, "no level was computed with a hybrid")
    else:
        _parity(axes[0, 0], known)
        _errors(axes[0, 1], known)
    style.save(figure, path)


def _parity(axis: Axes, rows: Rows) -> None:
    ends = [r[k] for r in rows for k in ("hse_eV", *(f"{w}_eV" for w in WAYS))]
    ends = [v for v in ends if np.isfinite(v)]
    limits = (min(ends) - 0.2, max(ends) + 0.2)
    axis.plot(limits, limits, color=style.GREY, lw=0.8)
    for way in WAYS:
        mark, colour = _LOOK[way]
        for own, some in enumerate((of_others(rows), of_own_cells(rows))):
            axis.plot([r["hse_eV"] for r in some], [r[f"{way}_eV"] for r in some], mark,
                      color=colour, mfc="none" if own else colour, ms=6, alpha=0.8,
                      label="" if own else LABELS[way])  # fmt: skip
    ordered = sorted(rows, key=lambda r: float(r["hse_eV"]))
    places = apart([float(r["hse_eV"]) for r in ordered], 0.035 * (limits[1] - limits[0]))
    for r, place in zip(ordered, places):  # above all marks of its column
        text = f"{r['impurity']} in {r['host']} {level_name(int(r['q_from']))}"
        axis.text(place, limits[1], text, rotation=90, ha="center", va="bottom", fontsize=7)
    top = limits[1] + 0.4 * (limits[1] - limits[0])
    axis.set(xlim=limits, ylim=(limits[0], top), aspect="equal", title="Parity")
    axis.set(xlabel="computed with HSE06 (eV above its VBM)", ylabel="estimated from PBE (eV)")
    axis.legend(loc="lower right", fontsize=7)


def apart(places: Sequence[float], least: float) -> list[float]:
    """Rising places moved so that neighbours are at least `least` apart, their mean kept."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + least) if moved else place)
    shift = float(np.mean(moved) - np.mean(places)) if moved else 0.0
    return [place - shift for place in moved]


def _errors(axis: Axes, rows: Rows) -> None:
    for place, way in enumerate(WAYS):
        error = np.abs([r[f"error_{way}_eV"] for r in rows])
        error = error[np.isfinite(error)]
        if not len(error):
            continue
        _, colour = _LOOK[way]
        axis.bar(place, error.mean(), color=colour, alpha=0.6, width=0.6)
        axis.plot(np.full(len(error), place), error, ".", color=style.BLACK, ms=5)
    axis.set_xticks(range(len(WAYS)), [textwrap.fill(LABELS[w], 16) for w in WAYS], fontsize=7)
    hosts = len({r["host"] for r in rows})
    axis.set(ylabel="|error| (eV); bar: mean", title=f"{len(rows)} levels in {hosts} hosts")
