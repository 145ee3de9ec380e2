"""Figures of the campaign by blocks: what the arms do to the spectra, and what is read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Metric, Split
from defectra.figures import style
from defectra.learn.moved_spectra import EdgeCurves
from defectra.spectra.align import points
from defectra.studies.nmc.block_curves import CURVES
from defectra.studies.nmc.block_evaluate import BOTH, INTENSITY, KERNEL
from defectra.studies.nmc.block_scores import CLAIMED, SHAPE
from defectra.studies.nmc.block_tables import RAW, edges_in
from defectra.studies.nmc.settings import Grid

Rows = Iterable[Mapping[str, Any]]
Sheet = Sequence[Mapping[str, Any]]
COLOURS = {
    "pristine": style.BLACK, "lithium": style.GREEN, "vacancy": style.RED,
    "antisite": style.BLUE,
}  # fmt: skip
LABELS = {
    "pristine": "pristine", "lithium": "0.2 more lithium", "vacancy": "oxygen vacancy",
    "antisite": "Li/Ni antisite",
}  # fmt: skip
CONTENTS = ("x_Li", "x_Ni", "x_Mn", "x_Co")
NONE = "no whole blocks in the archive"


@style.styled()
def plot_differences(rows: Sheet, grids: Mapping[str, Grid], path: str | Path) -> None:
    """Difference of each arm to the pristine one of its block: mean and range of the blocks."""
    edges = edges_in(rows)
    if not edges:
        _empty(path, NONE)
        return
    arms = [a for a in LABELS if a != "pristine" and any(r["arm"] == a for r in rows)]
    if not arms:
        _empty(path, "no arm but the pristine one")
        return
    figure, axes = style.canvas(
        len(arms), len(edges), (2.4 * len(edges), 2.1 * len(arms) + 0.6), sharex="col"
    )
    for column, edge in enumerate(edges):
        curves = EdgeCurves(points(grids[edge]), np.array([r[f"{RAW}{edge}"] for r in rows]))
        centres = (curves.bins[:-1] + curves.bins[1:]) / 2
        shares = dict(zip(((r["block"], r["arm"]) for r in rows), _shares(curves)))
        limit = 0.0
        for k, arm in enumerate(arms):
            pairs = [(v, shares.get((b, "pristine"))) for (b, a), v in shares.items() if a == arm]
            change = np.array([v - plain for v, plain in pairs if plain is not None])
            change = change[np.isfinite(change).all(axis=1)] if len(change) else change
            if not len(change):
                style.say(axes[k, column], "no pairs")
                continue
            limit = max(limit, _band(axes[k, column], centres, change, COLOURS[arm]))
        for k in range(len(arms) if limit else 0):
            axes[k, column].set_ylim(-limit, limit)
        axes[0, column].set_title(edge)
        axes[-1, column].set_xlabel("energy (eV)")
        axes[-1, column].locator_params(axis="x", nbins=4)
    for k, arm in enumerate(arms):
        axes[k, 0].set_ylabel(f"{LABELS[arm]}\nminus pristine (% per eV)")
    count = len({r["block"] for r in rows})
    figure.suptitle(f"mean of {count} blocks; dark: its standard error, light: 80 % of the blocks")
    style.save(figure, path)


def _shares(curves: EdgeCurves) -> Any:
    """Share of the area in each bin of 1 eV, %."""
    return 100 * curves.moved(np.zeros(len(curves.mu)))


def _band(axis: Axes, energy: Any, change: Any, colour: str) -> float:
    """Mean, its standard error and the range of most blocks; the largest value drawn."""
    mean = change.mean(axis=0)
    error = change.std(axis=0) / np.sqrt(len(change))
    low, high = np.quantile(change, [0.1, 0.9], axis=0)
    axis.axhline(0, color=style.GREY, lw=0.6)
    axis.fill_between(energy, low, high, color=colour, alpha=0.18, lw=0)
    axis.fill_between(energy, mean - error, mean + error, color=colour, alpha=0.45, lw=0)
    axis.plot(energy, mean, color=colour, lw=1.3)
    return float(1.1 * max(abs(low).max(), abs(high).max(), 1e-6))


@style.styled()
def plot_parity(predictions: Rows, rows: Sheet, path: str | Path) -> None:
    """Held-out contents by shape, by intensities and by both, coloured by arm."""
    arms = {r["structure_id"]: r["arm"] for r in rows}
    kinds = ((SHAPE + "all", "shape"), (INTENSITY, "intensities, 5 % error"), (BOTH, "both"))
    own = [
        r for r in predictions
        if r["split"] == Split.GROUPED and r["target"] in CONTENTS and r["structure_id"] in arms
        and r["model"] in (KERNEL, "k-factors")
    ]  # fmt: skip
    if not own:
        _empty(path, NONE)
        return
    figure, axes = style.canvas(3, 4, (10.5, 8.0))
    for line, (features, name) in zip(axes, kinds):
        for axis, target in zip(line, CONTENTS):
            some = [r for r in own if (r["features"], r["target"]) == (features, target)]
            _parity_panel(axis, some, arms)
            if name == kinds[0][1]:
                axis.set_title(style.TARGET_LABELS[target])
        line[0].set_ylabel(f"{name}\npredicted")
    for axis in axes[-1]:
        axis.set_xlabel("true (per metal)")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    style.save(figure, path)


def _parity_panel(axis: Axes, rows: Sheet, arms: Mapping[str, str]) -> None:
    if not rows:
        style.say(axis, "not computed")
        return
    first = [r for r in rows if r["repeat"] == 0]
    truth = np.array([r["truth"] for r in rows])
    answers = np.array([r["prediction"] for r in rows])
    limits = style.limits(truth, answers)
    axis.plot(limits, limits, color=style.GREY, lw=0.8)
    for arm, label in LABELS.items():
        some = [r for r in first if arms[r["structure_id"]] == arm]
        axis.plot(
            [r["truth"] for r in some], [r["prediction"] for r in some], "o", ms=3.5,
            color=COLOURS[arm], alpha=0.6, mec="none", label=label,
        )  # fmt: skip
    rmse = float(np.sqrt(np.mean((answers - truth) ** 2)))
    note = f"RMSE {rmse:.3f}\nSD of truth {truth.std():.3f}"
    axis.text(0.04, 0.96, note, transform=axis.transAxes, va="top", fontsize=7)
    axis.set(xlim=limits, ylim=limits, aspect="equal")


@style.styled()
def plot_gains(metrics: Rows, path: str | Path) -> None:
    """Each defect: score of every edge, of all and of the controls; gain of all over each."""
    rows = [r for r in metrics if r["split"] == Split.GROUPED and str(r["subset"])[:6] == "blocks"]
    figure, axes = style.canvas(2, 3, (11.5, 6.8), width_ratios=(1, 1, 1))
    for line, pair in zip(axes, CLAIMED):
        own = [r for r in rows if r["subset"] == f"blocks: {pair.name}"]
        own = [r for r in own if r["target"] == pair.target]
        _scores_panel(line[0], own, Metric.AUROC, "AUROC")
        _scores_panel(line[1], own, Metric.WIN_RATE, "share of pairs won")
        _gains_panel(line[2], own)
        line[0].set_title(pair.name)
    style.save(figure, path)


def _shown(rows: Sheet, metric: Metric) -> list[tuple[str, Mapping[str, Any]]]:
    """Single edges, all, late fusion, other models of all, controls: name and row."""
    own = [r for r in rows if r["metric"] == metric and " minus " not in r["features"]]
    edges = [r for r in own if r["features"].startswith(SHAPE) and "+" not in r["features"]]
    single = [(r["features"].removeprefix(SHAPE), r) for r in edges
              if r["model"] == KERNEL and not r["features"].endswith(": all")]  # fmt: skip
    everything = [(f"all, {r['model']}", r) for r in edges if r["features"].endswith(": all")]
    controls = [(f"{r['features'].split(':')[0]}, {r['model']}", r) for r in own
                if not r["features"].startswith(SHAPE)]  # fmt: skip
    return [*single, *everything, *controls]


def _scores_panel(axis: Axes, rows: Sheet, metric: Metric, label: str) -> None:
    shown = _shown(rows, metric)
    if not shown or not style.finite([r["value"] for _, r in shown]):
        style.say(axis, NONE)
        return
    colours = [_colour(n, r) for n, r in shown]
    _intervals(axis, [(n, r) for n, r in shown], colours)
    axis.axvline(0.5, color=style.BLACK, lw=0.8, ls=":")
    axis.set(xlabel=f"{label} (chance 0.5)", xlim=(0.2, 1.03))


def _colour(name: str, row: Mapping[str, Any]) -> str:
    if name == f"all, {KERNEL}":
        return style.RED
    return style.BLUE if str(row["features"]).startswith(SHAPE) else style.GREY


def _gains_panel(axis: Axes, rows: Sheet) -> None:
    own = [r for r in rows if r["metric"] == Metric.AUROC and r["model"] == KERNEL]
    shown = [(str(r["features"]).split(" minus ")[1], r) for r in own if " minus " in r["features"]]
    if not shown or not style.finite([r["value"] for _, r in shown]):
        style.say(axis, NONE)
        return
    _intervals(axis, shown, [style.BLUE if "K" in n else style.GREY for n, _ in shown])
    axis.axvline(0, color=style.BLACK, lw=0.8, ls=":")
    axis.set_xlabel("gain of all edges (AUROC)")


def _intervals(
    axis: Axes, shown: Sequence[tuple[str, Mapping[str, Any]]], colours: Sequence[str]
) -> None:
    value, low, high = (np.array([r[k] for _, r in shown], float) for k in ("value", "lo", "hi"))
    place = np.arange(len(shown))
    for p, v, e, colour in zip(place, value, style.bars(value, low, high).T, colours):
        axis.errorbar([v], [p], xerr=e[:, None], fmt="o", ms=4, color=colour, elinewidth=1.2)
    axis.set_yticks(place, [n for n, _ in shown], fontsize=7)
    axis.set_ylim(len(shown) - 0.5, -0.5)


@style.styled()
def plot_curves(curves: Rows, path: str | Path) -> None:
    """Scores over the jitter of the axis, over noise, and over the number of training blocks."""
    rows = list(curves)
    figure, axes = style.canvas(3, 3, (10.5, 8.2))
    panels: list[tuple[str, str, Metric, str]] = [
        ("x_Li", "blocks: all arms", Metric.RMSE, "Li, RMSE (per metal)"),
        *((p.target, f"blocks: {p.name}", Metric.AUROC, f"{p.name},\nAUROC") for p in CLAIMED),
    ]
    for line, (target, subset, metric, label) in zip(axes, panels):
        for axis, (name, title) in zip(line, CURVES.items()):
            own = [r for r in rows if r["curve"] == name and r["target"] == target]
            own = [r for r in own if r["subset"] == subset and r["metric"] == metric]
            _curve_panel(axis, own, line[0] is axis)
            axis.set_xlabel(title)
            if metric is Metric.AUROC:
                axis.axhline(0.5, color=style.BLACK, lw=0.8, ls=":")
        line[0].set_ylabel(label)
    handles, names = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=6)
    style.save(figure, path)


def _curve_panel(axis: Axes, rows: Sheet, named: bool) -> None:
    palette = (style.SKY, style.GREEN, style.ORANGE, style.PURPLE, style.GREY)
    names = list(dict.fromkeys(str(r["features"]) for r in rows))
    if not names:
        style.say(axis, NONE)
        return
    singles = [n for n in names if not n.endswith(": all")]
    colours = dict(zip(singles, palette))
    for name in names:
        own = sorted((r for r in rows if r["features"] == name), key=lambda r: float(r["at"]))
        at, value, low, high = (
            np.array([r[k] for r in own], float) for k in ("at", "value", "lo", "hi")
        )
        colour = colours.get(name, style.RED)
        label = name.removeprefix(SHAPE) if named else None
        axis.plot(at, value, "o-", ms=3.5, color=colour, label=label)
        if name not in colours:
            axis.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)


@style.styled()
def plot_weights(weights: Rows, path: str | Path) -> None:
    """Weights of the linear model over energy, beside what the defect does to the spectrum."""
    rows = list(weights)
    edges = list(dict.fromkeys(str(r["edge"]) for r in rows))
    if not edges:
        _empty(path, NONE)
        return
    figure, axes = style.canvas(2, len(edges), (2.5 * len(edges), 5.4))
    for line, pair in zip(axes, CLAIMED):
        own = [r for r in rows if r["target"] == pair.target]
        for axis, edge in zip(line, edges):
            _weights_panel(axis, [r for r in own if r["edge"] == edge], edge)
        cosine = float(own[0]["cosine"]) if own else float("nan")
        line[0].set_ylabel(f"{pair.name}\nweight (answer per % of area)")
        line[0].text(0.03, 0.97, f"cosine of folds {cosine:.2f}", va="top", fontsize=7,
                     transform=line[0].transAxes)  # fmt: skip
    for axis in axes[-1]:
        axis.set_xlabel("energy (eV)")
    figure.suptitle(
        "blue: weight of ridge, mean and deviation of folds; dark orange: mean difference (%)"
    )
    style.save(figure, path)


def _weights_panel(axis: Axes, rows: Sheet, edge: str) -> None:
    columns = ("energy_eV", "weight", "weight_sd", "difference", "difference_sd")
    rows = [r for r in rows if np.isfinite([float(r[k]) for k in columns]).all()]
    if not rows:
        style.say(axis, f"{edge}: no weights")
        return
    energy, weight, sd, change, error = (np.array([r[k] for r in rows], float) for k in columns)
    axis.axhline(0, color=style.GREY, lw=0.6)
    axis.plot(energy, weight, color=style.BLUE)
    axis.fill_between(energy, weight - sd, weight + sd, color=style.BLUE, alpha=0.25, lw=0)
    limit = 1.15 * max(np.abs(weight + np.sign(weight) * sd).max(), 1e-9)
    axis.set(ylim=(-limit, limit), title=edge)
    other = axis.twinx()
    other.plot(energy, change, color=style.RED, lw=1.0)
    other.fill_between(energy, change - error, change + error, color=style.RED, alpha=0.2, lw=0)
    largest = 1.15 * max(np.abs(change).max(), 1e-9)
    other.set_ylim(-largest, largest)
    other.spines["right"].set_visible(True)
    other.tick_params(axis="y", colors=style.RED, labelsize=6)
    axis.tick_params(axis="y", colors=style.BLUE, labelsize=6)
    axis.locator_params(axis="x", nbins=4)


def _empty(path: str | Path, text: str) -> None:
    figure, axes = style.canvas(1, 1, (6.4, 3.0))
    style.say(axes[0, 0], text)
    style.save(figure, path)
