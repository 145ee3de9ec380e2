"""Figures of the whole space: the periodic-table heat map, and ours beside the published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.patches import Rectangle

from defectra.figures import style
from defectra.studies.levels.figures.computed import charge_label
from defectra.studies.levels.whole_space import MODELS

Rows = Sequence[Mapping[str, Any]]
# What the map shows: site and charge, and the host it is drawn for.
PANELS = (("CdTe", "M_A", 1), ("GaAs", "M_A", 0), ("ZnSe", "M_A", 0), ("CdTe", "M_i_A", 1))
_NAMES = {"M_A": "on the cation site", "M_i_A": "interstitial next to the cation"}


@style.styled()
def plot_map(space: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Periodic tables of one predicted level each; a dot marks learnt (published) levels."""
    rows = list(space)
    figure, axes = style.canvas(len(PANELS), 1, (11.5, 4.3 * len(PANELS)))
    for axis, (host, site, charge) in zip(axes.flat, PANELS):
        some = [r for r in rows if (r["host"], r["site"], r["q_from"]) == (host, site, charge)]
        _table(axis, some)
        axis.set_title(
            f"{host}, {_NAMES[site]}: ε({charge_label(charge)}/{charge_label(charge - 1)})"
        )
    colours = ScalarMappable(_SCALE, mpl.colormaps["RdYlBu"])
    bar = figure.colorbar(colours, ax=list(axes.flat), shrink=0.5, aspect=40, pad=0.01)
    bar.set_label("predicted PBE level (eV above VBM), ± half of the 90 % interval; • learnt")
    style.save(figure, path)


_SCALE = TwoSlopeNorm(vmin=-1.0, vcenter=0.75, vmax=2.5)


def _table(axis: Axes, rows: Rows) -> None:
    from pymatgen.core import Element

    colours = mpl.colormaps["RdYlBu"]
    if not rows:
        style.say(axis, "no predictions")
        return
    for r in rows:
        element = Element(r["impurity"])
        x, y = float(element.group), -float(element.row)
        if element.is_lanthanoid and element.symbol != "La":
            x, y = 3.0 + element.Z - 57, -7.3
        face = colours(_SCALE(r["level_eV"]))
        axis.add_patch(Rectangle((x - 0.5, y - 0.5), 0.96, 0.96, fc=face, ec="white"))
        dark = abs(float(_SCALE(r["level_eV"])) - 0.5) > 0.36
        tint = "white" if dark else style.BLACK
        mark = " •" if r["learnt"] else ""
        axis.text(x, y + 0.17, r["impurity"] + mark, ha="center", va="center", color=tint, size=10)
        half = "" if r["learnt"] else f"±{(r['hi_eV'] - r['lo_eV']) / 2:.1f}"
        text = f"{r['level_eV']:.1f}{half}".replace("-", "\u2212")
        axis.text(x, y - 0.22, text, ha="center", va="center", color=tint, size=6.5)
    axis.set(xlim=(0.4, 18.6), ylim=(-7.9, -1.4), aspect="equal")
    axis.set_axis_off()


@style.styled()
def plot_published(space: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Density of our predictions against those of three published models, same cases."""
    rows = list(space)
    figure, axes = style.canvas(1, 3, (11.5, 4.4))
    words = {"krr": "kernel ridge", "nn": "neural network", "rfr": "random forest"}
    for axis, model in zip(axes.flat, MODELS):
        pairs = np.array(
            [
                (r[f"{model}_eV"], r["level_eV"])
                for r in rows
                if np.isfinite(r[f"{model}_eV"]) and not np.isfinite(r["published_eV"])
            ]
        )
        if not len(pairs):
            style.say(axis, f"{words[model]}: not in the mirror")
            continue
        limits = (-3.0, 9.0)
        axis.plot(limits, limits, color=style.BLACK, lw=0.8)
        axis.hexbin(*pairs.T, gridsize=60, bins="log", cmap="Blues", extent=(*limits, *limits))
        spread = float(np.sqrt(((pairs[:, 0] - pairs[:, 1]) ** 2).mean()))
        note = f"RMS difference {spread:.2f} eV\n{len(pairs)} levels"
        axis.text(0.04, 0.97, note, transform=axis.transAxes, va="top")
        axis.set(xlim=limits, ylim=limits, aspect="equal", title=f"published: {words[model]}")
        axis.set(xlabel="published prediction (eV)")
    axes[0, 0].set_ylabel("our prediction (eV)")
    style.save(figure, path)
