"""Figures of the screen: the funnel, and maps that a chemist can read compound by compound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm

from defectra.figures import style
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, EIGHTHS, X_IONS
from defectra.studies.perovskites.figures.models import LABELS
from defectra.studies.perovskites.settings import Screen
from defectra.studies.perovskites.tables import SCREEN_UNITS

Rows = Iterable[Mapping[str, Any]]
Cell = Callable[[Mapping[str, Any], bool], float]
_FRAMES = {"published": "references as published", "consistent": "references corrected"}


@style.styled()
def plot_funnel(funnel: Rows, screen: Screen, path: str | Path) -> None:
    """Compounds left after each criterion, in both frames of reference."""
    rows = list(funnel)
    figure, axes = style.canvas(1, 1, (8.6, 3.8))
    axis = axes[0, 0]
    steps = list(dict.fromkeys(r["step"] for r in rows))
    colours = (style.BLUE, style.ORANGE)
    for (frame, label), offset, colour in zip(_FRAMES.items(), (-0.19, 0.19), colours):
        own = [r for r in rows if r["references"] == frame]
        left = [max(r["left"], 0.8) for r in own]
        axis.barh(np.arange(len(own)) + offset, left, 0.36, color=colour, label=label)
        for y, row in enumerate(own):
            spot, text = (max(row["left"], 1) * 1.08, y + offset), f"{row['left']:,.0f}"
            axis.text(*spot, text, va="center", fontsize=8)
    names = {r["step"]: _window(r) for r in rows}
    axis.set_yticks(range(len(steps)), [names[s] for s in steps])
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel=f"compounds left at joint probability ≥ {screen.probability:g}")
    axis.set_xlim(0.8, 6e4)
    axis.legend(loc="lower right")
    style.save(figure, path)


def _window(row: Mapping[str, Any]) -> str:
    if not row["target"]:
        return "all compounds"
    low, high = row["low"], row["high"]
    label, unit = LABELS[row["target"]], f" {SCREEN_UNITS[row['target']]}".rstrip()
    if not np.isfinite(high):
        window = f"{label} > {low:g}{unit}"
    else:
        window = f"{low:g} < {label}" if np.isfinite(low) else label
        window += f" < {high:g}{unit}"
    return f"{row['step']}\n{window}"


@style.styled()
def plot_gap(rows: Rows, path: str | Path) -> None:
    """HSE gap of every pure compound (diagonal) and 1:1 mixture of two B cations."""
    scale = ScalarMappable(Normalize(0.5, 6.5), mpl.colormaps["viridis_r"])
    title = "HSE gap without spin-orbit coupling (eV): diagonal pure, off it 1:1 mixtures on B"
    _grid(rows, lambda row, _: float(row["gap_HSE"]), scale, title, path, mirrored=False)


@style.styled()
def plot_stability(rows: Rows, path: str | Path) -> None:
    """HSE decomposition energy: as published below the diagonal, corrected on and above it."""
    scale = ScalarMappable(TwoSlopeNorm(0.0, -1.5, 3.0), mpl.colormaps["RdBu_r"])
    title = (
        "HSE decomposition energy (eV for each formula unit; blue: stable)\n"
        "below the diagonal as published, on and above it with consistent references"
    )

    def cell(row: Mapping[str, Any], below: bool) -> float:
        return float(row["decomposition_HSE" if below else "decomposition_consistent"])

    _grid(rows, cell, scale, title, path, mirrored=True)


def _grid(
    rows: Rows, cell: Cell, scale: ScalarMappable, title: str, path: str | Path, *, mirrored: bool
) -> None:
    found = {(tuple(r["a"]), tuple(r["b"]), tuple(r["x"])): r for r in rows}
    figure, axes = style.canvas(len(A_IONS), len(X_IONS), (9.5, 13.5))
    for n, line in enumerate(axes):
        for k, axis in enumerate(line):
            a, x = _whole(n, len(A_IONS)), _whole(k, len(X_IONS))
            own = {b: r for (one, b, other), r in found.items() if one == a and other == x}
            _panel(axis, own, cell, scale, mirrored=mirrored)
            axis.set_title(f"{A_IONS[n]} B {X_IONS[k]}$_3$")
    figure.colorbar(scale, ax=axes, shrink=0.4, aspect=40, pad=0.01)
    figure.suptitle(title, fontsize=10)
    style.save(figure, path)


def _panel(
    axis: Axes,
    rows: Mapping[tuple[int, ...], Mapping[str, Any]],
    cell: Cell,
    scale: ScalarMappable,
    *,
    mirrored: bool,
) -> None:
    size = len(B_IONS)
    values = np.full((size, size), np.nan)
    for i in range(size):
        for j in range(size):
            row = rows.get(_pair(i, j))
            if row is not None and (j <= i or mirrored):
                values[i, j] = cell(row, j < i)
    axis.imshow(scale.to_rgba(np.ma.masked_invalid(values)))
    for i, j in zip(*np.nonzero(np.isfinite(values))):
        red, green, blue, _ = scale.to_rgba(values[i, j])
        dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
        axis.text(j, i, f"{values[i, j]:.1f}", ha="center", va="center", fontsize=7,
                  color="white" if dark else style.BLACK)  # fmt: skip
    axis.set_xticks(range(size), B_IONS)
    axis.set_yticks(range(size), B_IONS)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _whole(index: int, length: int) -> tuple[int, ...]:
    return tuple(EIGHTHS * (index == n) for n in range(length))


def _pair(i: int, j: int) -> tuple[int, ...]:
    counts: Sequence[int] = [EIGHTHS // 2 * ((n == i) + (n == j)) for n in range(len(B_IONS))]
    return tuple(counts)
