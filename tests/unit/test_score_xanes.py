"""Scorecard and figures of study `xanes`: verdicts are computed, empty tables are no crash."""

import numpy as np
import pytest

from defectra.core.records import SCORECARD_COLUMNS, Metric, Verdict
from defectra.studies.xanes import compare, delta, published, series
from defectra.studies.xanes.figures import features as figures
from defectra.studies.xanes.figures.series import plot_importance, plot_ladder, plot_series
from defectra.studies.xanes.ladder import ANATASE
from defectra.studies.xanes.scorecard import scorecard


def metric(target, features, model, subset, name, value, width=0.01):
    return {
        "target": target,
        "unit": "",
        "features": features,
        "model": model,
        "split": "grouped_5fold",
        "subset": subset,
        "fidelity": "FEFF9",
        "seed": 1,
        "n_train": 2.0,
        "n_test": 1.0,
        "n_groups": 3.0,
        "metric": str(name),
        "value": value,
        "lo": value - width,
        "hi": value + width,
    }


def check(whose, value):
    return {
        "check": "c",
        "kind": "regressor",
        "whose": whose,
        "published": 3.5,
        "ours": value,
        "tolerance": 1e-4,
    }


def test_published_checks_are_judged_and_their_authors_named():
    rows = scorecard([check(published.AUTHORS, 3.50005), check(published.OURS, 3.6)], [], [])
    assert [r["verdict"] for r in rows[:2]] == [Verdict.REPRODUCED, Verdict.NOT_REPRODUCED]
    assert rows[0]["source"] == "arXiv:2310.07049"
    assert rows[1]["source"].startswith("own")
    assert set(rows[0]) == set(SCORECARD_COLUMNS)
    assert all(r["verdict"] == Verdict.NO_DATA for r in rows[2:])


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(-0.1, "reproduced"), (-0.005, "close"), (0.005, "not reproduced"), (0.1, "not reproduced")],
)
def test_the_cdf_must_be_better_with_the_whole_interval_of_the_difference(difference, verdict):
    name = ("Cu valence", "shift 2 eV")
    rows = [
        metric(name[0], "intensity", compare.FOREST, name[1], Metric.RMSE, 0.4),
        metric(name[0], "cdf", compare.FOREST, name[1], Metric.RMSE, 0.4 + difference),
        metric(name[0], "cdf - intensity", compare.FOREST, name[1], Metric.RMSE_DIFFERENCE,
               difference),
    ]  # fmt: skip
    found = {r["claim_id"]: r for r in scorecard([], rows, [])}
    assert found["cdf_cu_valence_shift_2_ev"]["verdict"] == verdict


def test_delta_must_beat_the_correction_too():
    rows = [
        metric("Ti VASP spectrum", "FEFF", m, "all", Metric.RELATIVE_RMS, v)
        for m, v in ((delta.RAW, 0.3), (delta.CORRECTED, 0.2), (delta.DELTA, 0.25))
    ]
    found = {r["claim_id"]: r["verdict"] for r in scorecard([], rows, [])}
    assert found["delta_ti_raw"] == Verdict.REPRODUCED
    assert found["delta_ti_corrected"] == Verdict.NOT_REPRODUCED


def test_pristine_state_is_compared_with_charge_balance():
    row = {
        "composition": "NMC622",
        "number": 0.0,
        "voltage_V": float("nan"),
        "method": series.FOREST,
        "features": "cdf",
        "alignment": series.ALIGNED,
        "value": 2.7,
    }
    charged = row | {"voltage_V": 4.8, "value": 3.9}
    found = {r["claim_id"]: r for r in scorecard([], [], [charged, row])}
    assert found["pristine_nmc622_aligned_without_labels"]["ours"] == 2.7
    assert found["pristine_nmc622_not_aligned"]["verdict"] == Verdict.NO_DATA


def test_figures_are_drawn_from_few_rows(tmp_path):
    rows = [
        metric(t, f, compare.FOREST, s, figures.metric_of(t), 0.5)
        for t in figures.PANELS
        for f in ("intensity", "cdf")
        for s in ("as is", "shift 1 eV")
    ]
    rows += [
        metric(t, "none", compare.MEAN, "as is", figures.metric_of(t), 0.7) for t in figures.PANELS
    ]
    figures.plot_features(rows, tmp_path / "a.png")
    figures.plot_decay(rows, tmp_path / "b.png")
    figures.plot_delta([], [], tmp_path / "c.png")
    curve = {"energy_eV": np.arange(5.0).tolist(), "mu": np.arange(5.0).tolist()}
    rung = {
        "panel": ANATASE,
        "rung": "FEFF",
        "reference": "measured",
        "shift": 1.0,
        "shift_sd": 0.1,
        "fwhm": 1.0,
        "relative_rms": 0.1,
        "pearson": 0.9,
        "axis": "engine",
        "alignment": "fitted",
        "cpu_s": 3.0,
        **curve,
    }
    site = {"panel": "LiNiO2 O K, site O20"}
    top = rung | site | {"rung": "gpaw_corehole fast", "reference": "", "axis": "delta SCF"}
    site_rows = [rung | site | {"reference": "gpaw_corehole fast"}, top]
    others = [rung | {"panel": "Ni K a"}, rung | {"reference": ""}]
    plot_ladder([rung, *site_rows, *others], tmp_path / "d.png")
    plot_series([], tmp_path / "e.png")
    looked = [
        {"features": "cdf", "energy_eV": e, "importance": 1.0, "spectrum": 0.5} for e in (1.0, 2.0)
    ]
    plot_importance(looked, tmp_path / "f.png")
    assert all((tmp_path / f"{n}.png").stat().st_size > 5000 for n in "abcdef")
