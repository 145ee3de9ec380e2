"""Every figure of no row, of one, of two that agree, and of rows without a number."""

from __future__ import annotations

import importlib.util
import inspect
import math
import warnings

import numpy as np
import pytest

from defectra.core.paths import PROJECT
from defectra.core.records import Metric, Split
from defectra.core.studies import FOLDER
from defectra.figures import style
from defectra.figures.legends import covered
from defectra.figures.style import styled
from defectra.learn.committee import COMMITTEE
from defectra.studies.levels.evaluate import DECLARED, WITH_HOST
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.nmc.blocks.convergence import ALIKE, APART, CONVERGED, DISTANCE, SIZE
from defectra.studies.nmc.lithium import NI_MEAN, O_PRE_EDGE, PARTS
from defectra.studies.nmc.measured.electrode_nickel import CHARGE
from defectra.studies.nmc.measured.electrodes import DIFFERENCE, KERNEL, PEAK, SERIES
from defectra.studies.nmc.settings import Grid, LithiumSeries
from defectra.studies.perovskites.problems import COMPOSITION
from defectra.studies.perovskites.settings import Screen
from defectra.studies.xanes.compare import FOREST, MEAN
from defectra.studies.xanes.fidelity_comparison import ANATASE
from defectra.studies.xanes.measured_nickel import ALIGNED
from defectra.studies.xanes.measured_nickel import FOREST as SERIES_FOREST
from defectra.studies.xanes.views import AS_IS

GRID = [1.0, 2.0, 3.0]
STRUCTURE = {
    "structure_id": "s", "lithium": 0.5, "n_Ni": 0.6, "n_Mn": 0.2, "n_Co": 0.2, "x_Li": 0.5,
    "metals": 1, "composition": "NMC622", "host": "NMC622", "defect": "", "family": "s",
    "rank": -1, "level": 0.5, "species": ["Li", "Ni", "O"], "sites": [], "title": "",
    "vacancy": 0, "antisite": 0,
}  # fmt: skip
AVERAGE = {
    "structure_id": "s", "element": "Ni", "edge": "K", "protocol": "fast",
    "geometry_protocol": "vegard", "energy_eV": GRID, "mu": [0.1, 0.2, 0.3],
}  # fmt: skip
METRIC = {
    "subset": "all", "unit": "", "value": 0.4, "lo": 0.3, "hi": 0.5, "n_test": 10.0, "n_train": 9,
}  # fmt: skip
LEVEL = {
    "host": "AlP", "site": "M_A", "impurity": "Cd", "q_from": 0, "q_to": -1, "atoms": 16,
    "protocol": "fast", "level_eV": 0.5, "bare_eV": 0.4, "published_eV": 0.6, "gap_eV": 1.6,
    "mark": "localised", "corrected_eV": 0.5, "freysoldt_eV": 0.5, "epsilon": 9.0,
    "lo_eV": 0.3, "hi_eV": 0.7, "krr_eV": 0.5, "nn_eV": 0.5, "rfr_eV": 0.5, "learnt": False,
    "formation_eV": 2.0, "charge": 1, "corner": "Al-rich",
}  # fmt: skip
PREDICTED = {
    "model": DECLARED, "features": WITH_HOST, "split": str(Split.HOST_OUT), "host": "AlP",
    "family": "III-V", "truth": 1.0, "prediction": 1.1, "half_width": 0.2, "gap_eV": 1.6,
}  # fmt: skip
PURE = {"name": "CsPbI_3", "a": [0, 0, 8, 0, 0], "b": [0, 0, 0, 0, 0, 8], "x": [0, 0, 8],
        "gap_HSE": 1.5, "decomposition_HSE": 0.2, "decomposition_consistent": 0.1}  # fmt: skip
PARITY = {"name": "CsPbI_3", "a": "Cs", "b": "Pb", "x": "I", "quantity": "gap_PBE",
          "ours": 1.5, "ours_spin_orbit": 0.5, "published": 1.4}  # fmt: skip
