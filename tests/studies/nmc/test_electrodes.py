"""Measured electrodes: lithium, oxidation state of nickel, and errors over series."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from test_nmc_block_models import GRIDS, curve, planted

from defectra.core.claims import Outcome
from defectra.core.csvs import read_csv, write_csv
from defectra.core.errors import DataError
from defectra.spectra.align import points
from defectra.spectra.measured_series import Series
from defectra.studies.nmc.measured import electrode_nickel, electrode_scores, electrodes
from defectra.studies.nmc.measured.checks import electrode_checks
from defectra.studies.nmc.measured.lithium_shift import LithiumShift

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
    return electrodes.read_charge(path)


def test_lithium_over_voltage_and_a_table_that_is_none(tmp_path):
    found = charge(tmp_path / "c.csv")
    assert found.lithium(("1C",), 3.9) == (pytest.approx(0.55, abs=0.01), 0.0)
    assert found.lithium(("2D", "10D"), 3.0)[0] == pytest.approx(1.0, abs=0.01)
    assert found.lithium((), np.nan) == (1.0, 0.0)
    with pytest.raises(DataError, match="runs to"):
        found.lithium(("1C",), 5.2)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no table of charge"):
        electrodes.read_charge(tmp_path / "bad.csv")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Electrodes of two cells whose spectra are those of the blocks, on axes of their own."""
    truth = charge(tmp_path_factory.mktemp("charge") / "c.csv")
    rows = [r | {"lithium": min(1.0, r["lithium"])} for r in planted(blocks=16)]
    energy, grid = points(GRIDS["Ni K"]), 8330.0 + 0.4 * np.arange(88)
    rng, mu = np.random.default_rng(5), []
    for axis in (1.2, -0.8):
        for cycles, volts in electrodes._CYCLES:
            plain = np.array(curve("Ni K", truth.lithium(cycles, volts)[0], 0, 0, rng))
            mu.append(np.interp(grid - axis, energy, plain))
    cells = tuple(name for name in CELLS for _ in electrodes._CYCLES)
    series = Series(cells, np.full(16, np.nan), np.array(mu) / np.max(mu))
    return rows, energy, series, truth


@pytest.fixture(scope="module")
def found(measured):
    rows, energy, series, truth = measured
    return electrodes.measure(rows, energy, series, truth, None, 1)


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
        electrodes.measure(rows, energy, short, truth, None, 1)


def of(found, method, quantity="nickel_state"):
    return [r for r in found if (r["quantity"], r["method"]) == (quantity, method)]


def test_the_state_of_nickel_comes_back_with_its_interval(found, tmp_path):
    own = of(found, electrode_nickel.MOMENTS)
    lithium = [r["truth"] for r in of(found, "kernel", "x_Li")]
    error = np.array([r["value"] - (4 - x) for r, x in zip(own, lithium)])  # as it was planted
    half = 1.645 * np.array([r["sd"] for r in own])
    assert (half > 0).all()
    assert (np.abs(error) <= 3 * half).all()
    assert np.sqrt((error**2).mean()) < 0.1
    charged = {(r["composition"], r["cycle"]): r for r in own}
    first = charged["NMC622", "pristine"]
    assert first["truth"] == pytest.approx((4 - 1.0 - 4 * 0.2 - 3 * 0.2) / 0.6)
    assert first["truth_half"] == 0.0
    assert charged["NMC721", "2C or 5C or 10C"]["voltage_V"] == 4.8
    write_csv(tmp_path / "e.csv", found, electrodes.EXPERIMENT_COLUMNS)
    again = read_csv(tmp_path / "e.csv", electrodes.EXPERIMENT_COLUMNS)
    assert np.isnan(again[0]["voltage_V"])
    assert {r["cycle"] for r in again} == {r["cycle"] for r in found}


def test_every_method_is_scored_beside_its_baselines(found, measured):
    states = [electrode_nickel.of_cell(r) for r in measured[0]]
    (mean,) = {round(r["value"], 9) for r in of(found, electrode_nickel.MEAN)}
    assert mean == pytest.approx(np.mean([s.value for s in states]))
    capped = {r["capped_cells"] for r in of(found, electrode_nickel.CHARGE)}
    assert capped == {sum(s.beyond != 0 for s in states)}
    assert 0 < capped.pop() < len(states)
    for method in (electrode_nickel.CHARGE, electrode_nickel.CHANGE, electrode_nickel.MEAN):
        assert electrode_scores.rmse(found, method, "nickel_state").n == 2
    told = {c.check_id for c in electrode_checks(found)}
    assert {"experiment_nickel", "experiment_nickel_less_mean"} <= told


