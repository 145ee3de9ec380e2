"""Figures of study `xanes`: features, how they transfer, FEFF to VASP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Metric
from defectra.figures import style
from defectra.studies.xanes.compare import FOREST, MEAN, RIDGE
from defectra.studies.xanes.views import AS_IS, SAME_SITES, VASP

Rows = Sequence[Mapping[str, Any]]
PANELS = {
    "Cu coordination": ("coordination number", "RMSE"),
    "Cu bond_length": ("mean Cu–O length", "RMSE (Å)"),
    "Cu valence": ("bond-valence sum", "RMSE (e)"),
    "Cu oxidation": ("Cu$^+$ or Cu$^{2+}$", "balanced accuracy"),
}
_MODELS = {RIDGE: (style.SKY, "s"), FOREST: (style.BLUE, "o")}
_FEATURES = {
    "intensity": (style.BLACK, "o"),
    "cdf": (style.RED, "s"),
    "cwt": (style.BLUE, "^"),
    "peaks": (style.ORANGE, "D"),
    "pca": (style.GREEN, "v"),
}


def metric_of(target: str) -> Metric:
    """What a label is scored by."""
    return Metric.BALANCED_ACCURACY if target == "Cu oxidation" else Metric.RMSE


@style.styled()
def plot_features(metrics: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Error of every feature and model on other materials, spectra as they are."""
    rows = [r for r in metrics if r["subset"] == AS_IS]
    figure, axes = style.canvas(1, 4, (11.5, 4.2), sharey=True)
    names = list(dict.fromkeys(r["features"] for r in rows if r["model"] != MEAN))
    for axis, (target, (title, label)) in zip(axes.flat, PANELS.items()):
        own = [r for r in rows if r["target"] == target and r["metric"] == metric_of(target)]
        for (model, (colour, marker)), offset in zip(_MODELS.items(), (-0.15, 0.15)):
            for row in [r for r in own if r["model"] == model]:
                y = names.index(row["features"]) + offset
                axis.plot([row["lo"], row["hi"]], [y, y], color=colour, lw=1.2)
                axis.plot(row["value"], y, marker, ms=4.5, color=colour)
        for row in [r for r in own if r["model"] == MEAN]:
            axis.axvline(row["value"], color=style.GREY, lw=0.8, ls="--")
            if target != "Cu oxidation" and np.isfinite(row["value"]):
                _keep_inside(axis, 1.1 * row["value"])
        axis.set(title=title, xlabel=label)
        axis.grid(axis="x", lw=0.4, alpha=0.5)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].invert_yaxis()
    handles = [axes[0, 0].plot([], [], m, color=c, label=n)[0] for n, (c, m) in _MODELS.items()]
    handles.append(axes[0, 0].plot([], [], "--", color=style.GREY, label="mean of training")[0])
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    style.save(figure, path)


def _keep_inside(axis: Axes, right: float) -> None:
    """End the axis at `right`; what lies beyond is an arrow at the edge."""
    for line in list(axis.lines):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if len(x) == 1 and x[0] > right:
            axis.plot(right, y[0], ">", color=line.get_color(), ms=5, clip_on=False)
    axis.set_xlim(0.0, right)


