"""Measured electrodes: lithium, oxidation state of nickel, and errors over series."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from test_nmc_block_models import GRIDS, curve, planted

from defectra.core.claims import Outcome
from defectra.core.csvs import read_csv, write_csv
from defectra.core.errors import DataError
from defectra.spectra.align import points
from defectra.spectra.measured_series import Series
from defectra.studies.nmc import electrode_scores, experiment
from defectra.studies.nmc.electrode_nickel import by_charge
from defectra.studies.nmc.experiment_checks import electrode_checks

CELLS = ("NMC622", "NMC721")


def charge(path):
    """Straight cycles: 3.0 V at lithium 1.0 (charge), 4.8 V at 0.1, and back."""
    volts = np.linspace(3.0, 4.8, 200)
    lithium = 1.0 - 0.9 * (volts - 3.0) / 1.8
    names = ["1C", "1D", "2C", "2D", "5C", "5D", "10C", "10D"]
    with path.open("w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["V", "Q", "Li"] * len(names))
        out.writerow([c for n in names for c in (n, "", "")])
        for k in range(200):
            order = [k if n.endswith("C") else 199 - k for n in names]
            out.writerow([v for i in order for v in (volts[i], 0.0, lithium[i])])
    return experiment.read_charge(path)


def test_lithium_over_voltage_and_a_table_that_is_none(tmp_path):
    found = charge(tmp_path / "c.csv")
    assert found.lithium(("1C",), 3.9) == (pytest.approx(0.55, abs=0.01), 0.0)
    assert found.lithium(("2D", "10D"), 3.0)[0] == pytest.approx(1.0, abs=0.01)
    assert found.lithium((), np.nan) == (1.0, 0.0)
    with pytest.raises(DataError, match="runs to"):
        found.lithium(("1C",), 5.2)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no table of charge"):
        experiment.read_charge(tmp_path / "bad.csv")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Electrodes of two cells whose spectra are those of the blocks, on axes of their own."""
    truth = charge(tmp_path_factory.mktemp("charge") / "c.csv")
    rows = [r | {"lithium": min(1.0, r["lithium"])} for r in planted(blocks=16)]
    energy, grid = points(GRIDS["Ni K"]), 8330.0 + 0.4 * np.arange(88)
    rng, mu = np.random.default_rng(5), []
    for axis in (1.2, -0.8):
        for cycles, volts in experiment._CYCLES:
            plain = np.array(curve("Ni K", truth.lithium(cycles, volts)[0], 0, 0, rng))
            mu.append(np.interp(grid - axis, energy, plain))
    cells = tuple(name for name in CELLS for _ in experiment._CYCLES)
    series = Series(cells, np.full(16, np.nan), np.array(mu) / np.max(mu))
    return rows, energy, series, truth


@pytest.fixture(scope="module")
def found(measured):
    rows, energy, series, truth = measured
    return experiment.measure(rows, energy, series, truth, None, 1)


def test_lithium_of_electrodes_comes_back_from_planted_spectra(found, measured):
    rows, energy, series, truth = measured
    assert {r["method"] for r in found} >= {"kernel", "peak position"}
    shifts = {r["composition"]: r["shift_eV"] for r in found}
    assert shifts == {"NMC622": pytest.approx(1.2, abs=0.3), "NMC721": pytest.approx(-0.8, abs=0.3)}
    own = electrode_scores.rmse(found, "kernel")
    assert own.n == 2
    assert own.lo <= own.value < 0.2
    assert electrode_scores.rmse_less(found, "kernel", "mean of the training rows").value < 0
    short = Series(("NMC622",) * 3, np.full(3, np.nan), series.mu[:3])
    with pytest.raises(DataError, match="3 measured spectra"):
        experiment.measure(rows, energy, short, truth, None, 1)


