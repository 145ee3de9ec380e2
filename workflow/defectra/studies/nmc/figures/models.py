"""Figures of study `nmc`: the spectra, and what models read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from defectra.core.records import Metric, Split
from defectra.figures import style
from defectra.studies.nmc.training import labels

Rows = Iterable[Mapping[str, Any]]
CLASSES = (
    ("lithium", "Li per metal atom", (0.4, 0.7)),
    ("n_Ni", "Ni share of metals", (0.4, 0.6)),
)  # column, label, limits of the middle class, which they are in
CLASS_COLOURS = (style.SKY, style.GREY, style.RED)
_PARITY = ("x_Li", "x_Ni", "x_Mn", "x_Co")
_DEFECTS = ("vacancy", "antisite")
_CONTROLS = ("contents", "volume and contents", "shuffled")


@style.styled()
def plot_spectra(
    structures: Rows, site_averages: Rows, edges: Sequence[str], path: str | Path
) -> None:
    """K edges by classes of lithium content above and of nickel share below: mean and 80 %.

    Parameters
    ----------
    structures, site_averages
        Rows of these tables; averages of one fidelity.
    edges
        Edges of the study, e.g. ``["O K", "Ni K"]``; L edges are left out, see
        ``docs/validation.md``.
    path
        PNG to write.
    """
    contents = {s["structure_id"]: labels(s) for s in structures}
    averages = [r for r in site_averages if r["mu"]]
    shown = [e for e in edges if e.endswith(" K")]
    width = max(1, len(shown))
    figure, axes = style.canvas(2, width, (2.5 * width, 5.6))
    for line, (column, label, limits) in zip(axes, CLASSES):
        for axis, edge in zip(line, shown):
            rows = [r for r in averages if f"{r['element']} {r['edge']}" == edge]
            values = [contents[r["structure_id"]][column] for r in rows]
            _edge_panel(axis, edge, rows, values, limits)
        line[0].set_ylabel(f"{label}\nabsorption (1/keV)")
        _name_classes(line, limits)
    for axis in axes[-1]:
        axis.set_xlabel("energy (eV)")
    figure.suptitle("first campaign; line: mean of a class, band: 80 % of its structures")
    style.save(figure, path)


def _name_classes(line: Sequence[Axes], limits: Sequence[float]) -> None:
    """A legend of the classes in the last panel that shows any."""
    words = (f"below {limits[0]:g}", f"{limits[0]:g} to {limits[1]:g}", f"above {limits[1]:g}")
    handles = [Line2D([], [], color=c, label=w) for c, w in zip(CLASS_COLOURS, words)]
    drawn = [axis for axis in line if axis.axison]
    if drawn:
        drawn[-1].legend(handles=handles)


def _edge_panel(
    axis: Axes,
    edge: str,
    rows: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    limits: Sequence[float],
) -> None:
    known = [(v, r) for v, r in zip(values, rows) if np.isfinite([*r["energy_eV"], *r["mu"]]).all()]
    if not known:
        style.say(axis, f"{edge}: no spectra")
        return
    kinds = np.digitize([v for v, _ in known], [limits[0] - 1e-9, limits[1] + 1e-9])
    energy = known[0][1]["energy_eV"]
    for kind, colour in enumerate(CLASS_COLOURS):
        own = [r["mu"] for k, (_, r) in zip(kinds, known) if k == kind]
        if not own:
            continue
        mu = 1000 * np.array(own)
        low, high = np.quantile(mu, [0.1, 0.9], axis=0)
        axis.fill_between(energy, low, high, color=colour, alpha=0.2, lw=0)
        axis.plot(energy, mu.mean(axis=0), color=colour)
    axis.set_title(f"{edge}  (n = {len(known)})")
    axis.set_xlim(energy[0], energy[-1])
    axis.set_ylim(bottom=0)
    axis.locator_params(axis="x", nbins=4)


@style.styled()
def plot_parity(predictions: Rows, path: str | Path) -> None:
    """Contents predicted out of fold from all edges against truth, bars over the repeats."""
    split = str(Split.GROUPED)
    rows = [r for r in predictions if r["features"] == "cdf: all" and r["split"] == split]
    figure, axes = style.canvas(1, 4, (11.5, 3.6))
    for axis, target in zip(axes.flat, _PARITY):
        _parity_panel(axis, target, [r for r in rows if r["target"] == target])
    axes[0, 0].set_ylabel("predicted, out of fold")
    figure.suptitle("first campaign, all edges (K and L3)")
    style.save(figure, path)


def _parity_panel(axis: Axes, target: str, rows: Sequence[Mapping[str, Any]]) -> None:
    finite = [r for r in rows if np.isfinite(r["prediction"] - r["truth"])]
    if not finite:
        style.say(axis, f"{style.TARGET_LABELS[target]}:\ntoo few structures")
        return
    names = sorted({r["structure_id"] for r in finite})
    each = {n: [r for r in finite if r["structure_id"] == n] for n in names}
    truth = np.array([each[n][0]["truth"] for n in names])
    answers = [np.array([r["prediction"] for r in each[n]]) for n in names]
    mean = np.array([a.mean() for a in answers])
    spread = style.bars(mean, [a.min() for a in answers], [a.max() for a in answers])
    limits = style.limits(truth, mean)
    axis.plot(limits, limits, color=style.BLACK, lw=0.8)
    axis.axhline(truth.mean(), color=style.GREY, lw=0.8, ls="--")
    axis.errorbar(
        truth, mean, spread, fmt="o", ms=4, color=style.BLUE, alpha=0.6, elinewidth=0.8, mec="none"
    )
    rmse = np.sqrt(np.mean([(r["prediction"] - r["truth"]) ** 2 for r in finite]))
    base = np.sqrt(np.mean((truth - truth.mean()) ** 2))
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    axis.set_title(style.TARGET_LABELS[target])
    axis.set_xlabel("true (per metal atom)")
    note = f"RMSE {rmse:.3f}\nSD of truth {base:.3f}\nn = {len(names)}"
    axis.text(0.04, 0.97, note, transform=axis.transAxes, va="top", fontsize=8)


@style.styled()
def plot_edges(metrics: Rows, path: str | Path) -> None:
    """Error and AUROC of each edge, of all edges and of the controls, with 90 % intervals."""
    rows = [r for r in metrics if r["split"] == Split.GROUPED and r["subset"] == "all"]
    figure, axes = style.canvas(2, 3, (11.5, 7.4))
    for axis, target in zip(axes.flat, (*_PARITY, *_DEFECTS)):
        own = [r for r in rows if r["target"] == target]
        if target in _DEFECTS:
            _bars(axis, own, Metric.AUROC, _CONTROLS)
            axis.axvline(0.5, color=style.BLACK, lw=0.8, ls=":")
            axis.set(xlabel="AUROC (chance 0.5)", xlim=(0, 1.02))
        else:
            _bars(axis, own, Metric.RMSE, ())
            axis.set_xlabel("RMSE (per metal)")
        axis.set_title(style.TARGET_LABELS[target])
    figure.suptitle(
        "first campaign, 90 % intervals over families; "
        "L3 is not converged and in no claim (docs/validation.md)"
    )
    style.save(figure, path)


def _bars(
    axis: Axes, rows: Sequence[Mapping[str, Any]], metric: Metric, controls: Sequence[str]
) -> None:
    found = {r["features"]: r for r in rows if r["metric"] == metric and np.isfinite(r["value"])}
    edges = [n.removeprefix("cdf: ") for n in found if n.startswith("cdf: ") and "minus" not in n]
    if not edges:
        style.say(axis, "too few structures")
        return
    names = [f"cdf: {e}" for e in edges] + [c for c in (*controls, "none") if c in found]
    words = {"none": "no features", "contents": "true contents", "cdf: all": "all edges"}
    y = np.arange(len(names))
    value, low, high = (np.array([found[n][k] for n in names]) for k in ("value", "lo", "hi"))
    colours = [_colour(n) for n in names]
    error = style.bars(value, low, high)
    axis.barh(y, value, color=colours, height=0.72, xerr=error, error_kw={"lw": 0.9})
    axis.set_yticks(y, [words.get(n, n.removeprefix("cdf: ")) for n in names])
    axis.invert_yaxis()


def _colour(name: str) -> str:
    if name == "cdf: all":
        return style.BLUE
    return style.SKY if name.startswith("cdf: ") else style.GREY