@style.styled()
def plot_decay(metrics: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Error of the forests when the spectra are moved, broadened, noisy, of another engine."""
    rows = [r for r in metrics if r["model"] in (FOREST, MEAN)]
    figure, axes = style.canvas(4, 4, (11.5, 9.5), sharey="row")
    kinds = (("shift", "shift (eV)"), ("broadened", "broadened by (eV FWHM)"), ("noise", "noise"))
    for line, (target, (title, label)) in zip(axes, PANELS.items()):
        own = [r for r in rows if r["target"] == target and r["metric"] == metric_of(target)]
        for axis, (kind, text) in zip(line, kinds):
            _decay_panel(axis, own, kind)
            axis.set_xlabel(text)
        _engine_panel(line[3], own)
        for axis in line:
            for row in [r for r in own if r["model"] == MEAN]:
                axis.axhline(row["value"], color=style.GREY, lw=0.8, ls="--")
        line[0].set_ylabel(f"{title}\n{label}")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=6,
                  title="random forest; dashed: mean of training")  # fmt: skip
    style.save(figure, path)


def _decay_panel(axis: Axes, rows: Rows, kind: str) -> None:
    for name, (colour, marker) in _FEATURES.items():
        points = [(0.0, r) for r in rows if r["features"] == name and r["subset"] == AS_IS]
        points += [(float(r["subset"].split()[1]), r) for r in rows
                   if r["features"] == name and r["subset"].startswith(kind)]  # fmt: skip
        x, y, lo, hi = (np.array(v) for v in zip(
            *[(p, r["value"], r["lo"], r["hi"]) for p, r in sorted(points, key=lambda q: q[0])]
        )) if points else ((),) * 4  # fmt: skip
        axis.plot(x, y, color=colour, marker=marker, ms=4, label=name)
        if len(x):
            axis.fill_between(x, lo, hi, color=colour, alpha=0.12, lw=0)


def _engine_panel(axis: Axes, rows: Rows) -> None:
    for k, subset in enumerate((SAME_SITES, VASP)):
        for (name, (colour, marker)), offset in zip(_FEATURES.items(), np.linspace(-0.2, 0.2, 5)):
            for row in [r for r in rows if r["features"] == name and r["subset"] == subset]:
                axis.plot([k + offset] * 2, [row["lo"], row["hi"]], color=colour, lw=1)
                axis.plot(k + offset, row["value"], marker, ms=4, color=colour)
    axis.set_xticks([0, 1], ["FEFF", "VASP"])
    axis.set_xlim(-0.5, 1.5)
    axis.set_xlabel("same sites, engine asked")


@style.styled()
def plot_delta(pairs: Rows, metrics: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Three sites of each element, held out, and the errors of the three ways."""
    wanted = [r for r in metrics if r["metric"] == Metric.RELATIVE_RMS]
    figure, axes = style.canvas(2, 4, (11.5, 5.6))
    for line, element in zip(axes, ("Ti", "Cu")):
        own = [r for r in pairs if r["element"] == element]
        for axis, part in zip(line, (0.1, 0.5, 0.9)):
            _pair_panel(axis, own, part)
        line[0].set_ylabel(f"{element} K, edge step = 1")
        _delta_bars(line[3], [r for r in wanted if r["target"].startswith(element)])
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    style.save(figure, path)


def _pair_panel(axis: Axes, rows: Rows, part: float) -> None:
    if not rows:
        style.say(axis, "no pairs")
        return
    error = [np.mean(np.subtract(r["delta"], r["vasp"]) ** 2) / np.mean(np.square(r["vasp"]))
             for r in rows]  # fmt: skip
    row = rows[int(np.argsort(error)[int(part * (len(rows) - 1))])]
    x = 0.25 * np.arange(len(row["vasp"]))
    for key, name, colour, width in (
        ("raw", "FEFF", style.GREY, 1.0),
        ("corrected", "shift + broadening + mean", style.ORANGE, 1.0),
        ("delta", "delta model", style.BLUE, 1.4),
        ("vasp", "VASP", style.BLACK, 1.0),
    ):
        dash = ":" if key == "vasp" else "-"
        axis.plot(x, row[key], dash, color=colour, lw=width, label=name)
    axis.set_title(f"{row['site']}\n{100 * part:.0f} % of sites have less error", fontsize=8)
    axis.set_xlabel("eV above the first energy")


def _delta_bars(axis: Axes, rows: Rows) -> None:
    for k, row in enumerate(rows):
        axis.bar(k, row["value"], 0.6, color=(style.GREY, style.ORANGE, style.BLUE)[k % 3])
        axis.plot([k, k], [row["lo"], row["hi"]], color=style.BLACK, lw=1)
        axis.text(k, row["hi"], f"{row['value']:.3f}", ha="center", va="bottom", fontsize=8)
    axis.set_xticks(
        range(len(rows)), ["FEFF", "shift +\nbroadening\n+ mean", "delta\nmodel"][: len(rows)]
    )
    axis.set_ylabel("relative RMS, held out")
    axis.set_title(f"{rows[0]['n_test']:.0f} pairs" if rows else "")
