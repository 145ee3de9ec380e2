"""Figures of study `xanes`: nickel in measured spectra, and which energies the models use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.xanes.measured_nickel import (
    ALIGNED,
    AUTHORS,
    CENTROID,
    DECLARED,
    FOREST,
    PEAK,
    UNALIGNED,
)

Rows = Sequence[Mapping[str, Any]]
_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE)
_MARKERS = {"NMC622": "o", "NMC721": "s"}


@style.styled()
def plot_series(rows: Rows, path: str | Path) -> None:
    """State of nickel against voltage: own model in three alignments, published, two baselines."""
    figure, axes = style.canvas(2, 3, (11.5, 7.0))
    wanted = (
        (FOREST, "cdf", ALIGNED, "own calculations, CDF,\naligned without labels"),
        (FOREST, "cdf", DECLARED, "own calculations, CDF,\ndeclared shift"),
        (FOREST, "cdf", UNALIGNED, "own calculations, CDF,\nnot aligned"),
        (AUTHORS, "cdf", "", "published model"),
        (PEAK, "", "", "peak position"),
        (CENTROID, "", "", "centroid"),
    )
    volts = sorted({float(r["voltage_V"] or 0) for r in rows if float(r["voltage_V"] or 0) > 0})
    for axis, (method, features, alignment, title) in zip(axes.flat, wanted):
        own = [r for r in rows if r["method"] == method and _same(r["features"], features)
               and _same(r["alignment"], alignment)]  # fmt: skip
        _voltage_panel(axis, own, volts)
        axis.set_title(title)
    for axis in axes.flat[:4]:
        axis.set_ylim(min(1.95, axis.get_ylim()[0]), max(4.2, axis.get_ylim()[1]))
        axis.axhline(16 / 6, color=style.GREY, lw=0.8, ls="--")
        axis.set_ylabel("Ni oxidation state")
    for axis in axes.flat[4:]:
        axis.set_ylabel("energy (eV)")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2,
                  title="bars: 90 % on held-out calculated spectra; dashed: charge balance, "
                  "pristine NMC622 (2.67)")  # fmt: skip
    style.save(figure, path)


def _same(value: object, wanted: str) -> bool:
    return (value if isinstance(value, str) else "") == wanted


def _voltage_panel(axis: Axes, rows: Rows, volts: Sequence[float]) -> None:
    """Values of both series over pristine and charged electrodes; `volts` are those of all rows."""
    position = {v: k for k, v in enumerate(volts, 1)}
    for (name, marker), colour, shift in zip(
        _MARKERS.items(), (style.BLUE, style.RED), (-0.12, 0.12)
    ):
        own = [r for r in rows if r["composition"] == name]
        charged = np.nan_to_num(np.array([r["voltage_V"] for r in own], np.float64))
        x = np.array([position.get(float(v), 0) for v in charged]) + shift
        y = np.array([r["value"] for r in own])
        half = np.clip(np.nan_to_num(np.array([r["half"] for r in own], np.float64)), 0, None)
        axis.errorbar(x, y, half, fmt=marker, ms=5, color=colour, elinewidth=0.6, label=name,
                      alpha=0.8)  # fmt: skip
    axis.set_xticks(range(len(volts) + 1), ["pristine", *(f"{v:.1f} V" for v in volts)])
    axis.set_xlim(-0.5, len(volts) + 0.5)


@style.styled()
def plot_importance(rows: Rows, path: str | Path) -> None:
    """Where models of the Ni state look, mapped back to energy."""
    figure, axes = style.canvas(1, 1, (6.4, 3.8))
    axis = axes[0, 0]
    for k, name in enumerate(dict.fromkeys(r["features"] for r in rows)):
        own = [r for r in rows if r["features"] == name]
        value = np.array([r["importance"] for r in own])
        share = value / (value.max() or 1.0)
        axis.plot([r["energy_eV"] for r in own], share, color=_COLOURS[k % 5], label=name)
    first = [r for r in rows if r["features"] == rows[0]["features"]]
    axis.plot([r["energy_eV"] for r in first], [r["spectrum"] for r in first], ":",
              color=style.BLACK, label="mean calculated spectrum")  # fmt: skip
    axis.set(xlabel="energy (eV)", ylabel="importance, largest = 1")
    axis.set_title("Ni oxidation state: where the forests look")
    axis.legend()
    style.save(figure, path)
