"""Figures of the campaign by blocks: what the arms do to the spectra, and what is read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from defectra.core.records import Split
from defectra.figures import style
from defectra.learn.moved_spectra import EdgeCurves
from defectra.spectra.align import points
from defectra.studies.nmc.blocks.claims import content
from defectra.studies.nmc.blocks.evaluate import BOTH, INTENSITY, KERNEL
from defectra.studies.nmc.blocks.scores import CLAIMED, SHAPE
from defectra.studies.nmc.blocks.tables import RAW, edges_in
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
        len(arms), len(edges), (2.4 * len(edges), 2.2 * len(arms) + 0.6), sharex="col"
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
        plain = np.array([v for (_, a), v in shares.items() if a == "pristine"])
        for k in range(len(arms) if limit else 0):
            axes[k, column].set_ylim(-limit, limit)
            _behind(axes[k, column], centres, plain, limit)
        axes[0, column].set_title(edge)
        axes[-1, column].set_xlabel("energy (eV)")
        axes[-1, column].locator_params(axis="x", nbins=4)
    for k, arm in enumerate(arms):
        axes[k, 0].set_ylabel(f"{LABELS[arm]}\nminus pristine\n(% of the edge's area per eV)")
    count = len({r["block"] for r in rows})
    figure.suptitle(
        f"mean of {count} blocks; dark: its standard error, light: 80 % of the blocks; "
        "grey: mean pristine spectrum (own scale)"
    )
    style.save(figure, path)


def _behind(axis: Axes, energy: Any, spectra: Any, limit: float) -> None:
    """Mean pristine spectrum behind a difference: from the lower end of the panel to its top."""
    known = spectra[np.isfinite(spectra).all(axis=1)] if len(spectra) else spectra
    if not len(known):
        return
    mean = known.mean(axis=0)
    height = -limit + 1.9 * limit * mean / max(mean.max(), 1e-9)
    axis.fill_between(energy, -limit, height, color=style.GREY, alpha=0.13, lw=0, zorder=0)


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
def plot_parity(predictions: Rows, rows: Sheet, metrics: Sheet, path: str | Path) -> None:
    """Held-out contents by shape, by intensities and by both, coloured by arm.

    Parameters
    ----------
    metrics
        Rows of ``metrics.csv``: the errors that are printed.
    """
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
            if some:
                note = printed_error(metrics, target, features, str(some[0]["model"]))
                axis.text(0.04, 0.96, note, transform=axis.transAxes, va="top")
            if name == kinds[0][1]:
                axis.set_title(style.TARGET_LABELS[target])
        line[0].set_ylabel(f"{name}\npredicted")
    for axis in axes[-1]:
        axis.set_xlabel("true (per metal atom)")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    count = len({r["block"] for r in rows})
    figure.suptitle(
        f"contents of cells of {count} blocks, each held out; [90 % interval over blocks]"
    )
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
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    axis.text(0.96, 0.04, f"SD of truth {truth.std():.3f}", transform=axis.transAxes, ha="right")


def printed_error(metrics: Sheet, target: str, features: str, model: str) -> str:
    """Error of a content with its interval, as ``metrics.csv`` has it."""
    found = content(metrics, target, features, model=model)
    if not found.n:
        return "RMSE not in metrics.csv"
    return f"RMSE {found.value:.3f}\n[{found.lo:.3f}, {found.hi:.3f}]"


@style.styled()
def plot_weights(weights: Rows, path: str | Path) -> None:
    """Weights of the linear model over energy, beside what the defect does to the spectrum."""
    rows = list(weights)
    edges = list(dict.fromkeys(str(r["edge"]) for r in rows))
    if not edges:
        _empty(path, NONE)
        return
    figure, axes = style.canvas(2, len(edges), (2.7 * len(edges), 6.0))
    for line, pair in zip(axes, CLAIMED):
        own = [r for r in rows if r["target"] == pair.target]
        for axis, edge in zip(line, edges):
            _weights_panel(axis, [r for r in own if r["edge"] == edge], edge, edge == edges[-1])
        fixed, steady = (_first(own, k) for k in ("cosine", "steady_cosine"))
        line[0].set_ylabel(
            f"{pair.name}\n(likeness of two folds: {steady:.2f};\n"
            f"of the model as fixed: {fixed:.2f})\n"
            "weight (answer per % of area)",
            color=style.BLUE,
        )
    for axis in axes[-1]:
        axis.set_xlabel("energy (eV)")
    handles = [Line2D([], [], color=colour, label=label) for colour, label in (
        (style.BLUE, "weight, mean of eight linear models, and deviation between folds (left)"),
        (style.RED, "change by the defect: mean of the blocks and its standard error (right)"),
    )]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    style.save(figure, path)


def _first(rows: Sheet, column: str) -> float:
    """What all rows of an edge share; not a number where there is none."""
    return float(rows[0][column] or "nan") if rows else float("nan")


def _weights_panel(axis: Axes, rows: Sheet, edge: str, is_last: bool) -> None:
    columns = ("energy_eV", "steady_weight", "steady_weight_sd", "difference", "difference_sd")
    rows = [r for r in rows if np.isfinite([float(r[k]) for k in columns]).all()]
    if not rows:
        style.say(axis, f"{edge}: no weights")
        return
    energy, weight, sd, change, error = (np.array([r[k] for r in rows], float) for k in columns)
    axis.axhline(0, color=style.GREY, lw=0.6)
    axis.plot(energy, weight, color=style.BLUE)
    axis.fill_between(energy, weight - sd, weight + sd, color=style.BLUE, alpha=0.25, lw=0)
    limit = 1.15 * max(np.abs(weight + np.sign(weight) * sd).max(), 1e-9)
    axis.set(
        ylim=(-limit, limit), title=f"{edge} (two halves: {_first(rows, 'steady_halves'):.2f})"
    )
    other = axis.twinx()
    other.plot(energy, change, color=style.RED, lw=1.0)
    other.fill_between(energy, change - error, change + error, color=style.RED, alpha=0.2, lw=0)
    largest = 1.15 * max(np.abs(change).max(), 1e-9)
    other.set_ylim(-largest, largest)
    other.spines["right"].set_visible(True)
    other.tick_params(axis="y", colors=style.RED)
    axis.tick_params(axis="y", colors=style.BLUE)
    axis.locator_params(axis="y", nbins=5)
    other.locator_params(axis="y", nbins=5)
    if is_last:
        other.set_ylabel("change (% of the edge's area per eV)", color=style.RED)
    axis.locator_params(axis="x", nbins=4)


def _empty(path: str | Path, text: str) -> None:
    figure, axes = style.canvas(1, 1, (6.4, 3.0))
    style.say(axes[0, 0], text)
    style.save(figure, path)
