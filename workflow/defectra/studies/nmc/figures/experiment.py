"""Figure of the measured electrodes: lithium and oxidation state of nickel against voltage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.nmc.measured import electrode_nickel
from defectra.studies.nmc.measured.electrode_scores import (
    AIM,
    LITHIUM,
    NICKEL,
    NICKEL_AIM,
    rmse,
    rmse_of_series,
)
from defectra.studies.nmc.measured.electrodes import (
    CONSTANT,
    DIFFERENCE,
    KERNEL,
    PEAK,
    PRISTINE,
    SERIES,
)
from defectra.studies.nmc.measured.lithium_shift import NORMAL_90

Rows = Sequence[Mapping[str, Any]]
Looks = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Panel:
    """What a row of the figure shows.

    Attributes
    ----------
    name, digits, aim
        Label of its axis, digits of its errors, and the aim about the charge.
    looks
        Colour and mark of each method.
    mean
        Method that is one level.
    """

    name: str
    digits: int
    aim: float
    looks: Looks
    mean: str


_PANELS = {
    LITHIUM: Panel("lithium (per metal)", 2, AIM, {
        KERNEL: (style.RED, "o"), DIFFERENCE: (style.BLUE, "s"), PEAK: (style.SKY, "^"),
        SERIES: (style.ORANGE, "D")}, CONSTANT),
    NICKEL: Panel("mean oxidation state of Ni", 2, NICKEL_AIM, {
        electrode_nickel.CHARGE: (style.RED, "o"), electrode_nickel.CHANGE: (style.BLUE, "s"),
        electrode_nickel.MOMENTS: (style.GREEN, "v"), electrode_nickel.PEAK: (style.ORANGE, "D"),
        electrode_nickel.LITHIUM: (style.PURPLE, "P")}, electrode_nickel.MEAN),
}  # fmt: skip
_APART = 0.14  # of the distance of two electrodes, between methods


@style.styled()
def plot_experiment(rows: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Every electrode of each series, in the order of the cycles; a column for each cell."""
    own = list(rows)
    names = list(dict.fromkeys(str(r["composition"]) for r in own))
    if not names:
        figure, axes = style.canvas(1, 1, (6.4, 3.0))
        style.say(axes[0, 0], "no measured electrodes, or no blocks to learn from")
        style.save(figure, path)
        return
    figure, axes = style.canvas(2, len(names), (4.6 * len(names) + 4.2, 7.4), sharey="row")
    for row, (quantity, panel) in enumerate(_PANELS.items()):
        some = [r for r in own if r["quantity"] == quantity]
        for column, name in enumerate(names):
            _draw(axes[row, column], [r for r in some if r["composition"] == name], some, panel)
            axes[0, column].set_title(f"cell of {name}")
            axes[1, column].set_xlabel("voltage and cycle (C charge, D discharge)")
        axes[row, 0].set_ylabel(panel.name)
        if some:
            axes[row, -1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    style.save(figure, path)


def _draw(axes: Axes, series: Rows, everything: Rows, panel: Panel) -> None:
    if not series:
        style.say(axes, "no answer")
        return
    first = _of_method(series, str(series[0]["method"]))
    places = np.arange(len(first), dtype=float)
    truth, half = _columns(first, "truth", "truth_half")
    ends, around = np.array([-0.5, *places, len(places) - 0.5]), np.pad(truth, 1, mode="edge")
    axes.fill_between(ends, around - panel.aim, around + panel.aim, step="mid", color=style.GREY,
                      alpha=0.2, linewidth=0, label=f"aim: within {panel.aim:g}")  # fmt: skip
    _draw_charge(axes, places, truth, half, f"from the charge{_assumed(series)}")
    for k, (method, (colour, mark)) in enumerate(panel.looks.items()):
        some = _of_method(series, method)
        if some:
            value, sd = _columns(some, "value", "sd")
            moved = places + _APART * (k - (len(panel.looks) - 1) / 2)
            axes.errorbar(moved, value, NORMAL_90 * np.nan_to_num(sd), fmt=mark, ms=4,
                          color=colour, elinewidth=0.8,
                          label=_label(everything, method, panel))  # fmt: skip
    mean = _of_method(series, panel.mean)
    if mean:
        axes.axhline(float(mean[0]["value"]), color=style.GREY, linewidth=1.2, linestyle="--",
                     label=_label(everything, panel.mean, panel))  # fmt: skip
    _name_electrodes(axes, first)


def _assumed(series: Rows) -> str:
    if series[0]["quantity"] != NICKEL:
        return ""
    return " and neutrality\n(Mn 4+, Co 3+, O 2-; at most 4+)"


def _draw_charge(axes: Axes, places: Any, value: Any, half: Any, label: str | None) -> None:
    axes.errorbar(places, value, np.nan_to_num(half), 0.4, fmt="none", color=style.BLACK,
                  elinewidth=1.4, label=label)  # fmt: skip


def _name_electrodes(axes: Axes, rows: Rows) -> None:
    """One place for each electrode: its voltage, and the cycle below it."""
    names = []
    for row in rows:
        cycle = str(row["cycle"]).replace(" or ", "/\n")
        volts = float(row["voltage_V"])
        names.append(cycle if not np.isfinite(volts) else f"{volts:.1f} V\n{cycle}")
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.axvline(0.5, color=style.GREY, linewidth=0.8, linestyle=":")


def _of_method(rows: Rows, method: str) -> list[Mapping[str, Any]]:
    own = [r for r in rows if r["method"] == method]
    return sorted(own, key=lambda r: float(r["number"]))


def _columns(rows: Rows, *names: str) -> list[Any]:
    return [np.array([r[name] for r in rows], float) for name in names]


def _label(rows: Rows, method: str, panel: Panel) -> str:
    quantity = str(rows[0]["quantity"])
    found, single = rmse(rows, method, quantity), rmse_of_series(rows, method, quantity)
    if not found.n:
        return f"{method}:\nno answer"
    parts = ", ".join(f"{name} {value:.{panel.digits}f}" for name, value in single.items())
    words = method.replace(", ", ",\n", 1)
    return f"{words}:\nRMSE {found.value:.{panel.digits}f} ({parts}; not {PRISTINE})"
