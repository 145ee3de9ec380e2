"""Signs of axes: what is added to computed energies, and what to measured ones."""

from __future__ import annotations

import numpy as np
import pytest
from test_nmc_block_models import GRIDS, planted

from benchmarks.axes import of_crystals, of_electrodes
from defectra.cli.predict_edges import doubts
from defectra.core.csvs import write_csv
from defectra.core.errors import DataError
from defectra.core.paths import PROJECT
from defectra.learn.edges_model import KnownAxis, load_edges_model
from defectra.studies.nmc.blocks.evaluate import HALVES_COLUMNS
from defectra.studies.nmc.blocks.saved import AXES_COLUMNS, read_axes, save
from defectra.studies.nmc.measured.electrode_models import Aligned

HALVES = [dict(zip(HALVES_COLUMNS, ("Ni K", "x_Li", 0.1), strict=True))]
NO_NUMBER = float("nan")


def peak(energy, at):
    return np.exp(-0.5 * ((energy - at) / 4) ** 2) + 1 / (1 + np.exp(-(energy - at + 8)))


def test_what_is_added_to_measured_energies_brings_them_onto_the_computed_axis():
    """A measured peak 1.5 eV above the computed one: its axis is to be moved down."""
    energy, grid = np.arange(8330.0, 8375.0, 0.25), np.arange(8330.0, 8378.0, 0.4)
    computed, measured = peak(energy, 8350.0), peak(grid, 8351.5)
    found = Aligned.on_first(computed, energy, grid, measured[None]).alignment
    row = {"cycle": "pristine", "quantity": "x_Li", "method": "kernel", "composition": "NMC622",
           "shift_eV": found.shift, "shift_sd_eV": 0.3}  # fmt: skip
    axis = of_electrodes([row])
    assert axis["shift_eV"] == pytest.approx(-1.5, abs=0.15)
    onto = grid + axis["shift_eV"]
    assert onto[measured.argmax()] == pytest.approx(energy[computed.argmax()], abs=0.5)
    crystal = {"element": "Ni", "crystal": "NiO", "computed_peak_eV": 8354.0}
    same = of_crystals([crystal | {"measured_peak_eV": 8351.5}], {"Ni K": -4.0})
    assert same[0]["shift_eV"] == pytest.approx(-1.5)
    assert of_crystals([crystal | {"measured_peak_eV": NO_NUMBER}], {"Ni K": -4.0}) == []


def test_series_that_differ_widen_the_standard_deviation():
    row = {"cycle": "pristine", "quantity": "x_Li", "method": "kernel", "shift_sd_eV": 0.3}
    rows = [
        row | {"composition": "A", "shift_eV": 1.0},
        row | {"composition": "B", "shift_eV": 2.0},
    ]
    found = of_electrodes([*rows, row | {"composition": "C", "cycle": "1C", "shift_eV": 9.0}])
    assert found["shift_eV"] == -1.5
    assert found["sd_eV"] == pytest.approx(np.hypot(0.3, np.sqrt(0.5)))


def test_the_model_says_what_is_known_of_the_axis_of_each_edge(tmp_path):
    axes = {"Ni K": KnownAxis(-1.1, 0.3, "two electrodes"), "Mn K": KnownAxis(-0.0, None, "MnO2")}
    rows = planted(blocks=4)
    save(rows, GRIDS, HALVES, 1, tmp_path / "edges.npz", axes)
    model = load_edges_model(tmp_path / "edges.npz")
    assert model.about.axes == axes
    reason = doubts(model, ["Ni K", "O K"], None, {"Ni K": 0.5, "O K": 0.5})[0]
    assert "Ni K needs a shift of -1.1 eV (standard deviation 0.3 eV), by two electrodes" in reason
    assert "the computed axis of O K was compared with no measurement" in reason
    assert "Mn K" not in reason
    save(rows, GRIDS, HALVES, 1, tmp_path / "plain.npz")
    assert load_edges_model(tmp_path / "plain.npz").about.axes == {}


def test_the_shipped_axes_are_read_and_a_shift_that_is_none_is_refused(tmp_path):
    shipped = read_axes(PROJECT / "resources/nmc/axes.csv")
    assert shipped["Ni K"].shift < 0  # measured pristine electrodes lie above the computed ones
    assert shipped["Mn K"].sd is None
    model = load_edges_model(PROJECT / "resources/models/nmc_edges.npz")
    assert model.about.axes == shipped
    row = dict(zip(AXES_COLUMNS, ("Ni K", NO_NUMBER, 0.3, "nothing"), strict=True))
    write_csv(tmp_path / "axes.csv", [row], AXES_COLUMNS)
    with pytest.raises(DataError, match="shift_eV of Ni K is no number"):
        read_axes(tmp_path / "axes.csv")