def test_the_interval_is_that_of_held_out_cells_and_unknown_cells_teach_nothing(measured):
    rows, energy, series, truth = measured
    rng = np.random.default_rng(2)
    noisy = [r | {"nickel_state": r["nickel_state"] + 0.3 * rng.normal()} for r in rows]
    one = replace(series, composition=series.composition[:8], mu=series.mu[:8])
    found = electrodes.measure(noisy, energy, one, truth, None, 1)
    sd = [r["sd"] for r in of(found, electrode_nickel.MOMENTS)]
    assert sd == pytest.approx([0.3] * 8, rel=0.3)
    blank = [r | {"nickel_state": float("nan")} for r in rows]
    found = electrodes.measure(blank, energy, one, truth, None, 1)
    assert np.isnan([r["value"] for r in of(found, electrode_nickel.MOMENTS)]).all()
    rest = [r["value"] for r in found if r["method"] != electrode_nickel.MOMENTS]
    assert np.isfinite(rest).all()


@pytest.mark.parametrize(
    ("composition", "lithium", "state", "beyond"),
    [("NMC111", 1.0, None, 0), ("NMC622", 1.0, 8 / 3, 0.0), ("NMC622", 0.2, 4.0, 0.0),
     ("NMC811", 0.0, 4.0, 0.1), ("NMC532", 1.0, 2.4, 0.0)],
)  # fmt: skip
def test_charge_neutrality(composition, lithium, state, beyond):
    if state is None:
        with pytest.raises(ValueError, match="does not fit"):
            electrode_nickel.by_charge(composition, lithium)
        return
    found = electrode_nickel.by_charge(composition, lithium)
    assert found == (pytest.approx(state), pytest.approx(beyond))


def test_charge_is_kept_in_every_cell():
    """What nickel cannot give or hold stands beside its state; a vacancy gives two electrons."""
    cell = {"n_Ni": 0.5, "n_Mn": 0.3, "n_Co": 0.2, "lithium": 0.8, "vacancy": 0}
    for change in ({}, {"vacancy": 1}, {"lithium": 0.1}, {"lithium": 1.2, "vacancy": 1}):
        row = cell | change
        state = electrode_nickel.of_cell(row)
        metals = 0.5 * state.value + 0.3 * 4 + 0.2 * 3 + state.beyond
        assert row["lithium"] + metals == pytest.approx(2 * (2 - row["vacancy"] / 10))
        assert 2 <= state.value <= 4
    assert electrode_nickel.of_cell(cell | {"lithium": 0.1}).beyond > 0
    assert electrode_nickel.of_cell(cell | {"lithium": 1.2, "vacancy": 1}).beyond < 0


def test_baselines_of_the_series_follow_its_slope():
    """3 eV for each lithium that leaves NMC622 are 1.8 eV for each unit of state."""
    line = LithiumShift(3.0, 2.7, 3.3, "NMC622", "fast", 4)
    moved = np.array([0.0, 1.5, 2.4])
    for composition, slope in (("NMC622", 0.6), ("NMC721", 0.7)):
        own = electrode_nickel.Measured(composition, None, None, moved)
        told = electrode_nickel._by_series(own, line)
        start = electrode_nickel.by_charge(composition, 1.0).value
        peak = told[electrode_nickel.PEAK]
        np.testing.assert_allclose(peak.values, start + moved / 1.8)
        lithium = told[electrode_nickel.LITHIUM].values
        np.testing.assert_allclose(lithium, np.minimum(start + moved / 3.0 / slope, 4.0))
        assert (np.diff(peak.sd) > 0).all()


def rows_of(errors, sd=0.1):
    return [
        {"composition": name, "quantity": "x_Li", "method": "kernel", "value": 0.5 + e, "sd": sd,
         "truth": 0.5, "scored": 1}
        for name, some in errors.items() for e in some
    ]  # fmt: skip


def test_errors_of_one_cell_are_not_counted_as_independent():
    rows = rows_of({"NMC622": [0.1, -0.1], "NMC721": [0.2, -0.2]})
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
    rows = rows_of({"NMC622": [0.01, -0.01]})
    assert np.isnan(electrode_scores.rmse(rows, "kernel").hi)
    told = {c.check_id: c for c in electrode_checks(rows)}
    assert told["experiment_x_Li_kernel"].row()["verdict"] == Outcome.OPEN


def test_share_within_the_interval():
    for sd, share in ((1.0, 1.0), (1e-9, 0.0)):
        rows = rows_of({"NMC622": [0.1, -0.1], "NMC721": [0.2, -0.2]}, sd)
        assert electrode_scores.inside(rows, "kernel") == (share, share, share, 2)
    lost = rows_of({"NMC622": [float("nan")], "NMC721": [0.2]})
    assert electrode_scores.rmse(lost, "kernel").n == 0
