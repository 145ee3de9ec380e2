"""Figure of the lithium series: spectra with and without lithium, and what moves by how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.nmc.lithium import (
    NI_MEAN,
    NI_SITES,
    O_PRE_EDGE,
    PARTS,
    in_series,
    state_of,
)
from defectra.studies.nmc.settings import LithiumSeries

Rows = Iterable[Mapping[str, Any]]
_STATES = ("all lithium", "lithium out, fixed geometry", "lithium out, relaxed")
_STATE_COLOURS = (style.BLACK, style.SKY, style.RED)
_MEASURED = 2.7  # eV, Ni K main peak of NMC622, arXiv:2310.07049


@style.styled()
def plot_lithium(
    structures: Rows,
    site_averages: Rows,
    lithium: Sequence[Mapping[str, Any]],
    series: LithiumSeries,
    protocol: str,
    path: str | Path,
) -> None:
    """Ni K and O K in the three states of the series, and what moves by how much."""
    cells = {s["structure_id"]: s for s in structures if in_series(s, series)}
    rows = [r for r in site_averages if r["structure_id"] in cells and r["protocol"] == protocol]
    figure, axes = style.canvas(2, 2, (9.5, 6.4), width_ratios=(1.5, 1))
    for axis, edge in zip(axes[:, 0], ("Ni K", "O K")):
        own = [r for r in rows if f"{r['element']} {r['edge']}" == edge and r["mu"]]
        _states_panel(axis, edge, own, cells, series)
    if axes[1, 0].lines:
        _window(axes[1, 0], lithium)
    handles, names = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=3)
    _parts_panel(axes[0, 1], lithium, (NI_MEAN, NI_SITES), "shift of the main peak (eV)", 0.0)
    if axes[0, 1].containers:
        axes[0, 1].axhline(_MEASURED, color=style.BLACK, lw=0.9, ls="--")
        note = f"measured +{_MEASURED} eV"
        axes[0, 1].text(2.55, _MEASURED, note, ha="right", va="bottom", fontsize=8)
    _parts_panel(axes[1, 1], lithium, (O_PRE_EDGE,), "pre-edge area, ratio", 1.0)
    style.save(figure, path)


def _window(axis: Axes, lithium: Sequence[Mapping[str, Any]]) -> None:
    row = next(r for r in lithium if r["quantity"] == O_PRE_EDGE)
    low, high = max(row["window_lo_eV"], axis.get_xlim()[0]), row["window_hi_eV"]
    axis.axvspan(low, high, color=style.GREY, alpha=0.15, lw=0)
    top = axis.get_ylim()[1]
    axis.text(low + 0.2, 0.98 * top, "pre-edge window", va="top", fontsize=7)


def _states_panel(
    axis: Axes,
    edge: str,
    rows: Sequence[Mapping[str, Any]],
    cells: Mapping[str, Mapping[str, Any]],
    series: LithiumSeries,
) -> None:
    if not rows:
        style.say(axis, f"{edge}: no spectra of the series")
        return
    curves: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        state = state_of(cells[row["structure_id"]], row["geometry_protocol"], series)
        if state is not None:
            curves[state].append(1000 * np.array(row["mu"]))
    energy = np.array(rows[0]["energy_eV"])
    for state, own in sorted(curves.items()):
        for mu in own:
            axis.plot(energy, mu, color=_STATE_COLOURS[state], lw=0.5, alpha=0.35)
        mean = np.mean(own, axis=0)
        axis.plot(energy, mean, color=_STATE_COLOURS[state], lw=1.8, label=_STATES[state])
    axis.set(xlim=(energy[0], energy[-1]), xlabel="energy (eV)", ylabel="absorption (1/keV)")
    axis.set_ylim(bottom=0)
    axis.set_title(f"{series.composition}, {edge}")


def _parts_panel(
    axis: Axes,
    rows: Sequence[Mapping[str, Any]],
    quantities: Sequence[str],
    label: str,
    neutral: float,
) -> None:
    parts = list(PARTS)
    axis.axhline(neutral, color=style.GREY, lw=0.8)
    for k, quantity in enumerate(quantities):
        own = {r["part"]: r for r in rows if r["quantity"] == quantity}
        x = [i + 0.22 * (k - (len(quantities) - 1) / 2) for i in range(len(parts))]
        value, low, high = (
            np.array([own[p][c] if p in own else np.nan for p in parts])
            for c in ("value", "lo", "hi")
        )
        if not np.isfinite(value).any():
            continue
        error = style.bars(value, low, high)
        colour = (style.BLUE, style.ORANGE)[k]
        name = quantity.split(" of ")[-1] if len(quantities) > 1 else None
        axis.errorbar(x, value, error, fmt="os"[k], color=colour, capsize=3, label=name)
    if not axis.containers:
        style.say(axis, "no data")
        return
    axis.set_xticks(range(len(parts)), [p.replace(" ", "\n") for p in parts])
    axis.set(xlim=(-0.6, 2.6), ylabel=label)
    axis.margins(y=0.15)
    first = next(r for r in rows if r["quantity"] == quantities[0])
    axis.set_title(f"{first['n_orderings']:.0f} orderings, {first['n_sites']:.0f} sites")
    if len(quantities) > 1:
        axis.legend(loc="lower left")
