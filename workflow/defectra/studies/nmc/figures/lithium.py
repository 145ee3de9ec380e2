"""Figures of the lithium series, of failures, and of the comparison of fidelities."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Status
from defectra.figures import style
from defectra.spectra.normalise import relative_rms
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


@style.styled()
def plot_failures(calculations: Rows, path: str | Path) -> None:
    """Status of the calculations of each edge and protocol, and the classes of errors."""
    rows = list(calculations)
    bars: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        bars[f"{row['element']} {row['edge']}", row["protocol"]][row["status"]] += 1
    height = 1.6 + 0.26 * max(4, len(bars))
    figure, axes = style.canvas(1, 2, (9.5, height), width_ratios=(1.6, 1))
    if bars:
        _status_panel(axes[0, 0], bars)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    else:
        style.say(axes[0, 0], "no calculations")
    failed = Counter(r["error_class"] or "no class" for r in rows if r["status"] == Status.FAILED)
    _classes_panel(axes[0, 1], failed, len(rows))
    style.save(figure, path)


def _status_panel(axis: Axes, bars: Mapping[tuple[str, str], Counter[str]]) -> None:
    keys = sorted(bars)
    left = np.zeros(len(keys))
    for status in Status:
        count = np.array([bars[k][status] for k in keys], float)
        colour = style.STATUS_COLOURS[status]
        axis.barh(range(len(keys)), count, left=left, color=colour, label=str(status), height=0.75)
        left += count
    for k, key in enumerate(keys):
        bad = [f"{bars[key][s]} {s}" for s in (Status.UNCONVERGED, Status.FAILED) if bars[key][s]]
        if bad:
            axis.text(left[k] + 0.01 * left.max(), k, ", ".join(bad), va="center", fontsize=7)
    axis.set_yticks(range(len(keys)), [f"{edge}, {protocol}" for edge, protocol in keys])
    axis.invert_yaxis()
    axis.set(xlabel="calculations", xlim=(0, 1.45 * left.max()))
    axis.set_title("status by edge and protocol", loc="left")


def _classes_panel(axis: Axes, failed: Counter[str], total: int) -> None:
    if not failed:
        style.say(axis, f"none of {total} calculations failed")
        return
    names, counts = zip(*failed.most_common())
    bars = axis.barh(range(len(names)), counts, color=style.RED, height=0.6)
    axis.bar_label(bars, padding=3, fontsize=8)
    axis.set_yticks(range(len(names)), [n.replace("_", " ") for n in names])
    axis.invert_yaxis()
    axis.set(xlabel="failed calculations", xlim=(0, 1.2 * max(counts)))
    axis.set_ylim(max(3.5, len(names) - 0.5), -0.5)
    axis.set_title("why", loc="left")


def ladder_pairs(
    site_averages: Rows, geometry: str, cheap: str, dear: str
) -> dict[str, list[float]]:
    """Relative RMS of the cheap against the dear protocol, for each edge with pairs."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in site_averages:
        if row["geometry_protocol"] == geometry and row["mu"]:
            key = (f"{row['element']} {row['edge']}", row["structure_id"])
            found[key][row["protocol"]] = row["mu"]
    out: dict[str, list[float]] = defaultdict(list)
    for (edge, _), curves in sorted(found.items()):
        if cheap in curves and dear in curves and cheap != dear:
            found_rms = float(relative_rms(curves[cheap], curves[dear]))
            if np.isfinite(found_rms):
                out[edge].append(found_rms)
    return dict(out)


@style.styled()
def plot_ladder(
    site_averages: Rows, geometry: str, cheap: str, dear: str, path: str | Path
) -> None:
    """How far the cheap protocol is from the dear one, structure by structure."""
    pairs = ladder_pairs(site_averages, geometry, cheap, dear)
    figure, axes = style.canvas(1, 1, (max(4.0, 1.6 + 0.9 * len(pairs)), 3.4))
    axis = axes[0, 0]
    if not pairs:
        style.say(axis, f"no structure at both {cheap} and {dear}")
        style.save(figure, path)
        return
    for k, values in enumerate(pairs.values()):
        offset = 0.3 * (np.arange(len(values)) / max(1, len(values) - 1) - 0.5)
        axis.plot(k + offset, values, "o", ms=4, color=style.BLUE, alpha=0.6, mec="none")
        axis.hlines(np.median(values), k - 0.28, k + 0.28, color=style.RED, lw=1.8)
    axis.set_xticks(range(len(pairs)), [f"{e}\n(n = {len(v)})" for e, v in pairs.items()])
    axis.set(xlim=(-0.6, len(pairs) - 0.4), ylabel=f"relative RMS, {cheap} against {dear}")
    axis.set_ylim(0, 1.08 * max(map(max, pairs.values())) or 0.01)
    axis.set_title("site means; line: median")
    style.save(figure, path)
