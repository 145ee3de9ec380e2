"""Figures that nobody prepared: read with the right scale, or refused; never read wrongly."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from defectra.core.errors import DataError
from defectra.engines.plot_images.render import render
from defectra.images.digitise.box import find_box
from defectra.images.digitise.picture import picture
from defectra.images.digitise.read import Digitised, digitise
from defectra.images.digitise.templates import sequence
from defectra.images.digitise.ticks import scale_of
from defectra.images.digitise.words import as_written, words_beside

pytest.importorskip("cv2", reason="make instruments")
needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="no tesseract on PATH"
)
X = np.linspace(8300.0, 8400.0, 200)
Y = 1 / (1 + np.exp(-(X - 8340) / 2)) + 0.3 * np.exp(-((X - 8350) ** 2) / 20)


def drawn(draw: Callable[[Figure], Any], dpi: int = 100) -> np.ndarray:
    """Pixels of a figure."""
    figure = Figure((6.4, 4.8), dpi=dpi)
    canvas = FigureCanvasAgg(figure)
    draw(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[:, :, :3]


def plain(figure: Figure) -> Any:
    axes = figure.add_subplot()
    axes.plot(X, Y, label="sample")
    return axes


def close_title(figure: Figure) -> None:
    plain(figure).set_ylabel("Intensity (a.u.)", labelpad=2)


def with_grid(figure: Figure) -> None:
    plain(figure).grid(True, color="black")


def with_inset(figure: Figure) -> None:
    inside = plain(figure).inset_axes((0.55, 0.15, 0.4, 0.4))
    inside.plot(X, Y)
    inside.set_xlim(8335, 8345)


def with_legend(figure: Figure) -> None:
    axes = plain(figure)
    axes.legend(loc=(0.3, 0.6), framealpha=1, edgecolor="black", fancybox=False)


def inverted(figure: Figure) -> None:
    plain(figure).invert_xaxis()


def decades(figure: Figure) -> None:
    axes = figure.add_subplot()
    axes.semilogy(X, 10 ** (3 * Y))
    axes.set_yticks([1, 10, 100, 1000, 10000], ["1", "10", "100", "1000", "10000"])


def read_of(draw: Callable[[Figure], Any]) -> tuple[Digitised, np.ndarray]:
    found = digitise(picture(drawn(draw)))
    assert len(found.lines) == 1
    x, y, _, _ = found.values(found.lines[0])
    return found, np.array([x, y])


@needs_tesseract
@pytest.mark.parametrize("draw", [plain, with_grid, with_inset, with_legend, inverted, close_title])
def test_what_lies_beside_a_line_does_not_change_it(draw: Callable[[Figure], Any]) -> None:
    """Grid, inset and legend are no lines; behind them the line is bridged."""
    _, (x, y) = read_of(draw)
    flat = (np.abs(np.gradient(np.interp(x, X, Y), x)) < 0.02) | (x > 8360)
    assert flat.sum() > 150
    np.testing.assert_allclose(y[flat], np.interp(x, X, Y)[flat], atol=0.03)
    assert x.min() == pytest.approx(8300, abs=1)
    assert x.max() == pytest.approx(8400, abs=1)


@needs_tesseract
def test_tick_marks_of_a_large_picture_are_no_numbers() -> None:
    found = picture(drawn(plain, 300))
    box = find_box(found)
    for axis, data, sides in (("x", X, ("left", "right")), ("y", Y, ("bottom", "top"))):
        scale = scale_of(found, box, axis)
        ends = [float(scale.value(getattr(box, side))) for side in sides]
        room = 0.05 * np.ptp(data)  # that matplotlib leaves on each side
        truth = [data.min() - room, data.max() + room]
        np.testing.assert_allclose(ends, truth, atol=0.005 * np.ptp(data))


@needs_tesseract
def test_decades_in_plain_numbers_are_logarithmic() -> None:
    found, (x, y) = read_of(decades)
    assert found.y.is_log
    np.testing.assert_allclose(np.log10(y[-100:]), 3 * np.interp(x, X, Y)[-100:], atol=0.05)


def stacked(figure: Figure) -> None:
    for axes in figure.subplots(2, 1):
        axes.plot(X, Y)


def beside(figure: Figure) -> None:
    for axes in figure.subplots(1, 2):
        axes.plot(X, Y)


def broken(figure: Figure) -> None:
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.05})
    for axes, limits in ((left, (8300, 8320)), (right, (8370, 8400))):
        axes.plot(X, Y)
        axes.set_xlim(limits)
    left.spines.right.set_visible(False)
    right.spines.left.set_visible(False)
    right.tick_params(left=False)


def twofold(figure: Figure) -> None:
    plain(figure).twinx().plot(X, 100 * Y**2, "r")


def offset(figure: Figure) -> None:
    figure.add_subplot().plot(np.linspace(833000, 833002, len(X)), Y)


def factor(figure: Figure) -> None:
    figure.add_subplot().plot(X, 1e7 * Y)


def powers(figure: Figure) -> None:
    figure.add_subplot().semilogy(X, Y + 0.01)


def bars(figure: Figure) -> None:
    figure.add_subplot().bar(range(8), range(1, 9))


def negative_powers(figure: Figure) -> None:
    figure.add_subplot().semilogy(X, 10 ** (-2 - 4 * Y))


def names(figure: Figure) -> None:
    figure.add_subplot().plot(["Ni", "Mn", "Co", "Li"], [1, 3, 2, 4])


def heat_map(figure: Figure) -> None:
    axes = figure.add_subplot()
    axes.imshow(np.add.outer(np.sin(np.arange(50) / 5), np.cos(np.arange(60) / 7)))


def labelled(values: list[float], words: list[str], axis: str = "x") -> Callable[[Figure], None]:
    """A plot whose ticks have other words than their values."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(np.linspace(0, 6, 200), np.linspace(0, 6, 200) ** 2 / 6)
        (axes.set_xticks if axis == "x" else axes.set_yticks)(values, words)

    return draw


