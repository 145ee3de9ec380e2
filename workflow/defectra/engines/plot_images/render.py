"""Line plots with known axes and lines, as matplotlib draws them.

Rules of the plots follow Plot2Spectra (arXiv:2107.02827): stacked lines, widths 1 to 4, one colour
for all lines in most plots, noise or blur in half of them, spines that are left out, words and
vertical lines that distract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COLOURS = ("red", "green", "blue", "black")
SIZE_IN = (6.4, 4.8)  # inches
SAME_COLOUR, ROUGH, NO_SPINE, WORDS, MARKERS = 0.7, 0.5, 0.25, 0.3, 0.2  # probabilities
_WORDS = ("pristine", "charged", "calc.", "exp.", "peak A", "edge", "sample 2", "x = 0.5")


def random_curves(rng: np.random.Generator, count: int) -> list[tuple[Floats, Floats]]:
    """Lines by the authors' rules: polynomials of order 1 to 29, scaled to 0…1, stacked.

    Returns
    -------
    x (0 to 1) and y of each line; line i is shifted by i + U(0, 1).
    """
    points = int(rng.choice([10, 50, 100]))
    x = np.linspace(0, 1, points)
    out = []
    for k in range(count):
        order = int(rng.integers(1, 30))
        y = np.polynomial.chebyshev.chebval(2 * x - 1, rng.normal(size=order + 1))
        y = (y - y.min()) / max(float(np.ptp(y)), 1e-9)
        out.append((x, y + k + rng.uniform(0, 1)))
    return out


def render(asked: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Draw plots.

    Parameters
    ----------
    asked
        ``seed``, ``count`` (plots), ``lines`` (of each), ``dpi``; ``curves``: for each plot
        a list of [x, y] of its lines, or None for :func:`random_curves`.

    Returns
    -------
    ``image`` (n, h, w, 3) uint8; ``box`` (n, 4): left, top, right, bottom of the axes, pixels;
    ``line`` (n, lines, w): y of each line in each column, pixels from the top, NaN where it is
    not; ``x_scale``, ``y_scale`` (n, 2): value = a + b × pixel; ``style`` (n, 3): one colour,
    noise or blur, complete spines.
    """
    found = [
        _plot(np.random.default_rng([asked["seed"], k]), asked, None if c is None else c[k])
        for c in [asked["curves"]]
        for k in range(asked["count"])
    ]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def _plot(
    rng: np.random.Generator, asked: Mapping[str, Any], curves: Sequence[Any] | None
) -> dict[str, NDArray[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = (
        random_curves(rng, asked["lines"])
        if curves is None
        else [(np.array(x, float), np.array(y, float)) for x, y in curves]
    )
    lines = _with_units(rng, lines) if curves is None else lines
    figure = Figure(SIZE_IN, dpi=asked["dpi"])
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.16, 0.8, 0.76))
    one_colour = bool(rng.random() < SAME_COLOUR)
    _draw(rng, axes, lines, one_colour)
    spines = _distract(rng, axes)
    canvas.draw()
    image = np.array(canvas.buffer_rgba())[:, :, :3]
    rough = bool(rng.random() < ROUGH)
    if rough:
        image = _roughened(rng, image)
    style = np.array([one_colour, rough, spines], np.uint8)
    return {"image": image, "style": style, **_truth(axes, lines, image.shape)}


def _with_units(
    rng: np.random.Generator, lines: list[tuple[Floats, Floats]]
) -> list[tuple[Floats, Floats]]:
    """The same lines on an energy axis (eV)."""
    start, width = rng.uniform(100, 9000), rng.uniform(20, 200)
    return [(start + width * x, y) for x, y in lines]


def _draw(
    rng: np.random.Generator, axes: Any, lines: Sequence[tuple[Floats, Floats]], one_colour: bool
) -> None:
    width = float(rng.integers(1, 5))
    first = str(rng.choice(COLOURS))
    for k, (x, y) in enumerate(lines):
        colour = first if one_colour else COLOURS[k % len(COLOURS)]
        axes.plot(x, y, color=colour, lw=width)
    axes.set_xlabel("Energy (eV)")
    axes.set_ylabel(str(rng.choice(["Intensity (arb. units)", "Absorption", "Normalised mu"])))


def _distract(rng: np.random.Generator, axes: Any) -> bool:
    """Leave out spines, add words and vertical lines; True if all spines are there."""
    complete = True
    for side in ("top", "right"):
        if rng.random() < NO_SPINE:
            axes.spines[side].set_visible(False)
            complete = False
    axes.tick_params(direction=str(rng.choice(["in", "out"])))
    if rng.random() < WORDS:
        for _ in range(int(rng.integers(1, 4))):
            axes.text(*rng.uniform(0.05, 0.8, 2), str(rng.choice(_WORDS)), transform=axes.transAxes)
    if rng.random() < MARKERS:
        low, high = axes.get_xlim()
        axes.axvline(rng.uniform(low, high), color="grey", lw=0.8, ls="--")
        axes.set_xlim(low, high)
    return complete


def _roughened(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Noise or blur."""
    from scipy.ndimage import gaussian_filter

    rough = image.astype(float)
    if rng.random() < 0.5:
        rough += rng.normal(0, rng.uniform(2, 10), image.shape)
    else:
        rough = gaussian_filter(rough, (*[rng.uniform(0.3, 0.8)] * 2, 0))
    return np.clip(rough, 0, 255).astype(np.uint8)


def _truth(
    axes: Any, lines: Sequence[tuple[Floats, Floats]], shape: tuple[int, ...]
) -> dict[str, NDArray[Any]]:
    """Axes and lines in pixels: the middle of the pixel in column c is at c."""
    height, width = shape[:2]
    transform = axes.transData

    def pixel(x: Any, y: Any) -> tuple[Floats, Floats]:
        at = transform.transform(np.column_stack([x, y]))
        return at[:, 0] - 0.5, height - at[:, 1] - 0.5

    columns = np.arange(width, dtype=float)
    line = np.full((len(lines), width), np.nan, np.float32)
    for k, (x, y) in enumerate(lines):
        px, py = pixel(x, y)
        line[k] = np.interp(columns, px, py, left=np.nan, right=np.nan)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    (x0, x1), (y0, y1) = pixel([left, right], [bottom, top])
    slope = (right - left) / (x1 - x0), (top - bottom) / (y1 - y0)
    return {
        "line": line,
        "box": np.array([x0, y1, x1, y0]),
        "x_scale": np.array([left - slope[0] * x0, slope[0]]),
        "y_scale": np.array([bottom - slope[1] * y0, slope[1]]),
    }
