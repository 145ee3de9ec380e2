"""Figures of study `levels`: errors of left-out hosts, and error against gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.figures import style
from defectra.studies.levels.evaluate import BOOSTED, DECLARED, FOREST, ORDERED, WITH_HOST

Rows = Sequence[Mapping[str, Any]]
FAMILY_COLOURS = {"II-VI": style.BLUE, "III-V": style.ORANGE, "IV-IV": style.GREEN}
_LABELS = {
    DECLARED: "Gaussian process",
    ORDERED: "the same, soft order",
    BOOSTED: "boosted trees",
    FOREST: "random forest",
}
_SPLITS = (Split.RANDOM, Split.GROUPED, Split.IMPURITY_OUT, Split.HOST_OUT, Split.FAMILY_OUT)


@style.styled()
def plot_errors(predictions: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Parity for left-out hosts, error of each host, and every model on every split."""
    rows = list(predictions)
    own = [r for r in rows if (r["model"], r["split"]) == (DECLARED, str(Split.HOST_OUT))]
    figure, axes = style.canvas(1, 3, (12.0, 5.6), width_ratios=[1.15, 1, 1])
    _parity(axes[0, 0], own)
    _hosts(axes[0, 1], own)
    _splits(axes[0, 2], rows)
    style.save(figure, path)


def _parity(axis: Axes, rows: Rows) -> None:
    limits = (-3.2, 8.4)
    axis.plot(limits, limits, color=style.BLACK, lw=0.8)
    for family, colour in FAMILY_COLOURS.items():
        some = [r for r in rows if r["family"] == family]
        axis.plot(
            [r["truth"] for r in some],
            [r["prediction"] for r in some],
            ".",
            ms=2.5,
            alpha=0.45,
            color=colour,
            label=f"{family} ({len(some)} levels)",
            rasterized=True,
        )
    error = np.array([r["prediction"] - r["truth"] for r in rows])
    if not style.finite(error):
        style.say(axis, "no host was left out")
        return
    axis.set(xlim=limits, ylim=limits, aspect="equal", title="Hosts never seen")
    axis.set(xlabel="published PBE level (eV above VBM)", ylabel="predicted (eV)")
    note = f"RMSE {np.sqrt((error**2).mean()):.3f} eV\nMAE {np.abs(error).mean():.3f} eV"
    axis.text(0.97, 0.03, note, transform=axis.transAxes, ha="right", va="bottom")
    axis.legend(loc="upper left", markerscale=4)


def _hosts(axis: Axes, rows: Rows) -> None:
    found = per_host(rows)
    names = sorted(found, key=lambda h: found[h]["rmse"])
    y = np.arange(len(names))
    colours = [FAMILY_COLOURS[str(found[h]["family"])] for h in names]
    axis.barh(y, [found[h]["rmse"] for h in names], color=colours, height=0.75)
    for k, host in enumerate(names):
        text = f"{found[host]['count']:.0f}  {100 * found[host]['covered']:.0f} %"
        axis.text(found[host]["rmse"] + 0.03, k, text, va="center", fontsize=6, color=style.GREY)
    axis.set_yticks(y, names, fontsize=7)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set(xlabel="RMSE (eV)", title="Each host left out")
    axis.text(
        0.97,
        0.03,
        "grey: levels,\nshare inside the\n90 % interval",
        transform=axis.transAxes,
        ha="right",
        va="bottom",
        fontsize=7,
        color=style.GREY,
    )


def per_host(rows: Rows) -> dict[str, dict[str, Any]]:
    """Error, coverage, mean width, number of levels, gap and family of each host."""
    out = {}
    for host in sorted({str(r["host"]) for r in rows}):
        own = [r for r in rows if r["host"] == host]
        error, half = (
            np.array([r["prediction"] - r["truth"] for r in own]),
            np.array([r["half_width"] for r in own]),
        )
        out[host] = {
            "rmse": float(np.sqrt((error**2).mean())),
            "covered": float((np.abs(error) <= half).mean()),
            "half": float(half.mean()),
            "count": len(own),
            "gap": float(own[0]["gap_eV"]),
            "family": own[0]["family"],
        }
    return out


