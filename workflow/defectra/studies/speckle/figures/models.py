"""Figures of the models of study `speckle`: accuracy, confusion, photons, saliency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from defectra.figures import style
from defectra.studies.speckle import models
from defectra.studies.speckle.evaluate import Right
from defectra.studies.speckle.models import CENTRE, HIDDEN
from defectra.studies.speckle.physical_inputs import RING
from defectra.studies.speckle.saliency import BLOCK
from defectra.studies.speckle.samples import EQUAL, KINDS, TEST, set_name

Rows = Sequence[Mapping[str, Any]]
_LOOK = {
    models.NETWORK: (style.BLUE, "o"),
    models.PHOTONS: (style.SKY, "P"),
    models.IMAGE: (style.PURPLE, "v"),
    models.RIDGE: (style.GREEN, "s"),
    models.MOMENTS: (style.ORANGE, "D"),
    models.COUNTING: (style.BLACK, "^"),
    models.FITTED: (style.RED, "x"),
}


def _largest(rows: Rows) -> list[Mapping[str, Any]]:
    """Rows of models that saw all training patterns."""
    most: dict[str, float] = {}
    for row in rows:
        most[row["model"]] = max(most.get(row["model"], 0.0), float(row["n_train"]))
    return [r for r in rows if float(r["n_train"]) == most[r["model"]]]


def _of(metrics: Rows, **wanted: str) -> list[Mapping[str, Any]]:
    return [r for r in metrics if all(r[k] == v for k, v in wanted.items())]


@style.styled()
def plot_accuracy(metrics: Rows, path: str | Path) -> None:
    """Share of exact numbers of each model on each test set, and against training patterns."""
    figure, axes = style.canvas(1, 3, (12.0, 4.8))
    exact = _of(metrics, metric=str(Right.EXACT))
    for axis, kind in zip(axes[0], KINDS):
        plain = [
            r for r in exact if r["subset"].startswith(f"{kind} ") and "photons" not in r["subset"]
        ]
        _sets(axis, [r for r in plain if r["model"] != models.SHUFFLED], kind)
    for kind, colour in zip(KINDS, (style.BLUE, style.RED)):
        own = _of(exact, subset=set_name(kind, TEST), model=models.NETWORK, features=HIDDEN)
        own.sort(key=lambda r: float(r["n_train"]))
        x, y, lo, hi = (
            np.array([float(r[k]) for r in own]) for k in ("n_train", "value", "lo", "hi")
        )
        axes[0, 2].errorbar(
            x, y, style.bars(y, lo, hi), fmt="o-", color=colour, label=f"{kind} disks"
        )
    axes[0, 2].set(xscale="log", xlabel="training patterns", ylabel="share exact", ylim=(0, 1.03))
    sizes = sorted({round(float(x)) for line in axes[0, 2].lines for x in line.get_xdata()})
    axes[0, 2].set_xticks(sizes, [str(n) for n in sizes])
    axes[0, 2].minorticks_off()
    axes[0, 2].legend()
    style.save(figure, path)


def _sets(axis: Axes, rows: Rows, kind: str) -> None:
    sets = sorted({r["subset"] for r in rows}, key=lambda s: (s != set_name(kind, TEST), s))
    for centre, fill in ((HIDDEN, "full"), (CENTRE, "none")):
        own = _largest([r for r in rows if r["features"] == centre])
        for k, (name, (colour, marker)) in enumerate(_LOOK.items()):
            for row in [r for r in own if r["model"] == name]:
                y = sets.index(row["subset"]) + (k - 3) * 0.11
                axis.plot([row["lo"], row["hi"]], [y, y], color=colour, lw=1)
                axis.plot(row["value"], y, marker, color=colour, ms=4.5, fillstyle=fill)
    axis.set_yticks(
        range(len(sets)), [s.removeprefix(f"{kind} test").lstrip(", ") or "test" for s in sets]
    )
    axis.invert_yaxis()
    axis.set(xlabel="share of numbers exact", title=f"{kind} disks", xlim=(-0.02, 1.03))
    if kind == EQUAL:
        for name, (colour, marker) in _LOOK.items():
            axis.plot([], [], marker, color=colour, ms=4.5, label=name)
        axis.figure.legend(loc="outside lower center", ncols=2)


@style.styled()
def plot_confusion(rows: Rows, path: str | Path) -> None:
    """Answer against truth of three models, both kinds of disks."""
    shown = (models.MOMENTS, models.NETWORK, models.IMAGE)
    figure, axes = style.canvas(2, 3, (9.6, 6.6))
    image = None
    for line, kind in zip(axes, KINDS):
        for axis, model in zip(line, shown):
            own = _of(rows, kind=kind, model=model)
            if not own:
                style.say(axis, "no rows")
                continue
            both = [float(r[k]) for r in own for k in ("number", "predicted")]
            low, high = int(min(both)), int(max(both))
            table = np.zeros((high - low + 1, high - low + 1))
            for r in own:
                table[int(float(r["number"])) - low, int(float(r["predicted"])) - low] += float(
                    r["patterns"]
                )
            table /= np.maximum(table.sum(axis=1, keepdims=True), 1)
            extent = (low - 0.5, high + 0.5, low - 0.5, high + 0.5)
            image = axis.imshow(table, origin="lower", extent=extent, vmin=0, vmax=1, cmap="Blues")
            axis.set(title=f"{kind}: {model}", xlabel="answer", ylabel="disks")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.yaxis.set_major_locator(MaxNLocator(integer=True))
            axis.title.set_fontsize(8)
    if image is not None:
        figure.colorbar(image, ax=axes, label="share of the patterns", shrink=0.6)
    style.save(figure, path)


@style.styled()
def plot_photons(metrics: Rows, path: str | Path) -> None:
    """Share of exact numbers against the number of photons."""
    figure, axes = style.canvas(1, 2, (9.4, 4.2), sharey=True)
    for axis, kind in zip(axes[0], KINDS):
        head = f"{set_name(kind, TEST)}, "
        own = [r for r in _of(metrics, metric=str(Right.EXACT)) if r["subset"].startswith(head)]
        for name, (colour, marker) in _LOOK.items():
            rows = [r for r in own if r["model"] == name and r["subset"].endswith(" photons")]
            x = np.array([float(r["subset"].removeprefix(head).split()[0]) for r in rows])
            y, lo, hi = (np.array([float(r[k]) for r in rows]) for k in ("value", "lo", "hi"))
            if len(x):
                axis.errorbar(
                    x, y, style.bars(y, lo, hi), fmt=marker + "-", ms=4, color=colour, label=name
                )
        axis.set(xscale="log", xlabel="photons outside the centre", title=f"{kind} disks")
    axes[0, 0].set_ylabel("share of numbers exact")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    style.save(figure, path)


@style.styled()
def plot_saliency(rings: Rows, blocks: Rows, path: str | Path) -> None:
    """Change of the answer when a ring or a block of the pattern gets brighter."""
    shown = [(k, n) for k in KINDS for n in sorted({float(r["number"]) for r in blocks})]
    lines = max(1, -(-(1 + len(shown)) // 3))
    figure, axes = style.canvas(lines, 3, (11.0, 3.1 * lines))
    for kind, colour in zip(KINDS, (style.BLUE, style.RED)):
        for model, line in ((models.NETWORK, "-"), (models.IMAGE, ":")):
            own = _of(rings, kind=kind, model=model)
            x, y = (np.array([float(r[k]) for r in own]) for k in ("ring_pixel", "change"))
            changed = y > 0  # on a logarithmic scale; the hidden centre changes nothing
            middle = x[changed] + RING / 2  # rings are named by where they begin
            axes[0, 0].plot(middle, y[changed], line, color=colour, label=f"{kind}: {model}")
    axes[0, 0].set(
        xlabel="distance from the direct beam (pixel)",
        ylabel="|change| in disks\nper relative change",
    )
    if any(len(np.asarray(line.get_ydata())) for line in axes[0, 0].lines):
        axes[0, 0].set_yscale("log")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for axis in axes.flat[1 + len(shown) :]:
        axis.set_axis_off()
    for axis, (kind, number) in zip(axes.flat[1:], shown):
        own = [
            r for r in _of(blocks, kind=kind, model=models.NETWORK) if float(r["number"]) == number
        ]
        if own:
            _blocks(axis, own, f"{kind}, {number:.0f} disks")
        else:
            style.say(axis, f"{kind}, {number:.0f} disks: no rows")
    style.save(figure, path)


def _blocks(axis: Axes, own: Rows, title: str) -> None:
    rows, columns, change = (
        np.array([float(r[k]) for r in own]) for k in ("row_pixel", "column_pixel", "change")
    )
    high, wide = np.unique(rows), np.unique(columns)
    table = np.zeros((len(high), len(wide)))
    table[np.searchsorted(high, rows), np.searchsorted(wide, columns)] = change
    limit = float(np.abs(table).max()) or 1.0
    extent = (*block_ends(wide), *block_ends(high))
    scale = SymLogNorm(limit / 1000, vmin=-limit, vmax=limit)
    image = axis.imshow(table, origin="lower", extent=extent, cmap="RdBu_r", norm=scale)
    axis.set(title=title, xlabel="column (pixel)", ylabel="row (pixel)")
    axis.set(xlim=(extent[0], -extent[0]), ylim=(extent[2], -extent[0]))
    axis.figure.colorbar(
        image, ax=axis, shrink=0.8, label="disks per\nrelative change",
        ticks=[-limit, -limit / 30, 0, limit / 30, limit], format="%.1g",
    )  # fmt: skip


def block_ends(places: NDArray[np.float64]) -> tuple[float, float]:
    """Outer edges of equal blocks of pixels, from the places of the first pixel of each.

    The last block may reach beyond the detector, which ends as far from the direct beam as it
    begins.
    """
    width = places[1] - places[0] if len(places) > 1 else 1.0
    first = float(places[0] - width / BLOCK / 2)
    return first, first + float(width * len(places))
