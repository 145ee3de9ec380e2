"""What stands beside each figure: a PDF and the drawn numbers, which are those that were given."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from defectra.figures import style
from defectra.figures.drawn import COLUMNS, drawn

X, Y = [1.0, 2.0, 4.0], [0.5, -1.0, 3.0]


def axes_of(columns=1):
    figure, axes = style.canvas(1, columns, (3.0, 2.0))
    return figure, axes[0]


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == kind]


def xy(rows):
    return [(row["x"], row["y"]) for row in rows]


def test_lines_and_points_keep_number_name_and_panel():
    figure, (left, right) = axes_of(2)
    left.plot(X, Y, label="ours")
    left.set(title="Ni  K", xlabel="energy (eV)", ylabel="mu")
    right.plot(X, Y, "o")
    right.scatter(X, Y, c=[7, 8, 9], label="theirs")
    rows = drawn(figure)
    line = of_kind(rows, "line")
    assert xy(line) == list(zip(X, Y))
    assert {(r["panel"], r["series"], r["title"], r["x_label"]) for r in line} == {
        (1, "ours", "Ni K", "energy (eV)")
    }
    points = of_kind(rows, "points")
    assert xy(points) == 2 * list(zip(X, Y))
    assert [r["value"] for r in points if r["series"] == "theirs"] == [7, 8, 9]
    assert {r["panel"] for r in points} == {2}


@pytest.mark.parametrize("is_flat", [True, False])
def test_bars_end_where_they_were_told_and_keep_their_names(is_flat):
    figure, (axes,) = axes_of()
    names, values = ["Co K", "O K"], [0.25, 0.5]
    if is_flat:
        axes.barh(names, values, label="rmse")
    else:
        axes.bar([0, 1], values, label="rmse")
        axes.set_xticks([0, 1], names)
    rows = of_kind(drawn(figure), "bars")
    value, name = ("x", "y_name") if is_flat else ("y", "x_name")
    assert [(r[name], r[value], r["series"]) for r in rows] == [
        ("Co K", 0.25, "rmse"),
        ("O K", 0.5, "rmse"),
    ]


def test_error_bars_areas_and_lines_across():
    figure, (axes,) = axes_of()
    axes.errorbar([1.0], [2.0], yerr=[[0.5], [1.0]], fmt="o", label="mean")
    axes.fill_between(X, np.subtract(Y, 1), np.add(Y, 1), label="spread")
    axes.axvline(3.0)
    axes.axhline(0.25)
    rows = drawn(figure)
    assert sorted(xy(of_kind(rows, "range"))) == [(1.0, 1.5), (1.0, 3.0)]
    assert {r["series"] for r in of_kind(rows, "range")} == {"mean"}
    assert {(x, y - 1) for x, y in zip(X, Y)} <= set(xy(of_kind(rows, "area")))
    across = of_kind(rows, "line")
    assert {r["x"] for r in across if np.isnan(r["y"])} == {3.0}
    assert {r["y"] for r in across if np.isnan(r["x"])} == {0.25}


@pytest.mark.parametrize("origin", ["upper", "lower"])
def test_image_and_mesh_give_each_value_at_its_place(origin):
    values = np.arange(6.0).reshape(2, 3)
    figure, (axes, other) = axes_of(2)
    axes.imshow(values, origin=origin)
    other.pcolormesh([0, 1, 2, 3], [0, 1, 2], values)
    rows = of_kind(drawn(figure), "image")
    for panel, shift in ((1, 0.0), (2, 0.5)):
        found = {(r["x"], r["y"]): r["value"] for r in rows if r["panel"] == panel}
        assert found == {(j + shift, i + shift): values[i, j] for i in range(2) for j in range(3)}


def test_colour_bars_arrows_and_text_are_no_data():
    figure, (axes,) = axes_of()
    shown = axes.scatter(X, Y, c=Y)
    figure.colorbar(shown, ax=axes)
    axes.text(0.5, 0.5, "words", transform=axes.transAxes)
    axes.axvspan(1, 2)
    rows = drawn(figure)
    assert {r["panel"] for r in rows} == {1}
    assert len(of_kind(rows, "points")) == len(X)


def written(folder):
    figure, (axes,) = axes_of()
    axes.scatter(X, Y)
    style.save(figure, folder / "study" / "figures" / "gap.png")
    return {path.suffix: path.read_bytes() for path in (folder / "study" / "figures").iterdir()}


def test_three_files_of_equal_bytes_each_time(tmp_path):
    files = written(tmp_path / "a")
    assert files == written(tmp_path / "b")
    assert set(files) == {".png", ".pdf", ".csv"}
    assert files[".pdf"].startswith(b"%PDF")
    assert b"study: gap" in files[".pdf"]
    rows = list(csv.DictReader(files[".csv"].decode().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [(float(r["x"]), float(r["y"])) for r in rows] == list(zip(X, Y))


def test_labels_that_cover_a_higher_one_are_left_out(tmp_path):
    figure, (axes,) = axes_of()
    labels = [axes.text(0.5, y, "label", fontsize=8) for y in (0.50, 0.51, 0.9)]
    plain = axes.text(0.5, 0.5, "not asked")
    for label, rank in zip(labels, (1.0, 2.0, 0.5)):
        style.optional(label, rank)
    style.save(figure, tmp_path / "a.png")
    assert [label.get_visible() for label in labels] == [False, True, True]
    assert plain.get_visible()
