"""Figure of our own calculations of pure perovskites beside the published columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from defectra.core.records import Status
from defectra.figures import style
from defectra.studies.perovskites.compounds import B_IONS

Rows = Sequence[Mapping[str, Any]]
_COLOURS = dict(
    zip(B_IONS, (style.BLUE, style.SKY, style.PURPLE, style.GREEN, style.ORANGE, style.RED))
)
_MARKERS = {"Cl": "o", "Br": "s", "I": "^"}
_PANELS = (
    ("lattice_PBE", "lattice constant, PBE (Å)", False),
    ("gap_PBE", "gap, PBE (eV)", False),
    ("gap_HSE", "gap, HSE06 on PBE orbitals (eV)", False),
    ("gap_HSE", "the same, with spin-orbit (eV)", True),
)


@style.styled()
def plot_runs(rows: Rows, path: str | Path) -> None:
    """Ours against published: lattice constant, PBE gap, HSE gap without and with spin-orbit."""
    figure, axes = style.canvas(1, len(_PANELS), (12.0, 3.9))
    for axis, (quantity, title, coupled) in zip(axes.flat, _PANELS):
        _panel(axis, [r for r in rows if r["quantity"] == quantity], coupled)
        axis.set(title=title, xlabel="published")
    axes[0, 0].set_ylabel("ours, ideal cubic cell")
    blank = axes[0, 0]
    handles = [blank.plot([], [], "o", color=c, label=b)[0] for b, c in _COLOURS.items()]
    handles += [blank.plot([], [], m, color=style.GREY, label=x)[0] for x, m in _MARKERS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    style.save(figure, path)


def _panel(axis: Axes, rows: Rows, coupled: bool) -> None:
    rows = [r for r in rows if np.isfinite(r["ours_spin_orbit" if coupled else "ours"])]
    if not rows or not style.finite([r["published"] for r in rows]):
        style.say(axis, "not computed")
        return
    published = np.array([r["published"] for r in rows])
    ours = np.array([r["ours_spin_orbit" if coupled else "ours"] for r in rows])
    for row, x, y in zip(rows, published, ours):
        axis.plot(
            x, y, _MARKERS[row["x"]], ms=4.5, color=_COLOURS[row["b"]], mec="none", alpha=0.85
        )
    limits = style.limits(published, ours, pad=0.05)
    axis.plot(limits, limits, color=style.BLACK, lw=0.8)
    axis.set(xlim=limits, ylim=limits)
    off = ours - published
    note = f"{len(rows)} compounds\nmean {off.mean():+.3f}\nmean abs. {np.abs(off).mean():.3f}"
    note = note.replace("-", "−")
    axis.text(0.04, 0.96, note, transform=axis.transAxes, va="top", fontsize=8)
    if not coupled:
        _name_farthest(axis, rows, published, ours)


def _name_farthest(axis: Axes, rows: Rows, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Names of the three farthest from parity that do not stand on one another."""
    room, labelled = 0.1 * (y.max() - y.min()), list[float]()
    for k in np.argsort(-np.abs(y - x)):
        if len(labelled) < 3 and all(abs(y[k] - other) > room for other in labelled):
            labelled.append(float(y[k]))
            name = str(rows[k]["name"]).replace("_3", "$_3$")
            axis.annotate(name, (x[k], y[k]), (5, -8), textcoords="offset points", fontsize=6.5)


@style.styled()
def plot_decomposition(rows: Rows, vacancies: Rows, path: str | Path) -> None:
    """Our decomposition energies against published ones, and charged vacancies."""
    figure, axes = style.canvas(1, 2, (10.0, 4.6), width_ratios=(1.25, 1))
    _energies(axes[0, 0], [r for r in rows if r["status"] == Status.OK], len(rows))
    _vacancies(axes[0, 1], [r for r in vacancies if r["status"] == Status.OK])
    style.save(figure, path)


def _energies(axis: Axes, rows: Rows, asked: int) -> None:
    rows = [r for r in rows if style.finite(r["ours_eV"], r["published_eV"])]
    if not rows:
        style.say(axis, "not computed")
        return
    for row in rows:
        colour = _COLOURS[row["b"]]
        fill = colour if row["ax_consistent"] == "yes" else "none"
        point = float(row["published_eV"]), float(row["ours_eV"])
        axis.plot(*point, _MARKERS[row["x"]], ms=5, color=colour, mfc=fill, alpha=0.85)
    agreed = [r for r in rows if r["ax_consistent"] == "yes"]
    off = np.array([float(r["deviation_eV"]) for r in agreed])
    ours = [float(r["ours_eV"]) for r in rows]
    axis.plot([min(ours), max(ours)], [min(ours), max(ours)], color=style.BLACK, lw=0.8)
    note = f"{len(rows)} of {asked} compounds\nfilled: {len(agreed)}"
    if agreed:
        note += f", mean {off.mean():+.3f} eV,\nmean abs. {np.abs(off).mean():.3f} eV"
    note += "\nopen: published KCl, KI, RbI or CsCl,"
    note += "\nwhich calorimetry contradicts too"
    note = note.replace("-", "−")
    axis.text(0.42, 0.98, note, transform=axis.transAxes, va="top", fontsize=8)
    axis.set(
        title="decomposition energy, PBE",
        xlabel="published (eV per formula unit)",
        ylabel="ours, E(ABX$_3$) − E(AX) − E(BX$_2$) (eV)",
        ylim=(min(ours) - 0.1, max(ours) + 0.15),
    )
    handles = [axis.plot([], [], "o", color=c, label=b)[0] for b, c in _COLOURS.items()]
    handles += [axis.plot([], [], m, color=style.GREY, label=x)[0] for x, m in _MARKERS.items()]
    axis.legend(handles=handles, ncols=3, fontsize=7.5, loc="lower right")


def _vacancies(axis: Axes, rows: Rows) -> None:
    rows = [r for r in rows if style.finite(r["ours"], r["published"])]
    if not rows:
        style.say(axis, "no charged vacancy was computed")
        return
    for k, row in enumerate(rows):
        axis.plot(float(row["published"]), k, "|", ms=14, mew=2, color=style.BLACK)
        axis.plot(float(row["uncorrected"]), k, "o", ms=6, color=style.BLUE, mfc="none")
        axis.plot(float(row["ours"]), k, "o", ms=6, color=style.BLUE)
        if style.finite(row["band_filling"]) and row["band_filling"] != 0:
            filled = float(row["uncorrected"]) + float(row["band_filling"])
            axis.plot(filled, k, "D", ms=6, color=style.ORANGE, mfc="none")
    names = [f"{r['name'].replace('_3', '$_3$')}: {r['quantity'].replace('_', ' ')}" for r in rows]
    axis.set_yticks(range(len(rows)), names)
    axis.set(title="vacancies, sites not relaxed", xlabel="eV", ylim=(len(rows) - 0.4, -1.4))
    for marker, fill, colour, text in (
        ("|", None, style.BLACK, "published"),
        ("o", style.BLUE, style.BLUE, "ours, images corrected"),
        ("o", "none", style.BLUE, "ours, images not corrected"),
        ("D", "none", style.ORANGE, "the same, hole at the band edge"),
    ):
        axis.plot([], [], marker, color=colour, mfc=fill, label=text)
    axis.legend(fontsize=7.5, ncols=2, loc="upper center")
