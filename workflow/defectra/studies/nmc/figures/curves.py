"""Figure: scores of the blocks over jitter, noise and number of training blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from defectra.core.records import Metric
from defectra.figures import style
from defectra.studies.nmc.blocks.curves import CURVES, EXPECTED, LEARNT, Aimed
from defectra.studies.nmc.blocks.scores import ALL, SHAPE
from defectra.studies.nmc.figures.blocks import NONE

Rows = Iterable[Mapping[str, Any]]
Sheet = Sequence[Mapping[str, Any]]
EVERYTHING = SHAPE + ALL
PALETTE = (style.SKY, style.GREEN, style.ORANGE, style.PURPLE, style.GREY)
METALS = {"x_Ni": style.GREY, "x_Mn": style.ORANGE, "x_Co": style.PURPLE}
DODGE = 0.012  # of the range of a panel, between the bars of two edges


@style.styled()
def plot_curves(curves: Rows, laws: Rows, path: str | Path) -> None:
    """Scores over the jitter of the axis, over noise, and over the number of training blocks.

    Parameters
    ----------
    curves, laws
        Rows of ``blocks/curves.csv`` and of ``blocks/learning.csv``.
    """
    rows, law = list(curves), [r for r in laws if r["quantity"] == EXPECTED]
    figure, axes = style.canvas(4, 3, (10.5, 11.0))
    lithium, *rest = LEARNT
    metals, defects = [a for a in rest if a.target in METALS], rest[len(METALS) :]
    lines = [([lithium], "Li, RMSE (per metal atom)"),
             (metals, "metals from all edges,\nRMSE (per metal atom)"),
             *(([a], f"{a.subset},\nAUROC") for a in defects)]  # fmt: skip
    for line, (shown, label) in zip(axes, lines):
        for axis, (name, title) in zip(line, CURVES.items()):
            some = [r for r in rows if r["curve"] == name]
            if name == "learning":
                _learning_panel(axis, some, law, shown)
            else:
                _panel(axis, some, shown)
            axis.set_xlabel(title)
            _aim(axis, shown[0])
        line[0].set_ylabel(label)
    for axis in axes[1, :1]:
        if axis.get_legend_handles_labels()[0]:
            axis.legend()
    handles, names = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=6)
    figure.suptitle(_title(rows, law))
    style.save(figure, path)


def _title(rows: Sheet, law: Sheet) -> str:
    counted = [float(r["n_groups"]) for r in rows if np.isfinite(float(r["n_groups"]))]
    text = f"{max(counted):.0f} blocks, 90 % intervals over blocks" if counted else ""
    known = [float(r["at"]) for r in law if np.isfinite(float(r["at"]))]
    if not known:
        return text
    return (
        f"{text}\ndashed: power law; beyond the last point an extrapolation "
        f"to the planned campaign ({max(known):.0f} training blocks)"
    )


def _of(rows: Sheet, aimed: Aimed) -> list[Mapping[str, Any]]:
    about = (aimed.target, f"blocks: {aimed.subset}", str(aimed.metric))
    return [r for r in rows if (r["target"], r["subset"], str(r["metric"])) == about]


def _numbers(rows: Sheet) -> Any:
    """Place, value and ends of rows that have all of them finite, in order, shape (4, n)."""
    found = np.array([[r[k] for k in ("at", "value", "lo", "hi")] for r in rows], float)
    found = found.reshape(-1, 4)
    found = found[np.isfinite(found).all(axis=1)]
    return found[np.argsort(found[:, 0], kind="stable")].T


def _panel(axis: Axes, rows: Sheet, shown: Sequence[Aimed]) -> None:
    own = [r for aimed in shown for r in _of(rows, aimed)]
    if not _numbers(own).size:
        style.say(axis, NONE)
        return
    if len(shown) > 1:
        for aimed in shown:
            every = [r for r in _of(rows, aimed) if r["features"] == EVERYTHING]
            label = style.TARGET_LABELS[aimed.target].split()[0]
            _band(axis, _numbers(every), METALS[aimed.target], label)
        return
    names = [n for n in dict.fromkeys(str(r["features"]) for r in own) if n != EVERYTHING]
    width = float(np.ptp(_numbers(own)[0]))
    for k, (name, colour) in enumerate(zip(names, PALETTE)):
        at, value, low, high = _numbers([r for r in own if r["features"] == name])
        at = at + DODGE * width * (k - (len(names) - 1) / 2)
        axis.errorbar(
            at, value, style.bars(value, low, high), fmt="o-", ms=3, lw=0.9, elinewidth=0.7,
            color=colour, label=name.removeprefix(SHAPE),
        )  # fmt: skip
    _band(axis, _numbers([r for r in own if r["features"] == EVERYTHING]), style.RED, "all edges")


def _band(axis: Axes, numbers: Any, colour: str, label: str) -> None:
    at, value, low, high = numbers
    axis.plot(at, value, "o-", ms=4, lw=1.6, color=colour, label=label)
    axis.fill_between(at, low, high, color=colour, alpha=0.18, lw=0)


def _learning_panel(axis: Axes, rows: Sheet, law: Sheet, shown: Sequence[Aimed]) -> None:
    """Points with bars, and the law of each through them to the planned campaign."""
    if not any(_numbers(_of(rows, a)).size for a in shown):
        style.say(axis, NONE)
        return
    ends = []
    for aimed in shown:
        colour = METALS.get(aimed.target, style.RED)
        at, value, low, high = _numbers(_of(rows, aimed))
        bars = style.bars(value, low, high)
        axis.errorbar(at, value, bars, fmt="o", ms=4, elinewidth=1.0, color=colour)
        n, expected, low, high = _numbers(_of(law, aimed))
        axis.plot(n, expected, "--", color=colour, lw=1.2)
        axis.fill_between(n, low, high, color=colour, alpha=0.15, lw=0)
        ends += [*at, *n]
    axis.set_xscale("log")
    sizes = sorted({round(e) for aimed in shown for e in _numbers(_of(rows, aimed))[0]})
    ticks = sorted({*sizes, *([round(max(ends))] if law else [])})
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axis.set_xlim(0.85 * min(ends), 1.18 * max(ends))


def _aim(axis: Axes, aimed: Aimed) -> None:
    """Lines at the aim, and at chance."""
    if not axis.axison:
        return
    if np.isfinite(aimed.aim):
        axis.axhline(aimed.aim, color=style.BLACK, lw=0.9, ls="-.")
        axis.annotate(
            f"aim {aimed.aim:.2f}", (0.99, aimed.aim), xycoords=("axes fraction", "data"),
            ha="right", va="bottom", fontsize=8,
        )  # fmt: skip
    if aimed.metric is Metric.AUROC:
        axis.axhline(0.5, color=style.BLACK, lw=0.8, ls=":")
        axis.set_ylim(0.45, 1.02)
