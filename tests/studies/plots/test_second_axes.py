"""Numbers above the frame and at its corner: of a second axis, of both axes, or of none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

pytest.importorskip("cv2", reason="make instruments")
from defectra.core.errors import DataError
from defectra.images.digitise.box import find_box
from defectra.images.digitise.picture import Picture, picture
from defectra.images.digitise.read import digitise
from defectra.images.digitise.ticks import given_scale, scale_of
from defectra.images.digitise.upper_axis import refuse_upper_axis
from defectra.images.digitise.words import as_written, words_beside

pytestmark = pytest.mark.skipif(shutil.which("tesseract") is None, reason="no tesseract on PATH")
LEFT, RIGHT = 79.5, 575.5  # columns of the spines that matplotlib gives a figure of 640 pixels
LOWER = given_scale([(LEFT, 8300.0), (RIGHT, 8400.0)], is_log=False, axis="x")


def made(change: Callable[[Any], Any]) -> Picture:
    """A line from 8300 to 8400, changed."""
    figure = Figure((6.4, 4.8), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    x = np.linspace(8300, 8400, 200)
    axes.plot(x, 0.2 + 1 / (1 + np.exp((8340 - x) / 2)), label="100")
    axes.set(xlim=(8300, 8400), ylim=(0, 1.4))
    change(axes)
    canvas.draw()
    return picture(np.array(canvas.buffer_rgba())[:, :, :3])


def to_wavelength(energy: Any) -> Any:
    """Wavelength of light (pm) from its energy (eV), and back."""
    return 1.2398e6 / np.maximum(energy, 1.0)


def other_unit(axes: Any) -> None:
    axes.secondary_xaxis("top", functions=(to_wavelength, to_wavelength)).set_xlabel("pm")


def shifted(axes: Any) -> None:
    axes.secondary_xaxis("top", functions=(lambda e: e - 8333, lambda d: d + 8333))


def own_lines(axes: Any) -> None:
    other = axes.twiny()
    other.set_xlim(1.6, 0.2)
    axes.set_title("Two samples")


def marks_inside(axes: Any) -> None:
    axes.tick_params(direction="in")
    axes.twiny().tick_params(direction="in")


@pytest.mark.parametrize("change", [other_unit, shifted, own_lines, marks_inside])
def test_other_numbers_above_the_frame_are_refused(change: Callable[[Any], Any]) -> None:
    image = made(change)
    with pytest.raises(DataError, match=r"a second x axis.*--x \d+\.\d=8"):
        refuse_upper_axis(image, find_box(image), LOWER)


def marks_alone(axes: Any) -> None:
    axes.tick_params(top=True, right=True, direction="in")


def same_numbers(axes: Any) -> None:
    axes.tick_params(top=True, labeltop=True)


def title(axes: Any) -> None:
    axes.set_title("Samples 1, 2 and 3 of 2024, measured at 300 K and 8333 eV", size=13)


def years(axes: Any) -> None:
    axes.set_title("2021            2019            2024", size=16)


def legend_above(axes: Any) -> None:
    for k in (2, 3):
        axes.plot([8300, 8400], [0.1 * k, 0.2 * k], label=f"{100 * k}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3, columnspacing=6)


@pytest.mark.parametrize("change", [marks_alone, same_numbers, title, years, legend_above])
def test_what_else_stands_above_the_frame_is_no_axis(change: Callable[[Any], Any]) -> None:
    found = digitise(made(change), y=[(400.0, 0.0), (60.0, 1.0)])
    ends = [float(found.x.value(pixel)) for pixel in (LEFT, RIGHT)]
    assert ends == pytest.approx([8300.0, 8400.0], abs=0.5)


def test_who_gives_points_has_chosen_an_axis() -> None:
    image = made(own_lines)
    with pytest.raises(DataError, match="a second x axis"):
        digitise(image, y=[(400.0, 0.0), (60.0, 1.0)])
    points = [(LEFT, 1.6), (RIGHT, 0.2)]
    found = digitise(image, points, [(400.0, 0.0), (60.0, 1.0)])
    assert float(found.x.value(RIGHT)) == pytest.approx(0.2)


def negative_to_the_corner(axes: Any) -> None:
    """The point of the lowest number stands below the spine by itself, apart from its digits."""
    ticks = np.arange(-0.6, 1.5, 0.4)
    axes.set_ylim(-0.6, 1.4)
    axes.set_yticks(ticks, [f"{t:.1f}".replace(".", ",") for t in ticks])


def zero_of_both(axes: Any) -> None:
    axes.set_xticks([8320, 8340, 8360, 8380, 8400])
    axes.set_yticks([0.4, 0.8, 1.2])
    axes.annotate("0", (0, 0), xycoords="axes fraction", xytext=(-3, -1.5),
                  textcoords="offset points", ha="right", va="top")  # fmt: skip


@pytest.mark.parametrize(("change", "numbers"), [(negative_to_the_corner, 6), (zero_of_both, 5)])
def test_a_number_at_the_corner_does_not_hide_those_of_the_x_axis(
    change: Callable[[Any], Any], numbers: int
) -> None:
    image = made(change)
    scale = scale_of(image, find_box(image), "x")
    assert (scale.labels, scale.read) == (numbers, numbers)
    np.testing.assert_allclose(scale.value(np.array([LEFT, RIGHT])), [8300, 8400], atol=0.5)


def test_a_coloured_line_on_a_spine_does_not_cut_the_frame() -> None:
    """It lies on the lower spine for a third of it, and leaves through the right one."""

    def covered(axes: Any) -> None:
        axes.clear()
        x = [8300, 8333, 8380, 8400]
        axes.plot(x, [0, 0, 1, 1], "r", lw=3, zorder=9, clip_on=False)
        axes.set(xlim=(8300, 8400), ylim=(0, 1.4))

    bare, box = find_box(made(lambda axes: None)), find_box(made(covered))
    np.testing.assert_allclose(box.sides, bare.sides, atol=0.6)
    assert box.seen == bare.seen == ("left", "top", "right", "bottom")


def test_a_minus_is_what_the_picture_shows() -> None:
    """Tesseract reads dashes beside letters of other fonts, and may miss one that is there."""

    def negative(axes: Any) -> None:
        axes.set_ylim(-1.2, 1.2)
        axes.set_yticks([-1, -0.5, 0.5, 1], ["−1.0", "−0.5", "0.5", "1.0"])

    image = made(negative)
    words, _ = words_beside(image, find_box(image), "y")
    texts = ("--1.0-", "0.5", "05", "-1.0")  # from the top: 1.0, 0.5, -0.5, -1.0
    found = [as_written(text, word.picture) for text, word in zip(texts, words, strict=True)]
    assert found == ["1.0", "0.5", "-0.5", "-1.0"]