def _splits(axis: Axes, rows: Rows) -> None:
    marks = {DECLARED: "o", ORDERED: "s", BOOSTED: "^", FOREST: "v"}
    colours = {DECLARED: style.BLUE, ORDERED: style.SKY, BOOSTED: style.RED, FOREST: style.PURPLE}
    for number, (model, mark) in enumerate(marks.items()):
        for features, fill in ((WITH_HOST, "full"), ("elements", "none")):
            points = _points(rows, model, features)
            if points:
                label = _LABELS[model] + ("" if features == WITH_HOST else ", elements alone")
                axis.plot(
                    [x + 0.12 * (number - 1.5) for x, _ in points],
                    [y for _, y in points],
                    mark,
                    ms=6,
                    color=colours[model],
                    fillstyle=fill,
                    label=label,
                )
    labels = ["random rows\n(leaks)", "defect", "impurity", "host", "family"]
    axis.set_xticks(range(len(_SPLITS)), labels)
    axis.set(ylabel="RMSE (eV), pooled", xlabel="left out", ylim=(0, None), title="Splits")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="lower right", fontsize=7)


def _points(rows: Rows, model: str, features: str) -> list[tuple[int, float]]:
    out = []
    for x, split in enumerate(_SPLITS):
        error = np.array(
            [
                r["prediction"] - r["truth"]
                for r in rows
                if (r["model"], r["features"], r["split"]) == (model, features, str(split))
            ]
        )
        if len(error):
            out.append((x, float(np.sqrt((error**2).mean()))))
    return out


def _line(axis: Axes, gap: NDArray[np.float64], value: NDArray[np.float64]) -> None:
    """Straight line through the hosts, if they have two gaps or more."""
    known = np.isfinite(gap) & np.isfinite(value)
    if len(np.unique(gap[known])) < 2:
        return
    slope, start = np.polyfit(gap[known], value[known], 1)
    line = np.array([0.0, gap[known].max()])
    axis.plot(line, start + slope * line, color=style.GREY, lw=0.9, ls="--")
    note = f"line: {start:.2f} + {slope:.2f} × gap"
    axis.text(0.98, 0.02, note, transform=axis.transAxes, ha="right", color=style.GREY)


@style.styled()
def plot_gap(
    predictions: Iterable[Mapping[str, Any]], path: str | Path, simulated: Rows = ()
) -> None:
    """Error and mean interval of each left-out host against its gap, with a straight line.

    Grey bars: range of the error if the levels were drawn from the model (`simulated`, text).
    """
    rows = [r for r in predictions if (r["model"], r["split"]) == (DECLARED, str(Split.HOST_OUT))]
    found = per_host(rows)
    figure, axes = style.canvas(1, 2, (10.5, 4.2))
    if not style.finite([(f["gap"], f["rmse"], f["half"]) for f in found.values()]):
        for axis in axes.flat:
            style.say(axis, "no host was left out")
        style.save(figure, path)
        return
    gap = np.array([f["gap"] for f in found.values()])
    for axis, key, title in ((axes[0, 0], "rmse", "RMSE (eV)"), (axes[0, 1], "half", "")):
        value = np.array([f[key] for f in found.values()])
        for family, colour in FAMILY_COLOURS.items():
            some = np.array([f["family"] == family for f in found.values()])
            axis.plot(gap[some], value[some], "o", color=colour, ms=4, label=family)
        _line(axis, gap, value)
        axis.set(xlabel="gap of the host (eV, measured or estimated)", ylabel=title, ylim=(0, None))
        for host, x, y in zip(found, gap, value):
            if y > 0.6 or x > 3.5:
                axis.annotate(host, (x, y), xytext=(3, 3), textcoords="offset points", fontsize=7)
    for r in simulated:
        x, low, high = (float(r[k]) for k in ("gap_eV", "simulated_lo_eV", "simulated_hi_eV"))
        axes[0, 0].plot([x, x], [low, high], color=style.GREY, lw=2.2, alpha=0.45, zorder=0)
    axes[0, 0].set_title("Error of hosts never seen")
    axes[0, 1].set_title("Half width of their 90 % intervals")
    axes[0, 1].set_ylabel("mean half width (eV)")
    axes[0, 0].legend(loc="upper left")
    style.save(figure, path)
