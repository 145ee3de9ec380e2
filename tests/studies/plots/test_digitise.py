"""Frame, axes and lines of plots with known truth; what is no plot is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.core.errors import DataError
from defectra.images.digitise.box import find_box
from defectra.images.digitise.crossings import roughness, untangled
from defectra.images.digitise.lines import colour_masks, trace
from defectra.images.digitise.picture import picture, read_picture
from defectra.images.digitise.read import digitise, lines_of
from defectra.images.digitise.ticks import Label, fit_scale, given_scale
from defectra.images.digitise.words import number

pytest.importorskip("cv2", reason="make instruments")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from defectra.engines.plot_images.render import render
from defectra.studies.plots.reading import METHODS, NEAREST, NEVER, SLOPE, distances, read_plots

tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="no tesseract on PATH")


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """Six plots of three lines."""
    return render({"seed": 11, "count": 4, "lines": 3, "dpi": 100, "curves": None})


def framed(height: int = 200, width: int = 300) -> np.ndarray:
    """A white picture with a frame of one pixel at rows 20, 180 and columns 40, 280."""
    image = np.full((height, width, 3), 255.0)
    image[[20, 180], 40:281] = 0
    image[20:181, [40, 280]] = 0
    return image


def test_the_frame_is_found_to_a_part_of_a_pixel() -> None:
    image = framed()
    box = find_box(picture(image))
    np.testing.assert_allclose(box.sides, [40, 20, 280, 180], atol=0.01)
    image[19, 40:281] = 128  # half of the spine lies one row higher
    assert find_box(picture(image)).top == pytest.approx(20 - 127 / (127 + 255), abs=0.02)


@pytest.mark.parametrize("side", ["top", "right", "left", "bottom"])
def test_a_missing_spine_is_where_the_others_end(side: str) -> None:
    image = framed()
    rows, columns = slice(21, 180), slice(41, 280)
    if side in ("top", "bottom"):
        image[20 if side == "top" else 180, columns] = 255
    else:
        image[rows, 40 if side == "left" else 280] = 255
    box = find_box(picture(image))
    assert side not in box.seen
    np.testing.assert_allclose(box.sides, [40, 20, 280, 180], atol=1.01)


def test_frames_of_drawn_plots(drawn: dict[str, np.ndarray]) -> None:
    for image, box in zip(drawn["image"], drawn["box"]):
        assert np.abs(find_box(picture(image)).sides - box).max() <= 1.0


def test_a_line_of_known_shape_is_read_where_it_is() -> None:
    image = framed()
    columns = np.arange(46, 275)
    rows = 100 + 40 * np.sin((columns - 46) / 30)
    for c, r in zip(columns, rows):
        image[round(r) - 1 : round(r) + 2, c] = (0, 0, 255)
    (line,) = lines_of(picture(image), find_box(picture(image)))
    assert line.colour == (0, 0, 255)
    np.testing.assert_allclose(line.row, rows[np.isin(columns, line.column)], atol=0.51)


def test_colours_are_told_apart_and_words_are_no_lines() -> None:
    image = framed()
    image[60:63, 46:275] = (255, 0, 0)
    image[120:123, 46:275] = (0, 128, 0)
    image[90:97, 100:106] = 0  # a letter
    found = picture(image)
    assert len(colour_masks(found, find_box(found))) == 2
    assert [round(float(one.row.mean())) for one in lines_of(found, find_box(found))] == [61, 121]


def test_dashes_are_one_line() -> None:
    image = framed()
    columns = np.arange(46, 275)
    for c in columns[(columns // 5) % 2 == 0]:
        image[90:93, c] = (255, 0, 0)
    (line,) = lines_of(picture(image), find_box(picture(image)))
    assert len(line.column) > 200
    np.testing.assert_allclose(line.row, 91, atol=0.01)


def test_lines_that_cross_keep_their_slope() -> None:
    x = np.arange(200)
    truth = np.array([20 + 0.5 * x, 120 - 0.5 * x])
    mask = np.zeros((140, 200), bool)
    for line in truth:
        for c, r in zip(x, line):
            mask[int(r) - 1 : int(r) + 2, c] = True
    found = trace(mask)
    distance, _ = distances(found, truth)
    assert distance.max() < 1.0
    nearest, _ = distances(trace(mask, with_slope=False), truth)
    assert nearest.max() > 10, "without the slope they change places, so that the test can fail"


def test_parts_behind_a_crossing_are_exchanged_where_that_is_smoother() -> None:
    x = np.arange(100.0)
    one, other = 10 + x, 110 - x
    wrong = np.array([np.minimum(one, other), np.maximum(one, other)])
    right = untangled(wrong, 3.0)
    distance, _ = distances(right, np.array([one, other]))
    assert distance.max() < 1.0
    kept = untangled(np.array([one, other]), 3.0)
    np.testing.assert_allclose(kept, [one, other])


def test_roughness_is_that_of_the_polynomial_between_the_ends() -> None:
    """y = x³ from 0 to L: y‴ = 6, so that ∫ y‴² dx = 36 L."""
    length = 2.5
    ends = (0.0, 0.0, 0.0), (length**3, 3 * length**2, 6 * length)
    assert roughness(*ends, length) == pytest.approx(36 * length)
    parabola = (0.0, 0.0, 2.0), (length**2, 2 * length, 2.0)
    assert roughness(*parabola, length) == pytest.approx(0, abs=1e-9)


@tesseract
def test_recall_of_drawn_plots_beside_the_nearest_ink(drawn: dict[str, np.ndarray]) -> None:
    row = {"calculation_id": "c", "batch": "b", "rule": "polynomials", "lines": 3, "dpi": 100}
    rows = list(read_plots(row, drawn))
    assert len(rows) == 4 * len(METHODS)
    found = {
        m: np.concatenate([r["distance_px"] for r in rows if r["method"] == m]) for m in METHODS
    }
    assert (found[SLOPE] < 10).mean() >= (found[NEAREST] < 10).mean()
    assert (found[SLOPE] < 10).mean() >= 0.85
    assert {len(r["distance_px"]) for r in rows} == {3}


def test_a_line_that_was_not_read_is_far_away() -> None:
    truth = np.array([[1.0, 1.0, 1.0, 1.0]])
    short = np.array([[1.0, np.nan, np.nan, np.nan]])
    assert distances(short, truth)[0].tolist() == [NEVER]
    assert distances(np.empty((0, 4)), truth)[0].tolist() == [NEVER]


@pytest.mark.parametrize(
    ("text", "value"),
    [("8340", 8340.0), ("−0.5", -0.5), ("1e3", 1000.0), ("05", None), ("x", None), ("", None)],
)
def test_numbers_of_words(text: str, value: float | None) -> None:
    assert number(text) == value


def test_a_scale_passes_over_what_was_misread() -> None:
    labels = [Label(10.0 * k, 50.0 * k) for k in range(6)] + [Label(400.0, 120.0)]
    scale = fit_scale(labels, "x")
    assert (scale.labels, scale.read, scale.is_log) == (6, 7, False)
    assert float(scale.value(125.0)) == pytest.approx(25)
    decades = [Label(10.0**k, 40.0 * k) for k in range(5)]
    assert fit_scale(decades, "y").is_log
    assert float(fit_scale(decades, "y").value(60.0)) == pytest.approx(10**1.5)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [1.0, 7.0, 3.0, 50.0]])
def test_numbers_that_do_not_agree_are_refused(values: list[float]) -> None:
    labels = [Label(v, 37.0 * k) for k, v in enumerate(values)]
    with pytest.raises(DataError, match="give two points"):
        fit_scale(labels, "x")


def test_points_of_an_axis_are_checked() -> None:
    assert float(given_scale([(10, 1.0), (110, 2.0)], False, "x").value(60.0)) == pytest.approx(1.5)
    assert float(given_scale([(0, 1.0), (10, 100.0)], True, "y").value(5.0)) == pytest.approx(10)
    for points, log in (
        ([(1, 1.0)], False),
        ([(1, 1.0), (1, 2.0)], False),
        ([(0, 0), (1, 1)], True),
    ):
        with pytest.raises(DataError):
            given_scale(points, log, "x")


@pytest.mark.parametrize(
    ("points", "is_log", "message"),
    [
        ([(75, 8320.0), (300, 8370.0), (540, 8380.0)], False, "300=8370 is .* pixels off"),
        ([(0, 1.0), (100, 2.0), (200, 1.0)], False, "do not lie on one linear scale"),
        ([(0, 1.0), (100, 10.0), (200, 1000.0)], True, "do not lie on one logarithmic scale"),
        ([(0, 1.0), (100, 10.0), (200, 100.0)], False, "or say --log x"),
        ([(0, 1.0), (float("nan"), 2.0)], False, "finite"),
        ([(0, 1.0), (100, float("inf"))], False, "finite"),
        ([(0, 1.0), (640, 2.0)], False, "no pixel 640: the picture has 640 along x"),
        ([(-1, 1.0), (100, 2.0)], False, "no pixel -1"),
    ],
)
def test_points_that_contradict_or_lie_nowhere_are_refused(
    points: list[tuple[float, float]], is_log: bool, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        given_scale(points, is_log, "x", 640)


@pytest.mark.parametrize("off", [0.0, 0.5, 1.0])
def test_the_residual_of_given_points_is_that_of_their_distances(off: float) -> None:
    scale = given_scale([(0, 0.0), (100, 100.0 + off), (200, 200.0)], False, "x", 640)
    away = np.array([off / 3, 2 * off / 3, off / 3])  # of the line fitted to the three
    assert scale.residual == pytest.approx(np.sqrt((away**2).mean()), abs=1e-9)
    assert (scale.labels, scale.read) == (3, 3)


@tesseract
def test_values_of_a_drawn_plot(drawn: dict[str, np.ndarray]) -> None:
    found = digitise(picture(drawn["image"][0]))
    a, b = drawn["x_scale"][0]
    columns = np.array([120.0, 560.0])
    assert np.abs((found.x.value(columns) - (a + b * columns)) / b).max() < 1.5
    assert (found.x.deviation(columns) > 0).all()


@tesseract
@pytest.mark.parametrize("end", [8391.0, 8392.4, 8394.0])
def test_without_tick_marks_the_end_of_the_spine_has_no_number(end: float) -> None:
    """The last number, 8390, is nearer to the corner than a third of the distance of numbers."""
    figure = Figure((10, 5), dpi=150)
    axes = figure.add_axes((0.1, 0.15, 0.85, 0.8))
    axes.plot([8336, 8388], [0.2, 0.8])
    axes.set(xlim=(8334.7, end), ylim=(0, 1), xticks=range(8340, 8391, 10))
    axes.tick_params(length=0, labelsize=14)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.array(canvas.buffer_rgba())[:, :, :3]
    scale = digitise(picture(image)).x
    assert scale.labels == 6
    left, right = (axes.transData.transform((x, 0))[0] - 0.5 for x in (8334.7, end))
    pixel = (end - 8334.7) / (right - left)
    assert abs(float(scale.value(right)) - end) < pixel


@pytest.mark.parametrize("kind", ["photograph", "blank", "one spine", "small"])
def test_what_is_no_plot_is_refused(kind: str, tmp_path: Path, capsys) -> None:
    rng = np.random.default_rng(0)
    image = {
        "photograph": rng.integers(0, 255, (200, 300, 3)),
        "blank": np.full((200, 300, 3), 255),
        "one spine": np.full((200, 300, 3), 255),
        "small": np.full((20, 30, 3), 255),
    }[kind].astype(np.uint8)
    if kind == "one spine":
        image[100, 20:280] = 0
    Image.fromarray(image).save(tmp_path / "figure.png")
    assert main(["digitise", str(tmp_path / "figure.png")]) == 2
    error = capsys.readouterr().err
    assert "figure.png: " in error
    assert "Traceback" not in error
    assert not (tmp_path / "figure.csv").exists()


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(DataError, match=r"x\.png: cannot be read as a picture"):
        read_picture(tmp_path / "x.png")
    with pytest.raises(DataError, match="no such file"):
        read_picture(tmp_path / "y.png")


def test_the_command_writes_numbers_and_an_overlay(tmp_path: Path, capsys) -> None:
    image = framed()
    image[60:63, 46:275] = (255, 0, 0)
    Image.fromarray(image.astype(np.uint8)).save(tmp_path / "f.png")
    points = ["--x", "40=8000", "280=8240", "--y", "180=0", "20=2", "--names", "energy", "mu"]
    assert main(["digitise", str(tmp_path / "f.png"), *points, "--line", "1"]) == 0
    header, first, *_ = (tmp_path / "f.csv").read_text().splitlines()
    assert header == "energy,mu"
    energy, mu = map(float, first.split(","))
    assert energy == pytest.approx(8000 + 6, abs=3)
    assert mu == pytest.approx(2 * (180 - 61) / 160, abs=0.01)
    assert (tmp_path / "f_overlay.png").is_file()
    told = capsys.readouterr().out
    assert "line 1: " in told
    assert "x axis: linear" in told
    assert "by two points, which nothing checks" in told
    assert main(["digitise", str(tmp_path / "f.png"), *points, "--line", "2"]) == 2
    assert "there are 1, from 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--x 40=8000 160=8200 280=8240", "do not lie on one linear scale"),
        ("--x 40=8000 280=nan", "two finite numbers"),
        ("--x 40=8000 2800=8240", "no pixel 2800: the picture has 300 along x"),
        ("--y 180=0 200=2", "no pixel 200: the picture has 200 along y"),
        ("--out f.png", "ends with .csv"),
        ("--out link.csv", "is read by this command"),
        ("--out g.csv", "is read by this command"),  # by its overlay
        ("--names x x", "two columns of the csv would have one name"),
        ("--names line y", "two columns of the csv would have one name"),
    ],
)
def test_the_command_refuses_and_leaves_the_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch, words: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    image = framed()
    image[60:63, 46:275] = (255, 0, 0)
    name = "g_overlay.png" if "g.csv" in words else "f.png"
    Image.fromarray(image.astype(np.uint8)).save(name)
    Path("link.csv").symlink_to(name)
    before = Path(name).read_bytes()
    points = ["--x", "40=8000", "280=8240", "--y", "180=0", "20=2"]
    assert main(["digitise", name, *points, *words.split()]) == 2
    assert message in capsys.readouterr().err
    assert Path(name).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {name, "link.csv"}


def test_a_batch_of_spectra_is_plain_json() -> None:
    from defectra.studies.plots.samples import batches
    from defectra.studies.plots.settings import PlotsStudy

    settings = PlotsStudy(lines=[1], dpi=[100], plots=2, spectra_plots=2)
    first, second = (list(batches(settings)) for _ in range(2))
    assert first == second
    assert {b.rule for b in first} == {"polynomials", "spectra"}
    json.dumps([b.curves for b in first], allow_nan=False)


def test_the_rule_of_crossings_is_the_one_that_is_learnt_and_better_than_chance() -> None:
    """Exchanging two lines changes the sign of all features; few plots teach about the same."""
    pytest.importorskip("torch")
    from defectra.images.digitise.crossings import Stretch, features, log_odds
    from defectra.studies.plots.crossing_rule import known_crossings, learnt

    x = np.arange(100.0)
    one, other = 10 + 0.01 * x**2, 110 - x
    stretch = Stretch(45, 55, 0, 99)
    kept, exchanged = (
        features(*lines, stretch) for lines in ((one, other), _exchanged(one, other, 50))
    )
    assert kept is not None
    assert exchanged is not None
    np.testing.assert_allclose(kept, -exchanged, atol=1e-6)
    assert log_odds(kept) == pytest.approx(-log_odds(exchanged), abs=1e-6)
    assert log_odds(kept) > 0
    found = [log_odds(one) for _, one in known_crossings(np.random.default_rng(5), 60)]
    assert np.mean(np.array(found) < 0) < 0.15
    assert learnt(plots=40, tested=20)["wrong"] < 0.3


def _exchanged(one: np.ndarray, other: np.ndarray, at: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = one.copy(), other.copy()
    first[at:], second[at:] = other[at:], one[at:]
    return first, second


def test_a_line_is_followed_over_a_sharp_peak() -> None:
    """Its flanks are no vertical guides, and the other side is not too far."""
    from defectra.images.digitise.lines import _cleaned, trace

    mask = np.zeros((180, 250), bool)
    mask[150:152] = True
    for column, first, last in ((98, 120, 151), (99, 60, 140), (100, 10, 90), (101, 12, 151)):
        mask[:, column] = False
        mask[first : last + 1, column] = True
    mask[:, 200] = True  # a guide
    (line,) = trace(_cleaned(mask, 0.03))
    assert line[[20, 90, 110, 190, 240]] == pytest.approx(150.5, abs=1)
    assert line[100] < 70
