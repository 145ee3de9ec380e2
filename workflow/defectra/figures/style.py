"""Look of every figure: sizes, colours that colour-blind readers can tell apart, safe saving."""

from __future__ import annotations

import functools
import inspect
import sys
import textwrap
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

from defectra.core.csvs import write_csv
from defectra.core.errors import DefectraError
from defectra.core.store import replacing
from defectra.figures.drawn import COLUMNS, drawn
from defectra.figures.legends import free_legends

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY, BLACK = "#CC79A7", "#56B4E9", "#707070", "#222222"
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
    "pdf.fonttype": 42,  # text stays text
}
DPI = 180
_OPTIONAL = "~"  # begins the mark of a label, then its rank
MANY = 5000  # corners or points of one mark


_UNDRAWABLE = (ValueError, LookupError, ArithmeticError, TypeError, RuntimeError, DefectraError)


class FigureWarning(UserWarning):
    """A figure could not be drawn from its rows; its file says so."""


def styled() -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator of a function that draws into `path`: the look of this module, always a file.

    Rows that it cannot draw do not take the report with them: the file then says why, the log has
    the traceback.
    """

    def decorate(draw: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(draw)

        @functools.wraps(draw)
        def safely(*args: Any, **options: Any) -> None:
            path = signature.bind(*args, **options).arguments["path"]
            with mpl.rc_context(_RC):
                try:
                    draw(*args, **options)
                except _UNDRAWABLE as error:
                    traceback.print_exc(file=sys.stderr)
                    _apologise(f"{type(error).__name__}: {error}", path)

        return safely

    return decorate


def _apologise(why: str, path: str | Path) -> None:
    """A figure that says why there is none."""
    figure, axes = canvas(1, 1, (6.4, 3.0))
    text = textwrap.fill(f"this figure cannot be drawn: {why}", 60)
    say(axes[0, 0], text.replace("$", r"\$"))
    save(figure, path)
    warnings.warn(f"{path}: cannot be drawn ({why})", FigureWarning, stacklevel=3)


def finite(*columns: ArrayLike) -> bool:
    """Whether there is a number to draw: some row in which all columns are finite."""
    values = np.broadcast_arrays(*(np.asarray(c, float) for c in columns))
    return bool(np.isfinite(values).all(axis=0).any())


def bars(value: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Lengths of error bars down and up, shape (2, n): rounding makes none negative.

    An end that is not known stays NaN: no bar and no cap is drawn, so that it does not look exact.
    """
    middle = np.asarray(value, float)
    ends = [middle - np.asarray(low, float), np.asarray(high, float) - middle]
    return np.asarray(np.clip(ends, 0, None), float)


def limits(*values: ArrayLike, pad: float = 0.06) -> tuple[float, float]:
    """Ends of an axis about all finite values; equal ones get some room, none give 0 to 1."""
    known = np.concatenate([np.ravel(np.asarray(v, float)) for v in values] or [np.empty(0)])
    known = known[np.isfinite(known)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    room = pad * (high - low) or pad * max(abs(high), 1.0)
    return low - room, high + room


def canvas(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> tuple[Figure, Any]:
    """Figure of `size` inches and an array of axes, shape (rows, columns)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, and beside it as PDF, and what it shows as csv.

    Each atomically and without the date, so that the same data give the same bytes. The folder
    ``<study>/figures`` gives the PDF its title. Marks in great numbers are pixels in the PDF, too.
    """
    path = Path(path)
    save_picture(figure, path)
    figure.set_layout_engine("none")  # laid out by now
    for axes in figure.axes:
        for marks in axes.collections:
            marks.set_rasterized(_count(marks) > MANY)
    title = f"{path.parent.parent.name}: {path.stem.replace('_', ' ')}"
    made: Any = {"Title": title, "CreationDate": None, "Producer": None, "Creator": "Defectra"}
    with replacing(path.with_suffix(".pdf")) as temporary:
        figure.savefig(temporary, format="pdf", dpi=DPI, metadata=made)
    write_csv(path.with_suffix(".csv"), drawn(figure), list(COLUMNS))


def save_picture(figure: Figure, path: str | Path) -> None:
    """Write the PNG alone, for pages whose numbers lie elsewhere.

    A legend that would lie over data is put below its panel.
    """
    free_legends(figure)
    _leave_out_covered(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def optional(label: Text, rank: float) -> None:
    """Mark a label that is left out if it would cover one of a higher rank."""
    label.set_gid(f"{_OPTIONAL}{rank:g}")


def _leave_out_covered(figure: Figure) -> None:
    """Hide each optional label that covers one of a higher rank, as they lie in the end."""
    ranks = {t: str(t.get_gid() or "") for t in figure.findobj(Text)}
    labels = [t for t, rank in ranks.items() if isinstance(t, Text) and rank[:1] == _OPTIONAL]
    if not labels:
        return
    figure.draw_without_rendering()
    kept: list[Any] = []
    for label in sorted(labels, key=lambda t: -float(ranks[t].removeprefix(_OPTIONAL))):
        box = label.get_window_extent()
        label.set_visible(not any(box.overlaps(other) for other in kept))
        kept += [box] if label.get_visible() else []


def _count(marks: Collection) -> int:
    """Corners or points of a collection."""
    corners = [len(np.asarray(outline.vertices)) for outline in marks.get_paths()]
    return max(sum(corners), len(np.atleast_1d(np.asarray(marks.get_offsets()))))


def say(axes: Axes, text: str) -> None:
    """An empty panel that says why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)
