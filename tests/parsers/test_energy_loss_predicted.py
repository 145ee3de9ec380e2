"""Energy loss as models of absorption read it: the factor between both, and its geometry."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from defectra.cli.main import main
from defectra.cli.predict_edges import ready
from defectra.core.paths import PROJECT
from defectra.learn.edges_model import load_edges_model
from defectra.learn.forest import Forest
from defectra.learn.predict import on_model_grid
from defectra.learn.saved import About, Saved, features_of, learn_domain, load, unit_maximum
from defectra.spectra.loss_factor import USUAL, Geometry, geometries, sentence
from defectra.spectra.measured import read_measured

EDGES = PROJECT / "resources/models/nmc_edges.npz"
ONSET, LINE = 527.0, 532.0  # eV; the line is what an edge of energy loss is recognised by
ENERGY = np.arange(450.0, 620.0, 0.25)


def written(path: Path, geometry: Geometry, head: str) -> Path:
    """A constant oscillator density above the onset, after a line, as an msa file."""
    rise = 1 / (1 + np.exp(-(ENERGY - ONSET) / 0.3))
    density = rise * (1 + 2 * np.exp(-0.5 * ((ENERGY - LINE) / 1.5) ** 2))
    counts = 3e4 * (ENERGY / 450) ** -3 + 1e4 * density * geometry.factor(ENERGY) / 0.02
    body = "\n".join(f"{e:.2f}, {c:.4f}" for e, c in zip(ENERGY, counts))
    fields = f"#SIGNALTYPE : ELS\n#XUNITS : eV\n#DATATYPE : XY\n#NPOINTS : {len(ENERGY)}\n"
    first = "#FORMAT : EMSA/MAS Spectral Data File\n"
    path.write_text(f"{first}{fields}{head}#SPECTRUM : x\n{body}\n#ENDOFDATA : \n")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A forest that reads O K: the slope after the line, in per cent over the grid."""
    grid = 520.0 + 0.4 * np.arange(120)
    slopes, x = np.linspace(-15, 15, 61), (grid - 538) / 30
    line = 2 * np.exp(-0.5 * ((grid - LINE) / 1.5) ** 2) + 1
    rise = 1 / (1 + np.exp(-np.clip((grid - ONSET) / 0.3, -60, 60)))
    rows = unit_maximum(rise * line * (1 + slopes[:, None] / 100 * np.clip(x, 0, 1)))
    rows += 0.01 * np.random.default_rng(0).normal(size=rows.shape)
    forest = RandomForestRegressor(100, random_state=0).fit(features_of(rows, "cdf"), slopes)
    about = About("O K", "slope", "%", "cdf", 520.0, 0.4, 120, 0.0, 2.0, -15.0, 15.0, "61")
    path = tmp_path_factory.mktemp("model") / "slope.npz"
    domain = learn_domain(rows, [str(k % 10) for k in range(61)])
    Saved(about, Forest.from_sklearn(forest), domain).write(path)
    return path


STATED = "#BEAMKV -kV : 300.0\n#COLLANGLE-mR : 10.0\n"


def test_a_constant_oscillator_density_is_flat_for_both_kinds_of_models(
    model: Path, tmp_path: Path
) -> None:
    """Raw counts fall by 8 % from 540 to 567 eV."""
    seen = read_measured(written(tmp_path / "o.msa", Geometry(300e3, 0.010), STATED), "O K")
    one, several = load(model), load_edges_model(EDGES)
    for grid, values in (
        (one.grid, on_model_grid(one, seen)[0]),
        (several.grid("O K"), ready(several, "O K", seen, 0.0).values),
    ):
        above = values[grid > LINE + 8]
        assert above == pytest.approx(above.mean(), rel=3e-3)


def test_the_geometry_is_that_of_the_file_in_either_unit(tmp_path: Path) -> None:
    own = Geometry(300e3, 0.010)
    for head in (STATED, "#BEAMKV : 300000.0\n#COLLANGLE : 10\n"):
        assert geometries(read_measured(written(tmp_path / "o.msa", own, head))) == (own,)
    head = "#BEAMKV : 300000.0\n#COLLANGLE : 0.0\n"
    unknown = read_measured(written(tmp_path / "o.msa", own, head))
    found = geometries(unknown)
    assert {g.beam for g in found} == {300e3}
    assert [1e3 * g.collection for g in found] == pytest.approx(
        list(USUAL["collection angle (mrad)"])
    )
    assert "collection angle not stated, 5 to 50 mrad" in sentence(unknown)
    falls = [g.factor(560.0) / g.factor(530.0) for g in found]
    assert falls[1] < falls[0] < falls[2]


def test_a_geometry_that_is_not_stated_widens_the_interval(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "o.msa", Geometry(300e3, 0.010), "")
    exact = ["--shift", "0", "--shift-sd", "0"]
    halves, values = [], []
    for more in ([], ["--beam-energy", "300", "--collection-angle", "10"]):
        assert main(["predict", str(model), str(path), *exact, *more]) == 0
        said = capsys.readouterr().out
        value, half = re.search(r"slope (-?[\d.]+) ± ([\d.]+)", said).groups()
        values.append(float(value))
        halves.append(float(half))
        assert ("--collection-angle MRAD" in said) is not more
    assert values[1] == pytest.approx(0.0, abs=1.5)
    assert halves[1] == pytest.approx(2.0)
    assert halves[0] > 2.5


def test_a_geometry_of_x_rays_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rise = 1 / (1 + np.exp(-np.clip(ENERGY - 532, -60, 60)))
    rows = "\n".join(f"{e:.2f} {m:.6f}" for e, m in zip(ENERGY, 0.1 + rise))
    path = tmp_path / "x.dat"
    path.write_text(f"# Element: O\n# edge: K\n# energy mu\n{rows}")
    for words in ([str(model), str(path)], [str(EDGES), f"O K={path}"]):
        assert main(["predict", *words, "--beam-energy", "300"]) != 0
        assert "--beam-energy KEV: of energy loss" in "".join(capsys.readouterr())


@pytest.mark.parametrize("angle", ["0", "5000"])
def test_an_angle_that_cannot_be_meant_is_refused(
    angle: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "o.msa", Geometry(300e3, 0.010), "")
    try:
        code = main(["predict", str(model), str(path), "--collection-angle", angle])
    except SystemExit as stop:
        code = stop.code
    assert code != 0
    assert "collection-angle" in "".join(capsys.readouterr())