CURVE = {"panel": ANATASE, "rung": "feff fast", "reference": "measured",
         "energy_eV": [4960.0, 4970.0, 4990.0],
         "mu": GRID, "relative_rms": 0.1, "pearson": 0.9, "shift": 0.1, "shift_sd": 0.1,
         "fwhm": 1.0, "cpu_s": 1.0, "axis": "relative"}  # fmt: skip


def metric(**about: str) -> dict:
    return METRIC | about


# Name of the function: rows that it is called with, and all other arguments but the path.
CASES: dict[str, tuple[list[dict], object]] = {
    "nmc.models.plot_spectra": ([AVERAGE], lambda rows: ([STRUCTURE], rows, ["Ni K", "O K"])),
    "nmc.models.plot_parity": (
        [{"features": "cdf: all", "split": str(Split.GROUPED), "target": "x_Ni",
          "structure_id": "s", "prediction": 0.1, "truth": 0.3}],
        lambda rows: (rows,),
    ),
    "nmc.models.plot_edges": (
        [metric(target="x_Ni", split=Split.GROUPED, features="cdf: Ni K", metric=Metric.RMSE),
         metric(target="vacancy", split=Split.GROUPED, features="cdf: O K", metric=Metric.AUROC),
         metric(target="x_Ni", split=Split.GROUPED, features="none", metric=Metric.RMSE)],
        lambda rows: (rows,),
    ),
    "nmc.blocks.plot_differences": (
        [{"block": 0, "arm": arm, "raw: O K": list(np.linspace(0.1, 0.2, 167))}
         for arm in ("pristine", "vacancy")],
        lambda rows: (rows, {"O K": Grid(start=528.9, stop=562.1)}),
    ),
    "nmc.blocks.plot_weights": (
        [{"target": "vacancy", "edge": "O K", "energy_eV": 530.0, "weight": 0.1, "weight_sd": 0.1,
          "difference": 0.2, "difference_sd": 0.1, "cosine": 0.5, "steady_weight": 0.1,
          "steady_weight_sd": 0.05, "steady_cosine": 0.7, "steady_halves": 0.6}],
        lambda rows: (rows,),
    ),
    "nmc.shells.plot_shells": (
        [{"block": 0, "arm": arm, "edge": "O K", "site": "O21", "distance_A": 2.8, "change": 0.1}
         for arm in ("vacancy", "antisite")],
        lambda rows: (rows, [{"arm": "vacancy", "edge": "O K", "shell": "second neighbours",
                              "value": 0.1, "lo": 0.08, "hi": 0.12, "n_sites": 1, "n": 1}]),
    ),
    "nmc.convergence.plot_convergence": (
        [{"edge": edge, "statistic": statistic, "subject": subject, "spectra": spectra,
          "block": block, "value": 0.5, "lo": 0.4, "hi": 0.6, "n": 1}
         for statistic, subject, spectra in (
             (DISTANCE, "pristine", APART), (ALIKE, "vacancy minus pristine", APART),
             (SIZE, "antisite minus pristine", CONVERGED),
             ("win_rate", "vacancy against pristine", CONVERGED))
         for edge in ("O K", "Ni K") for block in ("7", "mean")],
        lambda rows: (rows,),
    ),
    "nmc.experiment.plot_experiment": (
        [{"composition": "NMC622", "number": 1.0, "cycle": "1C", "voltage_V": 4.3,
          "quantity": quantity, "method": method, "value": value, "sd": 0.1, "truth": 0.6,
          "truth_half": 0.02, "scored": 1}
         for quantity, method, value in (
             ("x_Li", KERNEL, 0.5), ("x_Li", DIFFERENCE, 0.5), ("x_Li", PEAK, 0.5),
             ("x_Li", SERIES, 0.5), ("nickel_state", CHARGE, 3.1))],
        lambda rows: (rows,),
    ),
    "nmc.energy_loss.plot_energy_loss": (
        [{"way": way, "element": "Mn", "per_metal": 0.8, "lo": 0.7, "hi": 1.0, "outside": 2.1}
         for way in ("intensities", "intensities, 0 to 50 eV", "shape of O K")],
        lambda rows: (rows, [{"curve": name, "energy_eV": e, "mu": 0.1 * e}
                             for name in ("measured", "1: Li0.5") for e in GRID]),
    ),
    "nmc.lithium.plot_lithium": (
        [{"quantity": q, "part": p, "value": 1.0, "lo": 0.9, "hi": 1.1, "n_orderings": 2,
          "n_sites": 3, "window_lo_eV": 1.0, "window_hi_eV": 2.0}
         for q in (NI_MEAN, O_PRE_EDGE) for p in PARTS],
        lambda rows: ([], [AVERAGE], rows, LithiumSeries(), "fast"),
    ),
    "nmc.failures.plot_failures": (
        [{"element": "Ni", "edge": "K", "protocol": "fast", "status": "failed",
          "error_class": "machine:no_space"}],
        lambda rows: (rows,),
    ),
    "nmc.fidelities.plot_ladder": (
        [AVERAGE, AVERAGE | {"protocol": "balanced"}],
        lambda rows: (rows, "vegard", "fast", "balanced"),
    ),
    "levels.errors.plot_errors": ([PREDICTED], lambda rows: (rows,)),
    "levels.errors.plot_gap": ([PREDICTED], lambda rows: (rows,)),
    "levels.computed.plot_computed": ([LEVEL], lambda rows: (rows,)),
    "levels.sizes.plot_sizes": (
        [LEVEL | {"atoms": n} for n in (16, 54, 128)], lambda rows: (rows, {"AlP": 5.5})
    ),
    "levels.space.plot_map": ([LEVEL | {"host": "GaAs"}], lambda rows: (rows,)),
    "levels.space.plot_published": (
        [LEVEL, LEVEL | {"published_eV": math.nan}], lambda rows: (rows,)
    ),
    "levels.wall.plot_wall": (
        [LEVEL], lambda rows: (rows, read_hosts("resources/levels/hosts.csv"))
    ),
    "levels.diagrams.plot_diagrams": (
        [LEVEL, LEVEL | {"q_from": 1}],
        lambda rows: (rows, read_hosts("resources/levels/hosts.csv"), {"AlP": ["Cd"]}),
    ),
    "levels.formation.plot_formation": ([LEVEL], lambda rows: (rows,)),
    "perovskites.models.plot_errors": (
        [metric(target="gap_HSE", split=Split.GROUPED, features=COMPOSITION, model=COMMITTEE,
                metric=Metric.SKILL)],
        lambda rows: (rows,),
    ),
    "perovskites.models.plot_parity": (
        [{"name": "CsPbI_3", "repeat": 0, "target": "gap_HSE", "features": COMPOSITION,
          "split": Split.GROUPED, "truth": 1.0, "prediction": 1.1, "half": 0.2}],
        lambda rows: (rows,),
    ),
    "perovskites.models.plot_references": (
        [{"A": "K", "X": "Cl", "fidelity": "PBE", "excess_eV": -0.2}], lambda rows: (rows,)
    ),
    "perovskites.models.plot_fidelity": (
        [{"target": "gap_HSE", "method": "single", "budget": 20.0, "rmse": 0.3, "lo": 0.2,
          "hi": 0.4, "n_HSE": 20.0, "unit": "eV"}],
        lambda rows: (rows,),
    ),
    "perovskites.screen.plot_funnel": (
        [{"step": "gap", "references": "published", "target": "gap_HSE", "low": 1.0,
          "high": 2.0, "left": 100.0}],
        lambda rows: (rows, Screen()),
    ),
    "perovskites.screen.plot_gap": ([PURE], lambda rows: (rows,)),
    "perovskites.screen.plot_stability": ([PURE], lambda rows: (rows,)),
    "perovskites.runs.plot_runs": ([PARITY], lambda rows: (rows,)),
    "perovskites.runs.plot_decomposition": (
        [PARITY | {"published_eV": 0.1, "ours_eV": 0.2, "deviation_eV": 0.1, "status": "ok",
                   "ax_consistent": "yes", "uncorrected": 1.0, "band_filling": -0.5}],
        lambda rows: (rows, rows),
    ),
    "xanes.features.plot_features": (
        [metric(subset=AS_IS, target="Cu valence", features="cdf", model=m, metric=Metric.RMSE)
         for m in (FOREST, MEAN)],
        lambda rows: (rows,),
    ),
    "xanes.features.plot_decay": (
        [metric(subset=s, target="Cu valence", features="cdf", model=FOREST, metric=Metric.RMSE)
         for s in (AS_IS, "shift 1.0")],
        lambda rows: (rows,),
    ),
    "xanes.features.plot_delta": (
        [{"element": "Ti", "site": "a", "raw": GRID, "corrected": GRID, "delta": GRID,
          "vasp": GRID, **metric(target="Ti K", metric=Metric.RELATIVE_RMS)}],
        lambda rows: (rows, rows),
    ),
    "xanes.fidelities.plot_ladder": (
        [CURVE, CURVE | {"reference": ""}, CURVE | {"panel": "our site"},
         CURVE | {"panel": "our site", "reference": "", "rung": "measured"},
         CURVE | {"panel": "Ni K 1", "energy_eV": [8340.0, 8350.0, 8370.0]}],
        lambda rows: (rows,),
    ),
    "xanes.measured_nickel.plot_series": (
        [{"method": SERIES_FOREST, "features": "cdf", "alignment": ALIGNED,
          "composition": "NMC622", "voltage_V": 4.3, "value": 3.0, "half": -1e-17}],
        lambda rows: (rows,),
    ),
    "xanes.measured_nickel.plot_importance": (
        [{"features": "cdf", "energy_eV": e, "importance": 0.0, "spectrum": 1.0} for e in GRID],
        lambda rows: (rows,),
    ),
}  # fmt: skip