def factor_far_above(figure: Figure) -> None:
    figure.add_subplot().plot(X, 2 * Y)
    figure.text(0.13, 0.955, r"$\times10^3$", fontsize=9)


def with_error_bars(figure: Figure) -> None:
    figure.add_subplot().errorbar(X[::6], Y[::6], 0.05, fmt="o-", ms=3, capsize=2)


def histogram(figure: Figure) -> None:
    figure.add_subplot().hist(np.random.default_rng(0).normal(size=500), bins=20)


def picture_inside(figure: Figure) -> None:
    inside = plain(figure).inset_axes((0.6, 0.15, 0.3, 0.4))
    inside.imshow(np.random.default_rng(0).random((30, 30)), cmap="gray")
    inside.set_axis_off()


EVEN = [0.0, 1, 2, 3, 4, 5]


def page(figure: Figure) -> None:
    figure.text(0.05, 0.05, "\n".join(["peaks at 8340 and 12.5 eV in all of the samples"] * 20))


@needs_tesseract
@pytest.mark.parametrize(
    ("draw", "why"),
    [
        (stacked, "another frame above or below"),
        (beside, "another frame beside"),
        (broken, "another frame beside"),
        (twofold, "a second axis"),
        (offset, "x axis: a factor or an offset"),
        (factor, "y axis: a factor or an offset"),
        (powers, "y axis: its numbers end in raised signs"),
        (negative_powers, "y axis: its numbers end in raised signs"),
        (bars, "filled areas"),
        (names, "no three numbers"),
        (heat_map, "no uniform background"),
        (page, "no frame"),
        (labelled([0, 1, 2, 4, 5, 6], ["0", "10", "20", "100", "110", "120"]), "behind a break"),
        (labelled(EVEN, [f"{k / 2}k" for k in EVEN], "y"), "no three numbers"),
        (labelled(EVEN, [f"{k:.0e}" for k in EVEN], "y"), "y axis"),
        (labelled(EVEN, [f"{8300 + 20 * k:,.0f}" for k in EVEN]), "a comma before three digits"),
        (labelled(EVEN, [f"{2 * k:.0f} 000" for k in EVEN], "y"), "a space between digits"),
        (labelled(EVEN, [f"10:{10 * k:02.0f}" for k in EVEN]), "a colon"),
        (factor_far_above, "y axis: a factor"),
        (with_error_bars, "error bars"),
        (histogram, "filled areas"),
        (picture_inside, "pieces of lines"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(draw: Callable[[Figure], Any], why: str) -> None:
    with pytest.raises(DataError, match=why):
        digitise(picture(drawn(draw)))


def test_small_numbers_are_read_together() -> None:
    """Digits of five pixels, too small for tesseract: even steps, compared with printed digits."""
    plots = render({"seed": 5, "count": 2, "lines": 5, "dpi": 50, "curves": None})
    for image, (a, b) in zip(plots["image"], plots["y_scale"]):
        found = picture(image)
        scale = scale_of(found, find_box(found), "y")
        rows = np.array([20.0, 190.0])
        assert np.abs((scale.value(rows) - (a + b * rows)) / b).max() < 2


def test_small_numbers_that_fall_are_not_read_as_rising() -> None:
    def falling(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(np.linspace(280, 300, 200), Y)
        axes.set_xlim(301, 279)
        axes.set_xticks([300, 295, 290, 285, 280])

    found = picture(drawn(falling, 55))
    box = find_box(found)
    scale = scale_of(found, box, "x", both_ways=True)
    assert float(scale.value(box.left)) == pytest.approx(301, abs=0.3)
    assert float(scale.value(box.right)) == pytest.approx(279, abs=0.3)


def test_small_print_that_is_no_sequence_is_refused() -> None:
    def uneven(figure: Figure) -> None:
        axes = plain(figure)
        axes.set_xticks([8300, 8325, 8350, 8375, 8400], ["8300", "7311", "8904", "1234", "8417"])

    found = picture(drawn(uneven, 50))
    with pytest.raises(DataError, match="no sequence of round steps fits"):
        scale_of(found, find_box(found), "x")
    assert sequence([np.ones((6, 4))] * 2, [0, 1], 6.0) is None, "two words are no sequence"


def test_a_lost_decimal_point_is_put_where_the_picture_has_it() -> None:
    with mpl.rc_context({"axes.formatter.useoffset": False}):
        found = picture(drawn(plain))
    words, letters = words_beside(found, find_box(found), "y")
    assert letters > 9
    texts = [as_written("12", word.picture) for word in words]
    assert set(texts) <= {"1.2", ""}, "in its place or not at all"
    assert 2 * texts.count("1.2") > len(texts)
    assert as_written("123", words[0].picture) == "", "the digits are not those of the picture"
