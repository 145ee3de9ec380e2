"""Figure of formation energies over the Fermi level, one panel for each set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.levels.figures.computed import defect_label

Rows = Sequence[Mapping[str, Any]]


@style.styled()
def plot_formation(rows: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Lines of slope q for each charge at each corner of the stability region."""
    known = [r for r in rows if math.isfinite(r["formation_eV"])]
    sets = list(dict.fromkeys((r["host"], r["impurity"], r["site"]) for r in known))
    figure, axes = style.canvas(1, max(len(sets), 1), (5.2 * max(len(sets), 1), 4.2))
    if not sets:
        style.say(axes[0, 0], "no set with its phases is computed")
    for axis, name in zip(axes.flat, sets):
        own = [r for r in known if (r["host"], r["impurity"], r["site"]) == name]
        _panel(axis, own)
        axis.set_title(f"{name[0]}: {defect_label(*name)} (PBE, unrelaxed)")
    style.save(figure, path)


_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE, style.SKY)


def _panel(axis: Axes, rows: Rows) -> None:
    gap = rows[0]["gap_eV"]
    fermi = np.linspace(0.0, gap, 200)
    corners = list(dict.fromkeys(r["corner"] for r in rows))
    for corner, colour in zip(corners, cycle(_COLOURS)):
        lines = {
            r["charge"]: r["formation_eV"] + r["charge"] * fermi
            for r in rows
            if r["corner"] == corner
        }
        for charge, line in lines.items():
            axis.plot(fermi, line, color=colour, lw=0.7, ls="--")
            axis.text(fermi[-1], line[-1], f" {charge:+d}".replace("+0", "0"), fontsize=7)
        axis.plot(fermi, np.min(list(lines.values()), axis=0), color=colour, lw=2, label=corner)
    axis.set(xlabel="Fermi level above the VBM (eV)", ylabel="formation energy (eV)")
    axis.set_xlim(0, gap * 1.08)
    axis.axvline(gap, color=style.GREY, lw=0.8)
    axis.legend()