def functions() -> dict[str, object]:
    found = {}
    for path in FOLDER.glob("*/figures/*.py"):
        study, module = path.parts[-3], path.stem
        loaded = importlib.import_module(f"defectra.studies.{study}.figures.{module}")
        for name, value in inspect.getmembers(loaded, inspect.isfunction):
            if name.startswith("plot_") and value.__module__ == loaded.__name__:
                found[f"{study}.{module}.{name}"] = value
    return found


def without_numbers(row: dict) -> dict:
    def blank(value: object) -> object:
        if isinstance(value, float):
            return math.nan
        if isinstance(value, list) and value and isinstance(value[0], float):
            return [math.nan] * len(value)
        return value

    return {key: blank(value) for key, value in row.items()}


FEW = {
    "none": lambda rows: [],
    "one": lambda rows: rows[:1],
    "each once": lambda rows: rows,
    "two equal": lambda rows: [*rows, *rows],
    "no numbers": lambda rows: [without_numbers(r) for r in rows],
    "some without numbers": lambda rows: [*rows, *(without_numbers(r) for r in rows)],
}


def of_studies() -> dict[str, tuple[list[dict], object]]:
    """Cases that a study brings: `CASES` of tests/studies/<study>/figure_cases.py."""
    found = {}
    for path in sorted((PROJECT / "tests/studies").glob("*/figure_cases.py")):
        spec = importlib.util.spec_from_file_location(f"figure_cases_{path.parent.name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= module.CASES
    return found


CASES |= of_studies()


def test_no_figure_is_left_out():
    assert set(CASES) == set(functions())


@pytest.mark.parametrize(
    "few",  # all but the usual rows: make test-figures
    [pytest.param(f, marks=[] if f == "each once" else [pytest.mark.figures]) for f in FEW],
)
@pytest.mark.parametrize("name", CASES)
def test_a_figure_of_few_rows_is_drawn_or_says_why_not(tmp_path, name, few):
    rows, arguments = CASES[name]
    if few == "one" and len(rows) == 1:
        pytest.skip("the same as: each once")
    path = tmp_path / "figure.png"
    with warnings.catch_warnings():
        warnings.simplefilter("error", style.FigureWarning)
        warnings.simplefilter("error", RuntimeWarning)  # mean of nothing, log of zero
        warnings.simplefilter("error", UserWarning)  # limits that are one point, empty legends
        functions()[name](*arguments(FEW[few](rows)), path)
    assert path.read_bytes().startswith(b"\x89PNG")


@styled()
def plot_with_legend(x: list, y: list, path: object) -> None:
    """Two panels of one row, a line in each; the second fills the corner of its legend."""
    figure, axes = style.canvas(1, 2, (7.0, 3.0))
    axes[0, 0].plot([0, 1], [0, 0], label="flat")
    axes[0, 1].plot(x, y, label="a line that lies where the legend would")
    for axis in axes[0]:
        axis.set(xlim=(0, 1), ylim=(-0.1, 1), xlabel="x")
        axis.legend(loc="upper right")
    DRAWN.append(figure)
    style.save(figure, path)


DRAWN: list = []


@pytest.mark.parametrize(
    ("y", "is_below"), [([0, 0], False), ([0.9, 0.9], True), ([0.9, math.nan], False)]
)
def test_a_legend_over_data_goes_below_its_row_of_panels(tmp_path, y, is_below):
    plot_with_legend([0, 1], y, tmp_path / "figure.png")
    figure = DRAWN.pop()
    assert len(figure.axes) >= 2
    for axes in figure.axes:
        legend = axes.get_legend()
        assert not covered(axes, legend)
        labels = axes.xaxis.get_tightbbox()
        assert (legend.get_window_extent().y1 < labels.y0) == is_below
        assert legend.get_window_extent().y0 >= 0, "the layout has room for it"


@pytest.mark.parametrize("kind", ["points", "bars", "area", "band", "image", "text", "contour"])
def test_every_kind_of_mark_counts_as_covered(kind):
    figure, ((axis,),) = style.canvas(1, 1, (4.0, 3.0))
    draw = {
        "points": lambda: axis.scatter([0.85], [0.93]),
        "bars": lambda: axis.bar([0.8], [1.0], 0.3),
        "area": lambda: axis.fill_between([0, 1], [1, 1], alpha=0.2),
        "band": lambda: axis.axvspan(0.7, 0.9),
        "image": lambda: axis.imshow(np.eye(2), extent=(0, 1, 0, 1), aspect="auto"),
        "text": lambda: axis.text(0.7, 0.9, "a long label of a point"),
        "contour": lambda: axis.contour([0, 1], [0, 1], [[0, 1], [0, 1]], [0.85]),
    }
    axis.plot([0, 1], [0, 0], label="something")
    axis.set(xlim=(0, 1), ylim=(0, 1))
    legend = axis.legend(loc="upper right")
    figure.draw_without_rendering()
    assert not covered(axis, legend)
    draw[kind]()
    figure.draw_without_rendering()
    assert covered(axis, legend)


def test_an_end_that_is_not_known_has_no_bar_and_no_cap():
    lengths = style.bars([1.0, 2.0], [np.nan, 1.5], [1.2, np.nan])
    np.testing.assert_allclose(lengths, [[np.nan, 0.5], [0.2, np.nan]])
    _, axes = style.canvas(1, 1, (3.0, 2.0))
    _, caps, _ = axes[0, 0].errorbar([0, 1], [1.0, 2.0], lengths, fmt="o", capsize=3)
    drawn = [np.asarray(cap.get_ydata(), float) for cap in caps]
    assert sum(np.isfinite(y).sum() for y in drawn) == 2


def test_repeats_that_agree_give_no_negative_error_bar(tmp_path):
    """0.1 three times: their mean is larger than the largest by a rounding."""
    value = 0.1
    assert np.mean([value] * 3) > value
    bars = style.bars([np.mean([value] * 3)], [value], [value])
    assert (bars >= 0).all()
    row = CASES["nmc.models.plot_parity"][0][0]
    functions()["nmc.models.plot_parity"]([row] * 3, tmp_path / "parity.png")


def test_a_figure_that_fails_leaves_a_file_that_says_why(tmp_path, capsys):
    @style.styled()
    def plot_nonsense(rows: list, path: object) -> None:
        raise ValueError("'yerr' must not contain negative values, $x$")

    with pytest.warns(style.FigureWarning, match="yerr"):
        plot_nonsense([], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "Traceback" in capsys.readouterr().err, "the rule's log has it"
