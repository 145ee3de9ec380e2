"""Computed O K and Li K spectra, as csv and read back from a plot, are answered by a model."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from defectra.cli.main import main
from defectra.cli.predict_edges import curve
from defectra.core.paths import PROJECT
from defectra.core.records import CALCULATIONS, SPECTRA, Status
from defectra.core.store import Archive
from defectra.learn.edges_model import load_edges_model
from defectra.spectra.measured_spectrum import Measured, on_grid

MODEL = PROJECT / "resources/models/nmc_edges.npz"
SAME = 0.03  # atoms per metal: what the mean of few energies before the edge may move it by
NEAR = 0.05  # atoms per metal: what reading a plot to half a pixel may move the answer by


@pytest.fixture(scope="module")
def spectra() -> dict[str, np.ndarray]:
    """Mean over the sites of one cell, energies (eV) and absorption, by edge."""
    archive = Archive(PROJECT / "resources/archive/nmc_blocks")
    own = {"status": Status.OK, "protocol": "campaign"}  # a cell may have a second protocol
    rows = [r for r in archive.read(CALCULATIONS) if own.items() <= r.items()]
    cell = min(r["structure_id"] for r in rows)
    edge_of = {
        r["calculation_id"]: f"{r['element']} {r['edge']}"
        for r in rows
        if r["structure_id"] == cell
    }
    curves: dict[str, list[np.ndarray]] = {}
    for row in archive.read(SPECTRA):
        if row["calculation_id"] in edge_of:
            curve = np.array([row["energy_eV"], row["mu"]])
            curves.setdefault(edge_of[row["calculation_id"]], []).append(curve)
    return {edge: _mean(some) for edge, some in curves.items()}


def _mean(curves: list[np.ndarray]) -> np.ndarray:
    low, high = max(c[0, 0] for c in curves), min(c[0, -1] for c in curves)
    energy = np.arange(low, high, 0.2)
    return np.array([energy, np.mean([np.interp(energy, *c) for c in curves], axis=0)])


def _csv(spectrum: np.ndarray, path: Path) -> Path:
    np.savetxt(path, spectrum.T, delimiter=",", header="energy,mu", comments="")
    return path


def _lithium(
    edge: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, float | None, str]:
    """Exit code, lithium per metal, and all that was said."""
    capsys.readouterr()
    words = ["predict", str(MODEL), f"{edge}={path}", "--shift", "0", "--shift-sd", "0.3"]
    code = main(words)
    said = "".join(capsys.readouterr())
    found = re.search(r"^  x_Li (-?\d+\.\d+)", said, re.MULTILINE)
    return code, float(found[1]) if found else None, said


@pytest.mark.parametrize("edge", ["O K", "Li K"])
def test_a_light_edge_is_answered(
    edge: str,
    spectra: dict[str, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, lithium, said = _lithium(edge, _csv(spectra[edge], tmp_path / "a.csv"), capsys)
    assert (code, lithium is not None) == (0, True), said


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="no tesseract on PATH")
@pytest.mark.parametrize("edge", ["O K", "Li K"])
def test_its_plot_is_answered_alike(
    edge: str,
    spectra: dict[str, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("cv2", reason="make instruments")
    code, wanted, _ = _lithium(edge, _csv(spectra[edge], tmp_path / "a.csv"), capsys)
    figure = Figure((6.4, 4.8), dpi=150)
    axes = figure.subplots()
    axes.plot(*spectra[edge])
    axes.set(xlabel="Energy (eV)", ylabel="Absorption (arb. units)")
    FigureCanvasAgg(figure).print_png(tmp_path / "figure.png")
    assert main(["digitise", str(tmp_path / "figure.png"), "--names", "energy", "mu"]) == 0
    again, lithium, said = _lithium(edge, tmp_path / "figure.csv", capsys)
    assert again == code, said
    assert lithium == pytest.approx(wanted, abs=NEAR)


@pytest.mark.parametrize(("shown", "wanted"), [("O K", "Li K"), ("Li K", "O K"), ("Mn K", "O K")])
def test_another_edge_is_refused(
    shown: str,
    wanted: str,
    spectra: dict[str, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, lithium, said = _lithium(wanted, _csv(spectra[shown], tmp_path / "a.csv"), capsys)
    assert (code, lithium) == (2, None), said
    assert f"you asked for {wanted} (" in said


@pytest.mark.parametrize("edge", ["O K", "Li K", "Co K"])
def test_normalising_a_short_scan_leaves_the_answer(
    edge: str, spectra: dict[str, np.ndarray]
) -> None:
    """A line fitted to 45 eV after the edge moved lithium of O K from 0.78 to 1.07.

    One fitted to the 14 eV from which a Co K scan of 28 eV before the edge is usually normalised
    moved lithium by 0.2.
    """
    model = load_edges_model(MODEL)
    energy, mu = spectra[edge]
    own = on_grid(Measured(energy, mu), model.grid(edge))
    lines = [7 * mu + level + slope * (energy - energy[0])
             for level, slope in ((0.0, 0.0), (0.4, 0.0), (3.0, -7e-3))]  # fmt: skip
    measured = [curve(model, edge, Measured(energy, line), 0.0) for line in lines]
    answers = model.answers({edge: np.array([own, *measured])})
    contents = [k for k, t in enumerate(model.about.targets) if t.startswith("x_")]
    assert len(contents) == 4
    for found in answers[1:, contents]:
        assert found == pytest.approx(answers[0, contents], abs=SAME)


def test_what_the_background_leaves_open_widens_the_interval(
    spectra: dict[str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    energy, mu = spectra["Co K"]
    kept = energy > load_edges_model(MODEL).grid("Co K")[0] - 0.3
    halves = []
    for noise in (0.0, 0.05):
        rough = mu + noise * np.random.default_rng(0).normal(size=len(mu))
        path = _csv(np.array([energy, rough])[:, kept], tmp_path / f"{noise}.csv")
        _, _, said = _lithium("Co K", path, capsys)
        assert "of the edge step at 7750 eV (1 sd)" in said
        found = re.search(r"^  x_Li -?\d+\.\d+ ± (\d+\.\d+)", said, re.MULTILINE)
        assert found, said
        halves.append(float(found[1]))
    assert halves[1] > halves[0]
    assert "begin the scan earlier" in said
