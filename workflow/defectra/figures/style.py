"""Look of every figure: sizes, colours that colour-blind readers can tell apart, safe saving."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ContextDecorator
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from defectra.core.store import replacing

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY, BLACK = "#CC79A7", "#56B4E9", "#9A9A9A", "#222222"
TARGET_LABELS = {
    "x_Li": "Li per metal",
    "x_Ni": "Ni share of metals",
    "x_Mn": "Mn share of metals",
    "x_Co": "Co share of metals",
    "vacancy": "oxygen vacancy",
    "antisite": "Li/Ni antisite pair",
}
STATUS_COLOURS: Mapping[str, str] = {"ok": GREEN, "unconverged": ORANGE, "failed": RED}

_RC: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.2,
    "axes.titleweight": "bold",
    "figure.dpi": 100,
}


def styled() -> ContextDecorator:
    """Decorator of a function that draws: the look of this module, and of no other figure."""
    return mpl.rc_context(_RC)


def canvas(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> tuple[Figure, Any]:
    """Figure of `size` inches and an array of axes, shape (rows, columns)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Figure, path: str | Path) -> None:
    """Write a PNG atomically, without the date, so that the same data give the same bytes."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=180, metadata={"Software": None})


def say(axes: Axes, text: str) -> None:
    """An empty panel that tells why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)