def test_the_state_of_nickel_comes_back_with_its_interval(found, tmp_path):
    own = [r for r in found if r["method"] == "kernel"]
    error = np.array([r["nickel_state"] - (4 - r["truth"]) for r in own])  # as it was planted
    half = np.array([r["nickel_half"] for r in own])
    assert (half > 0).all()
    assert (np.abs(error) <= 3 * half).all()
    assert np.sqrt((error**2).mean()) < 0.1
    charged = {(r["composition"], r["cycle"]): r for r in own}
    first = charged["NMC622", "pristine"]
    assert first["nickel_by_charge"] == pytest.approx((4 - 1.0 - 4 * 0.2 - 3 * 0.2) / 0.6)
    assert first["nickel_by_charge_half"] == 0.0
    assert charged["NMC721", "2C or 5C or 10C"]["voltage_V"] == 4.8
    write_csv(tmp_path / "e.csv", found, experiment.EXPERIMENT_COLUMNS)
    again = read_csv(tmp_path / "e.csv", experiment.EXPERIMENT_COLUMNS)
    assert np.isnan(again[0]["voltage_V"])
    assert {r["cycle"] for r in again} == {r["cycle"] for r in found}


def test_the_interval_is_that_of_held_out_cells(measured):
    rows, energy, series, truth = measured
    rng = np.random.default_rng(2)
    noisy = [r | {"nickel_state": r["nickel_state"] + 0.3 * rng.normal()} for r in rows]
    found = experiment.measure(noisy, energy, series, truth, None, 1)
    halves = {r["composition"]: r["nickel_half"] for r in found}
    assert list(halves.values()) == pytest.approx([1.645 * 0.3] * 2, rel=0.3)


def test_cells_whose_state_is_not_known_teach_nothing(measured):
    rows, energy, series, truth = measured
    blank = [r | {"nickel_state": float("nan")} for r in rows]
    found = experiment.measure(blank, energy, series, truth, None, 1)
    assert np.isnan([r["nickel_state"] for r in found]).all()
    assert np.isfinite([r["x"] for r in found]).all()


@pytest.mark.parametrize(
    ("composition", "lithium", "state"),
    [("NMC111", 1.0, None), ("NMC622", 1.0, 8 / 3), ("NMC622", 0.2, 4.0), ("NMC811", 0.0, 33 / 8),
     ("NMC532", 1.0, 2.4)],
)  # fmt: skip
def test_charge_neutrality(composition, lithium, state):
    if state is None:
        with pytest.raises(ValueError, match="does not fit"):
            by_charge(composition, lithium)
        return
    assert by_charge(composition, lithium) == pytest.approx(state)


def electrodes(errors, sd=0.1):
    return [
        {"composition": name, "method": "kernel", "x": 0.5 + e, "x_sd": sd, "truth": 0.5,
         "scored": 1}
        for name, some in errors.items() for e in some
    ]  # fmt: skip


def test_errors_of_one_cell_are_not_counted_as_independent():
    rows = electrodes({"NMC622": [0.1, -0.1], "NMC721": [0.2, -0.2]})
    found = electrode_scores.rmse(rows, "kernel")
    assert electrode_scores.rmse_of_series(rows, "kernel") == {
        "NMC622": pytest.approx(0.1), "NMC721": pytest.approx(0.2)
    }  # fmt: skip
    assert found.value == pytest.approx(np.sqrt(0.025))
    half = 6.314 * 0.1 / np.sqrt(2) / np.sqrt(2)  # Student's t of one degree of freedom
    assert found.hi == pytest.approx(found.value + half, rel=1e-3)
    assert (found.lo, found.n) == (0.0, 2)
    # The same electrodes ten times over tell no more of a third cell.
    assert electrode_scores.rmse(rows * 10, "kernel") == pytest.approx(found)


def test_one_cell_alone_decides_no_check():
    rows = electrodes({"NMC622": [0.01, -0.01]})
    assert np.isnan(electrode_scores.rmse(rows, "kernel").hi)
    told = {c.check_id: c for c in electrode_checks(rows)}
    assert told["experiment_x_Li_kernel"].row()["verdict"] == Outcome.OPEN


def test_share_within_the_interval():
    for sd, share in ((1.0, 1.0), (1e-9, 0.0)):
        rows = electrodes({"NMC622": [0.1, -0.1], "NMC721": [0.2, -0.2]}, sd)
        assert electrode_scores.inside(rows, "kernel") == (share, share, share, 2)
    lost = electrodes({"NMC622": [float("nan")], "NMC721": [0.2]})
    assert electrode_scores.rmse(lost, "kernel").n == 0
