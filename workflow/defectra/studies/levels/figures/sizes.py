"""Figure of one defect in cells of several sizes: what the corrections take out, what stays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.defects.corrections import madelung_cubic
from defectra.figures import style
from defectra.studies.levels.figures.computed import level_label
from defectra.studies.levels.tables import sizes_of

Rows = Sequence[Mapping[str, Any]]
KINDS = (
    ("bare_eV", "not corrected", "o", style.GREY),
    ("freysoldt_eV", "Freysoldt", "s", style.ORANGE),
    ("corrected_eV", "Kumagai and Oba (eFNV)", "D", style.BLUE),
)


@style.styled()
def plot_sizes(
    levels: Iterable[Mapping[str, Any]], lattices: Mapping[str, float], path: str | Path
) -> None:
    """A panel for each level in three cells or more: level against 1/L, L the cube root of volume.

    Parameters
    ----------
    levels
        Rows of COMPUTED_LEVELS.
    lattices
        Cubic lattice constant of each host, Å.
    """
    found = sizes_of(list(levels))
    figure, axes = style.canvas(1, max(len(found), 1), (5.2 * max(len(found), 1), 4.2))
    if not found:
        style.say(axes[0, 0], "no level in three cells or more")
    for axis, rows in zip(axes.flat, found.values()):
        _panel(axis, rows, lattices[rows[0]["host"]])
    style.save(figure, path)


def _panel(axis: Axes, rows: Rows, lattice: float) -> None:
    lengths = np.array([lattice * (r["atoms"] / 8) ** (1 / 3) for r in rows])
    largest = max(rows, key=lambda r: r["atoms"])
    axis.axhline(largest["corrected_eV"], color=style.BLUE, lw=0.8, ls=":")
    grid = np.linspace(1e-4, 1.08 / lengths.min(), 50)
    axis.plot(
        grid, _law(largest, 1 / grid), color=style.GREY, lw=0.8, ls="--", label="point charge"
    )
    for key, label, marker, colour in KINDS:
        values = [r[key] for r in rows]
        if any(math.isfinite(v) for v in values):
            axis.plot(1 / lengths, values, marker, color=colour, label=label, ms=6)
    for length, r in zip(lengths, rows):
        count = axis.annotate(
            f"{r['atoms']} ", (1 / length, 0.99), xycoords=("data", "axes fraction"), ha="center",
            va="top", size=8, color=style.GREY,
        )  # fmt: skip
        style.optional(count, r["atoms"])
    axis.annotate("atoms", (0.01, 0.99), xycoords="axes fraction", va="top", color=style.GREY)
    axis.axhspan(0, -0.2, color=style.GREY, alpha=0.35, lw=0)
    axis.axhspan(rows[0]["gap_eV"], rows[0]["gap_eV"] + 0.4, color=style.GREY, alpha=0.35, lw=0)
    axis.set(xlim=(0, grid[-1]), ylim=(-0.2, rows[0]["gap_eV"] + 0.4), title=level_label(rows[0]))
    axis.set(xlabel="1/L (1/Å)", ylabel="level above the VBM (eV)")
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 0.12))


def _law(row: Mapping[str, Any], lengths: Any) -> Any:
    """What a point charge in a cubic cell does to the level that the largest cell gives."""
    upper, lower = row["q_from"], row["q_to"]
    shift = [
        madelung_cubic(v, row["epsilon"], upper) - madelung_cubic(v, row["epsilon"], lower)
        for v in lengths
    ]
    return row["corrected_eV"] + np.array(shift) / (upper - lower)
