"""What a reading leaves out, refuses and tells: no value where there is no ink, no line unseen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from defectra.core.errors import DataError
from defectra.images.digitise.picture import picture
from defectra.images.digitise.read import Digitised, digitise

pytest.importorskip("cv2", reason="make instruments")
X = np.linspace(0.0, 10.0, 400)
Y = np.exp(-((X - 3) ** 2)) + 0.5 * np.exp(-((X - 7) ** 2) / 4)
ENDS = {"x": [(80, -1.0), (576, 11.0)], "y": [(427.2, -0.2), (57.6, 1.4)]}  # of the frame below


def read_of(draw: Callable[[Axes], object]) -> Digitised:
    figure = Figure((6.4, 4.8), dpi=100)
    axes = figure.add_subplot()
    axes.set(xlim=(-1, 11), ylim=(-0.2, 1.4))
    draw(axes)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return digitise(picture(np.array(canvas.buffer_rgba())[:, :, :3]), **ENDS)


def plain(axes: Axes) -> None:
    axes.plot(X, Y, "k")


def contours(axes: Axes) -> None:
    plain(axes)
    u, v = np.meshgrid(np.linspace(-1, 11, 80), np.linspace(-0.2, 1.4, 80))
    axes.contour(u, v, np.sin(u / 2) * np.cos(4 * v), levels=3, colors="C1")


def arrow(axes: Axes) -> None:
    plain(axes)
    axes.annotate("", (9.5, 1.2), (0.5, 0.3), arrowprops={"arrowstyle": "->", "color": "C3"})


def open_inset(axes: Axes) -> None:
    plain(axes)
    inside = axes.inset_axes((0.45, 0.55, 0.4, 0.35))
    inside.plot(X, Y)
    inside.spines[["top", "right"]].set_visible(False)


def framed_inset(axes: Axes) -> None:
    plain(axes)
    axes.inset_axes((0.45, 0.2, 0.25, 0.35), xticks=[], yticks=[]).plot(X, 0 * X)


def dashed(axes: Axes) -> None:
    plain(axes)
    axes.plot(X, 1.2 - Y / 3, "k--")


def circles(axes: Axes) -> None:
    axes.plot(X[::14], Y[::14], "ko-", mfc="w", ms=7)


def marks(axes: Axes) -> None:
    plain(axes)
    axes.plot(X[::14], Y[::14] + 0.2, "ks", ms=5)


def loop(axes: Axes) -> None:
    t = np.linspace(0, 2 * np.pi, 400)
    axes.plot(5 + 4 * np.cos(t), 0.6 + 0.5 * np.sin(t), "k")


def pale(axes: Axes) -> None:
    plain(axes)
    axes.plot(X, 1.2 - Y / 3, color="lightgrey")


def crossing(axes: Axes) -> None:
    plain(axes)
    axes.plot(X, 1.2 - Y, "k")


def ends_early(axes: Axes) -> None:
    """The upper of two lines ends; its search for ink goes on along the lower one."""
    plain(axes)
    axes.plot(X[X < 8.5], 0.3 + Y[X < 8.5], "k")


def test_a_plain_line_is_told_nothing_of() -> None:
    found = read_of(plain)
    assert found.remarks() == [[]]
    assert not found.left


@pytest.mark.parametrize(
    ("draw", "why"), [(contours, "closed curves beside"), (open_inset, "an inset; cut it out")]
)
def test_curves_that_are_no_lines_are_refused(draw: Callable[[Axes], object], why: str) -> None:
    with pytest.raises(DataError, match=why):
        read_of(draw)


@pytest.mark.parametrize(
    ("draw", "remark"),
    [
        (arrow, "STRAIGHT"),
        (framed_inset, "IN PIECES"),
        (circles, "LIES ON"),
        (crossing, "MEETS"),
    ],
)
def test_a_line_that_may_be_none_is_told(draw: Callable[[Axes], object], remark: str) -> None:
    assert any(remark in one for line in read_of(draw).remarks() for one in line)


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (dashed, "equal pieces"),
        (marks, "equal pieces"),
        (pale, "pale lines"),
        (framed_inset, "behind a frame"),
    ],
)
def test_ink_on_no_line_is_told(draw: Callable[[Axes], object], what: str) -> None:
    found = read_of(draw)
    assert len(found.lines) == 1
    assert what in found.left


def test_nothing_is_made_up_behind_an_inset() -> None:
    found = read_of(framed_inset)
    x, y, _, _ = found.values(found.lines[0])
    assert not ((x > 4.6) & (x < 7.2)).any(), "the inset lies there"
    np.testing.assert_allclose(y, np.interp(x, X, Y), atol=0.05)
    assert min((x > 7.6).sum(), (x < 4.2).sum()) > 80


def test_a_line_ends_where_its_ink_ends() -> None:
    found = read_of(ends_early)
    upper, lower = (found.values(line) for line in found.lines)
    assert upper[0].max() == pytest.approx(8.5, abs=0.1)
    assert lower[0].max() == pytest.approx(10, abs=0.1)
    np.testing.assert_allclose(upper[1], 0.3 + np.interp(upper[0], X, Y), atol=0.05)


def test_a_single_loop_is_its_two_branches() -> None:
    found = read_of(loop)
    assert len(found.lines) == 2
    for line, sign in zip(found.lines, (1, -1), strict=True):
        x, y, _, _ = found.values(line)
        flat = np.abs(x - 5) < 3
        truth = 0.6 + sign * 0.5 * np.sqrt(1 - ((x[flat] - 5) / 4) ** 2)
        np.testing.assert_allclose(y[flat], truth, atol=0.02)
