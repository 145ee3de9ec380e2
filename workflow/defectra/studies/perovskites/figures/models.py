"""Figures of study `perovskites`: what was learnt, from what, and at what cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from defectra.core.records import Metric, Split
from defectra.figures import style
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites.compounds import A_IONS, X_IONS
from defectra.studies.perovskites.problems import (
    COMPOSITION,
    MIXING,
    OWN,
    PBE,
    REFERENCES,
    STEP,
    TARGETS,
)

Rows = Iterable[Mapping[str, Any]]
LABELS = {
    "lattice_PBE": "lattice, PBE",
    "lattice_HSE": "lattice, HSE",
    "decomposition_PBE": "decomposition, PBE",
    "decomposition_HSE": "decomposition, HSE",
    "gap_PBE": "gap, PBE",
    "gap_HSE": "gap, HSE",
    "gap_measured": "measured-like gap",
    "refractive_index": "refractive index",
    "log_fom": "log figure of merit",
    "defect_energy": "defect energy",
    "fermi_level": "Fermi level",
    "level_A": "V$_A$(0/−1)",
    "level_X": "V$_X$(+1/0)",
}
_SPLITS = {
    Split.GROUPED: "5-fold",
    Split.A_OUT: "one A cation left out",
    Split.X_OUT: "one halide left out",
    Split.MIXED_FROM_PURE: "mixed from pure",
}
_SEEN = {
    COMPOSITION: ("formula alone", style.BLUE),
    COMPOSITION + REFERENCES: ("formula, reference phases", style.ORANGE),
    COMPOSITION + OWN: ("formula, our own pure compounds", style.PURPLE),
    COMPOSITION + MIXING: ("formula, our own pure compounds, mixing", style.SKY),
    COMPOSITION + PBE: ("formula, PBE value", style.GREEN),
    COMPOSITION + STEP: ("formula, PBE value, our own pure compounds", style.RED),
}
_METHODS = {
    "single": ("HSE alone", style.BLUE, "o"),
    "delta": ("HSE − PBE, PBE bought for all", style.GREEN, "s"),
    "cokriging": ("co-kriging, PBE bought for half", style.RED, "^"),
}


FLOOR = 0.01  # where bars end on the logarithmic axis that reach to zero or below


@style.styled()
def plot_errors(metrics: Rows, path: str | Path) -> None:
    """Error over that of the mean predictor, by label, split and features."""
    rows = [
        r for r in metrics
        if r["metric"] == Metric.SKILL and r["model"] == COMMITTEE and r["subset"] == "all"
    ]  # fmt: skip
    figure, axes = style.canvas(1, len(_SPLITS), (11.5, 5.8), sharey=True, sharex=True)
    for axis, (split, title) in zip(axes.flat, _SPLITS.items()):
        for y, target in enumerate(TARGETS):
            own = [r for r in rows if r["target"] == target and r["split"] == split]
            _error_bars(axis, y, own)
        axis.axvline(1.0, color=style.BLACK, lw=0.8, ls="--")
        axis.set(title=title, xscale="log", xlabel="error / error of the mean")
        axis.set_xticks([0.03, 0.1, 0.3, 1.0], ["0.03", "0.1", "0.3", "1"])
        axis.minorticks_off()
        axis.grid(axis="x", lw=0.4, alpha=0.5)
    axes[0, 0].set_yticks(range(len(TARGETS)), [LABELS[t] for t in TARGETS])
    axes[0, 0].invert_yaxis()
    handles = [axes[0, 0].plot([], [], "o", color=c, label=text)[0] for text, c in _SEEN.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    style.save(figure, path)


def _error_bars(axis: Axes, y: int, rows: Sequence[Mapping[str, Any]]) -> None:
    shown = [features for features in _SEEN if any(r["features"] == features for r in rows)]
    for number, features in enumerate(shown):
        offset, colour = 0.22 * (number - (len(shown) - 1) / 2), _SEEN[features][1]
        for row in [r for r in rows if r["features"] == features]:
            ratio, left, right = 1 - row["value"], 1 - row["hi"], 1 - row["lo"]
            axis.plot([max(left, FLOOR), right], [y + offset] * 2, color=colour, lw=1.2)
            axis.plot(ratio, y + offset, "o", ms=4.5, color=colour)


@style.styled()
def plot_parity(predictions: Rows, path: str | Path) -> None:
    """Held-out HSE values: at random above, whole cations below; intervals drawn."""
    wanted = (
        ("gap_HSE", COMPOSITION, "HSE gap (eV)"),
        ("decomposition_HSE", COMPOSITION, "HSE decomposition (eV),\nformula alone"),
        ("decomposition_HSE", COMPOSITION + REFERENCES, "HSE decomposition (eV),\n+ references"),
        ("lattice_HSE", COMPOSITION, "HSE lattice constant (Å)"),
    )
    rows = [r for r in predictions if r["repeat"] == 0]
    figure, axes = style.canvas(2, len(wanted), (11.5, 6.2))
    for line, split in zip(axes, (Split.GROUPED, Split.A_OUT)):
        for axis, (target, features, title) in zip(line, wanted):
            key = (target, features, split)
            own = [r for r in rows if (r["target"], r["features"], r["split"]) == key]
            _parity_panel(axis, own)
            axis.set_title(title)
        line[0].set_ylabel(f"predicted, {_SPLITS[split]}")
    for axis in axes[1]:
        axis.set_xlabel("published")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=len(A_IONS),
        title="A cation; bars: 90 % intervals",
    )
    style.save(figure, path)


def _parity_panel(axis: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        style.say(axis, "not evaluated")
        return
    colours = (style.RED, style.ORANGE, style.BLUE, style.GREEN, style.PURPLE)
    truth, answer = (np.array([r[k] for r in rows]) for k in ("truth", "prediction"))
    half = np.array([r["half"] for r in rows])
    if not style.finite(truth, answer):
        style.say(axis, "no finite prediction")
        return
    for ion, colour in zip(A_IONS, colours):
        own = np.array([r["name"].startswith(ion) for r in rows])
        axis.errorbar(
            truth[own], answer[own], half[own], fmt="o", ms=3, color=colour, mec="none",
            elinewidth=0.4, alpha=0.7, label=ion,
        )  # fmt: skip
    limits = style.limits(truth, answer, pad=0.04)
    axis.plot(limits, limits, color=style.BLACK, lw=0.8)
    axis.set(xlim=limits, ylim=limits)
    rmse = np.sqrt(np.mean((answer - truth) ** 2))
    inside = np.mean(np.abs(answer - truth) <= half)
    note = f"RMSE {rmse:.3f}\nin interval {100 * inside:.0f} %"
    axis.text(
        0.04, 0.96, note, transform=axis.transAxes, va="top", fontsize=8,
        bbox={"fc": "white", "ec": "none", "alpha": 0.85, "pad": 1.5},
    )  # fmt: skip


@style.styled()
def plot_references(references: Rows, path: str | Path) -> None:
    """What the published alkali halides are bound too strongly by, against calorimetry."""
    rows = [r for r in references if np.isfinite(r["excess_eV"])]
    figure, axes = style.canvas(1, 1, (6.4, 3.6))
    axis = axes[0, 0]
    names = [f"{a}{x}" for x in X_IONS for a in A_IONS[:3]]
    for fidelity, offset, colour in (("PBE", -0.18, style.SKY), ("HSE", 0.18, style.BLUE)):
        found = {f"{r['A']}{r['X']}": r for r in rows if r["fidelity"] == fidelity}
        values = [found[n]["excess_eV"] if n in found else np.nan for n in names]
        axis.bar(np.arange(len(names)) + offset, values, 0.34, color=colour, label=fidelity)
    axis.axhline(0, color=style.BLACK, lw=0.8)
    axis.axhline(-0.5, color=style.GREY, lw=0.8, ls="--", label="below it: taken as wrong")
    axis.set_xticks(range(len(names)), names)
    axis.set_ylabel("published minus measured\nformation energy of AX (eV)")
    axis.set_title(
        "Reference phases AX against calorimetry\n(zero: least bound AX of each halogen)"
    )
    axis.legend(loc="lower left", bbox_to_anchor=(0.34, 0.02))
    style.save(figure, path)


@style.styled()
def plot_fidelity(rows: Rows, path: str | Path) -> None:
    """Error against budget for each way of spending it."""
    rows = list(rows)
    targets = list(dict.fromkeys(r["target"] for r in rows))
    figure, axes = style.canvas(1, max(len(targets), 1), (11.5, 4.0))
    for axis, target in zip(axes.flat, targets):
        for method, (text, colour, marker) in _METHODS.items():
            own = [r for r in rows if r["target"] == target and r["method"] == method]
            x, y, lo, hi = (np.array([r[k] for r in own]) for k in ("budget", "rmse", "lo", "hi"))
            axis.plot(x, y, color=colour, marker=marker, ms=5, label=text)
            axis.fill_between(x, lo, hi, color=colour, alpha=0.15, lw=0)
            for row in own if method != "single" else ():  # there it is the budget
                away, side = (5, "bottom") if method == "cokriging" else (-5, "top")
                axis.annotate(
                    f"{row['n_HSE']:.0f}", (row["budget"], row["rmse"]), (0, away), va=side,
                    textcoords="offset points", fontsize=7, color=colour, ha="center",
                    path_effects=[withStroke(linewidth=2, foreground="white")],
                )  # fmt: skip
        own = [r for r in rows if r["target"] == target]
        unit = own[0]["unit"] if own else ""
        axis.set(xscale="log", yscale="log", xlabel="budget (HSE values)")
        axis.set(title=LABELS[target], ylabel=f"error of untouched compounds ({unit})")
        ticks = sorted({r["budget"] for r in own if np.isfinite(r["budget"])})
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.minorticks_off()
        _plain_log(axis)
    handles, names = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, names, loc="outside lower center", ncols=3,
            title="small numbers: HSE values among them, where PBE values take part of the budget",
        )  # fmt: skip
    style.save(figure, path)


def _plain_log(axis: Axes) -> None:
    low, high = axis.get_ylim()
    ticks = [t for t in (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0) if low <= t <= high]
    axis.set_yticks(ticks, [f"{t:g}" for t in ticks])
