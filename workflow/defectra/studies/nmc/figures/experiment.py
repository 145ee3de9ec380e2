"""Figure of the measured electrodes: lithium and oxidation state of nickel against voltage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.nmc.electrode_scores import AIM, rmse, rmse_of_series
from defectra.studies.nmc.experiment import DIFFERENCE, KERNEL, PEAK, PRISTINE, SERIES
from defectra.studies.nmc.lithium_shift import NORMAL_90

Rows = Sequence[Mapping[str, Any]]
_LOOKS = {
    KERNEL: (style.RED, "o"),
    DIFFERENCE: (style.BLUE, "s"),
    PEAK: (style.GREY, "^"),
    SERIES: (style.ORANGE, "D"),
}
_APART = 0.16  # of the distance of two electrodes, between methods


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
    figure, axes = style.canvas(2, len(names), (4.6 * len(names), 6.6), sharey="row")
    for column, name in enumerate(names):
        series = [r for r in own if r["composition"] == name]
        _draw_lithium(axes[0, column], series, own)
        _draw_nickel(axes[1, column], series)
        axes[0, column].set_title(name)
        axes[1, column].set_xlabel("voltage (V) and cycle (C charge, D discharge)")
    axes[0, 0].set_ylabel("lithium (per metal)")
    axes[1, 0].set_ylabel("mean oxidation state of Ni")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    more, others = axes[1, 0].get_legend_handles_labels()
    figure.legend(handles + more, labels + others, loc="outside lower center", ncols=1)
    style.save(figure, path)


def _draw_lithium(axes: Axes, series: Rows, everything: Rows) -> None:
    first = _of_method(series, str(series[0]["method"]))
    places = np.arange(len(first), dtype=float)
    truth, half = _columns(first, "truth", "truth_half")
    ends, around = np.array([-0.5, *places, len(places) - 0.5]), np.pad(truth, 1, mode="edge")
    axes.fill_between(ends, around - AIM, around + AIM, step="mid", color=style.GREY, alpha=0.2,
                      linewidth=0, label=f"within the aim, {AIM:.2f} of the charge")  # fmt: skip
    _draw_charge(axes, places, truth, half, "charge (Ni: with Mn 4+, Co 3+, O 2-)")
    for k, (method, (colour, mark)) in enumerate(_LOOKS.items()):
        some = _of_method(series, method)
        if not some:
            continue
        x, sd = _columns(some, "x", "x_sd")
        moved = np.array([_place(first, r) for r in some]) + _APART * (k - 1.5)
        axes.errorbar(moved, x, NORMAL_90 * np.nan_to_num(sd), fmt=mark, ms=4, color=colour,
                      elinewidth=0.8, label=_label(everything, method))  # fmt: skip
    _name_electrodes(axes, first)


def _draw_nickel(axes: Axes, series: Rows) -> None:
    first = _of_method(series, str(series[0]["method"]))
    places = np.arange(len(first), dtype=float)
    state, half = _columns(first, "nickel_state", "nickel_half")
    charge, spread = _columns(first, "nickel_by_charge", "nickel_by_charge_half")
    _draw_charge(axes, places, charge, spread, None)
    axes.axhline(4.0, color=style.GREY, linewidth=0.8, linestyle=":")
    axes.errorbar(places, state, np.nan_to_num(half), fmt="o", ms=4, color=style.GREEN,
                  elinewidth=0.8, label="Ni oxidation state by the kernel model of the blocks, "
                  "90 % of held-out cells")  # fmt: skip
    _name_electrodes(axes, first)


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


def _place(rows: Rows, row: Mapping[str, Any]) -> int:
    return [float(r["number"]) for r in rows].index(float(row["number"]))


def _columns(rows: Rows, *names: str) -> list[Any]:
    return [np.array([r[name] for r in rows], float) for name in names]


def _label(rows: Rows, method: str) -> str:
    found, single = rmse(rows, method), rmse_of_series(rows, method)
    parts = ", ".join(f"{name} {value:.2f}" for name, value in single.items())
    return f"{method}: RMSE {found.value:.2f} ({parts}; {PRISTINE} left out)"
