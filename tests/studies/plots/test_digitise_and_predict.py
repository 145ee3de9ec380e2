"""A computed spectrum, drawn as a plot and read back, is answered as the spectrum itself."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2", reason="make instruments")
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from defectra.cli.main import main
from defectra.cli.predict_edges import curve
from defectra.core.paths import PROJECT
from defectra.core.records import CALCULATIONS, SPECTRA, Status
from defectra.core.store import Archive
from defectra.learn.edges_model import load_edges_model
from defectra.spectra.measured import read_measured

pytestmark = pytest.mark.skipif(shutil.which("tesseract") is None, reason="no tesseract on PATH")
MODEL = PROJECT / "resources/models/nmc_edges.npz"
LOADED = load_edges_model(MODEL)
Answers = dict[str, float]
CALIBRATED = ("--shift", "0", "--shift-sd", "0.3")
# A line is drawn a tenth of an eV wide or more, and read to half a pixel.
NEAR = {"x_Li": 0.03, "x_Ni": 0.03, "x_Mn": 0.03, "x_Co": 0.03, "nickel_state": 0.08}
# Scores of a defect have no unit; the reading may move them by a twentieth of their range in cells.
DEFECTS, PART_OF_RANGE = ("vacancy", "antisite"), 0.05
CELLS = 12


def spectra(edge: tuple[str, str], count: int) -> list[np.ndarray]:
    """Averages over the sites of computed cells, energies (eV) and absorption, shape (2, n).

    Those of the first `count` cells in the order of their names.
    """
    archive = Archive(PROJECT / "resources/archive/nmc_blocks")
    cells: dict[str, list[str]] = {}
    for row in archive.read(CALCULATIONS):
        if (row["element"], row["edge"]) == edge and row["status"] == Status.OK:
            cells.setdefault(row["structure_id"], []).append(row["calculation_id"])
    mu = {r["calculation_id"]: (r["energy_eV"], r["mu"]) for r in archive.read(SPECTRA)}
    out = []
    for cell in sorted(cells)[:count]:
        curves = [np.array(mu[one]) for one in cells[cell]]
        low, high = max(c[0, 0] for c in curves), min(c[0, -1] for c in curves)
        energy = np.arange(low, high, 0.2)
        out.append(np.array([energy, np.mean([np.interp(energy, *c) for c in curves], axis=0)]))
    return out


def csv_of(spectrum: np.ndarray, path: Path) -> Path:
    np.savetxt(path, spectrum.T, delimiter=",", header="energy,mu", comments="")
    return path


def png_of(figure: Figure, path: Path) -> Path:
    FigureCanvasAgg(figure).print_png(path)
    return path


def drawn(spectrum: np.ndarray, path: Path) -> Path:
    figure = Figure((6.4, 4.8), dpi=150)
    axes = figure.subplots()
    axes.plot(*spectrum, color="C0", lw=1.5)
    axes.set(xlabel="Energy (eV)", ylabel="Absorption (arb. units)")
    return png_of(figure, path)


def digitised(figure: Path) -> int:
    return main(["digitise", str(figure), "--line", "1", "--names", "energy", "mu"])


def answers(path: Path) -> Answers:
    """Value of each target by the model itself."""
    spectrum = curve(LOADED, "Ni K", read_measured(path, "Ni K"), 0.0)
    return {found.target: found.value for found in LOADED.predict({"Ni K": spectrum})}


def answer(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, float], str]:
    """Exit code, value of each target, and all that was said."""
    capsys.readouterr()
    code = main(["predict", str(MODEL), f"Ni K={path}", *CALIBRATED])
    said = capsys.readouterr()
    found = re.findall(r"^  (\w+):?(?: score)? (-?\d+\.\d+)", said.out, re.MULTILINE)
    return code, {name: float(value) for name, value in found}, said.out + said.err


@pytest.fixture(scope="module")
def cells() -> list[np.ndarray]:
    return spectra(("Ni", "K"), CELLS)


@pytest.fixture(scope="module")
def direct(cells: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> list[Answers]:
    """Answers about the spectra themselves."""
    folder = tmp_path_factory.mktemp("direct")
    return [answers(csv_of(one, folder / f"{k}.csv")) for k, one in enumerate(cells)]


@pytest.mark.parametrize("number", range(0, CELLS, 4))
def test_a_spectrum_and_its_plot_are_answered_alike(
    number: int, cells: list[np.ndarray], direct: list[Answers], tmp_path: Path
) -> None:
    near = NEAR | {d: PART_OF_RANGE * np.ptp([one[d] for one in direct]) for d in DEFECTS}
    wanted = direct[number]
    assert digitised(drawn(cells[number], tmp_path / "figure.png")) == 0
    found = answers(tmp_path / "figure.csv")
    away = {name: abs(found[name] - wanted[name]) for name in near}
    assert set(wanted) == set(near)
    assert all(away[name] <= near[name] for name in near), (away, near)


def test_the_answers_of_the_cells_differ_more_than_by_the_reading(direct: list[Answers]) -> None:
    """So that the test above can fail."""
    assert np.ptp([one["x_Li"] for one in direct]) > 3 * NEAR["x_Li"]
    for name in DEFECTS:
        assert np.ptp([one[name] for one in direct]) > 0.5


def test_predict_prints_what_the_model_says(
    cells: list[np.ndarray],
    direct: list[Answers],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, found, said = answer(csv_of(cells[0], tmp_path / "own.csv"), capsys)
    assert code in (0, 1), said
    assert found == pytest.approx(direct[0], abs=0.006)


def test_a_plot_whose_axis_is_broken_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two panels side by side without the spines between them."""
    (spectrum,) = spectra(("Ni", "K"), 1)
    figure = Figure((6.4, 4.8), dpi=150)
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.03})
    panels: tuple[Axes, Axes] = (left, right)
    for axes, ends in zip(panels, ((8325, 8345), (8360, 8380))):
        axes.plot(*spectrum, color="C0")
        axes.set_xlim(*ends)
    left.spines.right.set_visible(False)
    right.spines.left.set_visible(False)
    right.tick_params(left=False)
    assert digitised(png_of(figure, tmp_path / "figure.png")) == 2
    assert "figure.png: " in capsys.readouterr().err
    assert not (tmp_path / "figure.csv").exists()


@pytest.mark.parametrize(("end", "reason"), [(8362, "8362"), (8373, "8375")], ids=["edge", "grid"])
def test_a_plot_that_ends_too_early_is_refused(
    end: float, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (spectrum,) = spectra(("Ni", "K"), 1)
    cut = spectrum[:, spectrum[0] < end]
    assert digitised(drawn(cut, tmp_path / "figure.png")) == 0
    code, found, said = answer(tmp_path / "figure.csv", capsys)
    assert (code, found) == (2, {}), said
    assert reason in said


def test_a_plot_of_another_edge_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (spectrum,) = spectra(("Co", "K"), 1)
    assert digitised(drawn(spectrum, tmp_path / "figure.png")) == 0
    code, found, said = answer(tmp_path / "figure.csv", capsys)
    assert (code, found) == (2, {}), said
