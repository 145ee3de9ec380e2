"""Figures of measured gaps: the ladder of calculations below them, and whether intervals hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Metric, Split
from defectra.figures import style
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites.measured_models import CHOSEN
from defectra.studies.perovskites.measured_scores import ALL, B_OUT, TARGET
from defectra.studies.perovskites.problems import COMPOSITION

Rows = Sequence[Mapping[str, Any]]
_COLOURS = {"Pb": style.RED, "Sn": style.ORANGE, "Ge": style.GREEN, "mixed": style.PURPLE}
_STEPS = ("PBE", "HSE", "HSE +\nspin-orbit", "measured")
_CELLS = (
    ("published cells", ("gap_PBE_eV", "gap_HSE_eV", "gap_HSE_SOC_eV")),
    ("ours, ideal cubic cells", ("own_PBE_eV", "own_HSE_eV", "own_HSE_SOC_eV")),
)
_SPLITS = {
    str(Split.GROUPED): "5-fold",
    str(Split.COMPOSITION_OUT): "one compound\nleft out",
    str(Split.A_OUT): "one A\nleft out",
    B_OUT: "one B\nleft out",
    str(Split.X_OUT): "one halide\nleft out",
}
_BAND = (0.85, 0.95)
_COVERED = (
    ("gap_HSE", COMPOSITION, COMMITTEE, "HSE gap of a cell, against its label", style.BLUE),
    (TARGET, CHOSEN, "measured", "measured-like gap, against measurements", style.GREEN),
)


@style.styled()
def plot_ladder(rows: Rows, path: str | Path) -> None:
    """PBE, HSE, HSE with spin-orbit coupling, measured; and what is predicted of a left-out one."""
    figure, axes = style.canvas(1, 3, (12.0, 4.6), width_ratios=(1, 1, 1.05))
    for axis, (title, columns) in zip(axes.flat, _CELLS):
        _steps(axis, rows, columns)
        axis.set_title(title)
    axes[0, 1].sharey(axes[0, 0])
    axes[0, 0].set_ylabel("gap (eV)")
    _predicted(axes[0, 2], rows)
    blank = axes[0, 0]
    handles = [blank.plot([], [], "o", color=c, label=b)[0] for b, c in _COLOURS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, title="B site")
    style.save(figure, path)


def _colour(row: Mapping[str, Any]) -> str:
    found = [ion for ion in ("Pb", "Sn", "Ge") if ion in str(row["formula"])]
    return _COLOURS[found[0] if len(found) == 1 else "mixed"]


def _steps(axis: Axes, rows: Rows, columns: Sequence[str]) -> None:
    shown = [(r, [float(r[c]) for c in (*columns, "gap_measured_eV")]) for r in rows]
    shown = [(row, gaps) for row, gaps in shown if style.finite(gaps)]
    if not shown:
        style.say(axis, "not computed")
        return
    for row, gaps in shown:
        axis.plot(range(len(gaps)), gaps, "o-", ms=3.5, lw=0.8, color=_colour(row), alpha=0.75)
        if row["formula"] in ("MAPbI_3", "CsPbI_3", "CsSnI_3"):
            name = str(row["formula"]).replace("_3", "$_3$")
            axis.annotate(
                name, (len(gaps) - 1, gaps[-1]), (5, -3), textcoords="offset points", fontsize=6.5
            )
    axis.axhline(0, color=style.GREY, lw=0.6)
    axis.set_xticks(range(len(_STEPS)), _STEPS)
    axis.set_xlim(-0.2, len(_STEPS) - 0.3)


def _predicted(axis: Axes, rows: Rows) -> None:
    rows = [r for r in rows if style.finite(r["gap_measured_eV"], r["gap_measured_like_eV"])]
    rows = [r for r in rows if np.isfinite(r["half_eV"])]
    if not rows:
        style.say(axis, "no measured gap")
        return
    x = np.array([r["gap_measured_eV"] for r in rows])
    y = np.array([r["gap_measured_like_eV"] for r in rows])
    for row, at, to in zip(rows, x, y):
        fill = _colour(row) if row["used"] == "yes" else "none"
        axis.errorbar(
            at, to, row["half_eV"], fmt="o", ms=4, color=_colour(row), mfc=fill, elinewidth=0.7
        )
    limits = style.limits(x, y, pad=0.08)
    axis.plot(limits, limits, color=style.BLACK, lw=0.8)
    used = np.array([r["used"] == "yes" for r in rows])
    inside = np.array([r["inside"] == "yes" for r in rows])
    note = "each compound left out\nopen: readings contradict each other"
    if used.any():
        error = np.sqrt(np.mean((x - y)[used] ** 2))
        note += f"\nRMSE {error:.2f} eV, in interval {inside[used].sum()} of {used.sum()}"
    axis.text(0.03, 0.97, note, transform=axis.transAxes, va="top", fontsize=7)
    axis.set(xlabel="measured (eV)", ylabel="measured-like (eV)", title="the step that is learnt")
    axis.set(xlim=limits)


@style.styled()
def plot_coverage(metrics: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Share of left-out values inside the 90 % interval, by split, with its own interval."""
    rows = [r for r in metrics if r["metric"] == Metric.COVERAGE_90 and r["subset"] == ALL]
    figure, axes = style.canvas(1, 1, (7.5, 4.0))
    axis = axes[0, 0]
    axis.axhspan(*_BAND, color=style.GREY, alpha=0.2, lw=0, label="asked: 85 to 95 %")
    places, lowest = list(_SPLITS), 1.0
    for number, (target, features, model, label, colour) in enumerate(_COVERED):
        own = [
            r for r in rows
            if (r["target"], r["features"], r["model"]) == (target, features, model)
            and r["split"] in places and np.isfinite(r["value"])
        ]  # fmt: skip
        offset = 0.12 * (2 * number - 1)
        for k, row in enumerate(own):
            at = places.index(row["split"]) + offset
            lowest = min(lowest, row["value"], np.nan_to_num(row["lo"], nan=1.0))
            axis.plot([at, at], [row["lo"], row["hi"]], color=colour, lw=1.2)
            axis.plot(at, row["value"], "o", ms=5, color=colour, label="" if k else label)
    axis.set_xticks(range(len(places)), list(_SPLITS.values()))
    axis.set(xlim=(-0.5, len(places) - 0.5), ylim=(min(lowest, 0.55) - 0.05, 1.02))
    axis.set_ylabel("share inside the 90 % interval")
    axis.legend(loc="lower left")
    style.save(figure, path)
