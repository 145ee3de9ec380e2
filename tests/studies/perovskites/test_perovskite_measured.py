"""The step to measured gaps: physics of the ladder, forms that are known, intervals, bad input."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from defectra.core.errors import DataError
from defectra.core.paths import PROJECT
from defectra.core.records import Metric, Split
from defectra.core.store import Archive
from defectra.learn.committee import COMMITTEE, Answer
from defectra.studies.perovskites import (
    end_members,
    measured,
    measured_models,
    measured_scores,
    published,
    screen,
)
from defectra.studies.perovskites.checks_measured import checks_measured
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, X_IONS, parse_formula, shares_of
from defectra.studies.perovskites.elements import radii
from defectra.studies.perovskites.measured import COLUMNS, Measured
from defectra.studies.perovskites.measured_like import MeasuredLike
from defectra.studies.perovskites.measured_models import CHOSEN, FORMS, fit, leave_out
from defectra.studies.perovskites.runs import pure_of
from defectra.studies.perovskites.settings import Screen
from defectra.studies.perovskites.tables import RUNS, composition_columns

EVERY = measured.read_measured(PROJECT / "resources/perovskites/measured_gaps.csv")
USED = [c for c in EVERY if not c.disputed]
OWN = Archive(PROJECT / "resources/archive").read(RUNS)
IONS = {ion: {"radius": radius} for ion, radius in radii().items()}
# Stand-ins for the published gaps, which are never part of the project: they say nothing.
PUBLISHED = [
    {**composition_columns(pure_of(a, b, x)), "gap_PBE": 1.0, "gap_HSE": 2.0}
    for a, b, x in product(A_IONS, B_IONS, X_IONS)
]
X = measured.features([c.shares for c in USED], PUBLISHED, OWN, IONS)
Y = np.array([c.gap for c in USED])
LINE = FORMS["own HSE + spin-orbit, line"]


def reading(**other: object) -> dict[str, object]:
    row = dict.fromkeys(measured.READINGS_COLUMNS, "not stated")
    return row | {"formula": "CsPbI_3", "gap_eV": 1.7, "read_as": "quoted"} | other


def test_readings_of_one_compound_are_joined_and_contradictions_are_kept_apart():
    rows = [reading(gap_eV=g, phase=p) for g, p in ((1.7, "cubic"), (1.6, "not stated"), (2.1, ""))]
    (one,) = measured.measured(rows)
    assert (one.gap, one.low, one.high, one.readings, one.phase) == (1.7, 1.6, 2.1, 3, "cubic")
    assert one.disputed
    assert not measured.measured(rows[:2])[0].disputed


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"gap_eV": -1.2}, "line 2 .*no gap in eV"),
        ({"gap_eV": "n/a"}, "no gap in eV"),
        ({"gap_eV": 1550.0}, "no gap in eV"),
        ({"read_as": "remembered"}, "say in read_in"),
        ({"read_in": ""}, "say in read_in"),
        ({"formula": "CsPbI_2"}, "2 on site X where ABX3 has 3"),
        ({"formula": "CsTiI_3"}, "cannot be read|not known"),
    ],
)
def test_a_reading_that_is_none_is_refused_with_its_line(wrong, words):
    with pytest.raises(DataError, match=words):
        measured.measured([reading(**wrong)])


def test_every_reading_of_the_project_says_where_it_stands():
    assert len(EVERY) >= 20
    assert all(0.9 < c.low <= c.gap <= c.high < 4 for c in EVERY)
    assert "MASnBr_3" in {c.formula for c in EVERY if c.disputed}


def test_shares_need_no_grid_and_agree_with_it():
    a, b, x = shares_of("MA_0.4FA_0.6Sn_0.6Pb_0.4I_3")
    assert b[B_IONS.index("Sn")] == pytest.approx(0.6)
    assert a.sum() == b.sum() == x.sum() == pytest.approx(1)
    with pytest.raises(DataError, match="off the 1/8 grid"):
        parse_formula("CsSn_0.4Pb_0.6I_3")
    for formula in ("CsPbI_3", "K_0.125FA_0.875SnBr_1.5I_1.5"):
        compound = parse_formula(formula)
        for part, eighths in zip(shares_of(formula), (compound.a, compound.b, compound.x)):
            assert part * 8 == pytest.approx(eighths)


def test_the_ladder_of_an_end_member_is_the_archived_calculation():
    row = next(r for r in OWN if r["name"] == "CsPbI_3" and r["kind"] == "bands")
    below = measured.steps_below([shares_of("CsPbI_3")], PUBLISHED, OWN)
    assert below["own_HSE_SOC"][0] == pytest.approx(row["gap_HSE_SOC"])
    assert below["spin_orbit"][0] == pytest.approx(row["gap_HSE_SOC"] - row["gap_HSE"])
    assert below["gap_HSE_SOC"][0] == pytest.approx(2.0 + below["spin_orbit"][0])


def test_spin_orbit_coupling_closes_the_gap_most_in_lead_and_molecules_take_that_of_cesium():
    names = ["MAPbI_3", "CsPbI_3", "CsSnI_3", "CsGeI_3", "MASn_0.5Pb_0.5I_3"]
    shift = measured.steps_below([shares_of(n) for n in names], PUBLISHED, OWN)["spin_orbit"]
    assert shift[0] == shift[1] < -1.0
    assert shift[1] < shift[2] < shift[3] < 0
    assert shift[4] == pytest.approx((shift[0] + shift[2]) / 2)


def test_a_line_is_found_again_and_its_spread_grows_away_from_the_data():
    own = X[:, COLUMNS.index("own_HSE_SOC")]
    model = fit(LINE, X, 1.1 + 1.4 * own)
    mean, spread = model.predict(X)
    assert model.weights == pytest.approx([1.1, 1.4])
    assert mean == pytest.approx(1.1 + 1.4 * own)
    far = X[:1].copy()
    far[0, COLUMNS.index("own_HSE_SOC")] = 6.0
    assert model.predict(far)[1][0] > 2 * spread.max()


def test_shuffled_gaps_are_not_predicted():
    """The control that rings: the calculated gap has to say something about the measured one."""
    units = [c.formula for c in USED]
    order = np.random.default_rng(2501).permutation(len(Y))
    mean = np.array([np.delete(Y, k).mean() for k in range(len(Y))])
    baseline = np.sqrt(np.mean((mean - Y) ** 2))
    shuffled = leave_out(LINE, X, Y[order], units).mean - Y[order]
    assert np.sqrt(np.mean(shuffled**2)) > 0.9 * baseline
    assert np.sqrt(np.mean((leave_out(LINE, X, Y, units).mean - Y) ** 2)) < 0.5 * baseline


def test_what_is_left_out_takes_no_part(monkeypatch):
    seen = []

    def spy(form, x, y):
        seen.append(set(y))
        return fit(form, x, y)

    monkeypatch.setattr(measured_models, "fit", spy)
    y = Y + 1e-6 * np.arange(len(Y))
    units = measured_scores.units_of(USED)[str(Split.A_OUT)]
    leave_out(LINE, X, y, units)
    cations = list(dict.fromkeys(unit.split()[0] for unit in units))
    assert len(seen) == len(cations) > 2
    for name, training in zip(cations, seen):
        assert not training & {v for v, unit in zip(y, units) if name in unit.split()}


def test_too_few_or_missing_calculations_are_said():
    with pytest.raises(DataError, match="3 compounds, at least 4"):
        fit(LINE, X[:3], Y[:3])
    broken = X.copy()
    broken[0, 0] = np.nan
    with pytest.raises(DataError, match=r"runs\.csv"):
        fit(LINE, broken, Y)


def test_end_to_end_scores_checks_and_wider_intervals_for_unseen_ions(monkeypatch):
    few = {name: FORMS[name] for name in ("HSE, shifted", "own HSE + spin-orbit, line")}
    monkeypatch.setattr(measured_models, "FORMS", few)
    units = measured_scores.units_of(USED)
    held = {split: measured_scores.held_out(X, Y, units, split) for split in units}
    rows = measured_scores.metric_rows(USED, X[:, 0], held, 50, 1)
    assert {r["split"] for r in rows} == set(units)
    covered = {
        r["split"]: r["value"] for r in rows
        if (r["features"], r["metric"], r["subset"]) == (CHOSEN, Metric.COVERAGE_90, "all")
    }  # fmt: skip
    assert all(0.8 <= share <= 1.0 for share in covered.values())
    counts = {r["split"]: r["n_groups"] for r in rows if r["subset"] == "all"}
    assert counts == {"composition_out": len(USED), "A_out": 3, "B_out": 3, "X_out": 3}
    assert_over_ions(rows, held["X_out"], [c.ions("X") for c in USED])
    model = MeasuredLike.learn(EVERY, PUBLISHED, OWN, IONS)
    told = model.of([parse_formula(f) for f in ("CsPbI_3", "KPbI_3", "CsSr_0.5Pb_0.5I_3")])
    assert told.unseen == ["", "K", "Sr"]
    assert told.half[0] <= told.half[1]
    assert told.half[0] < told.half[2]
    answers = {c.formula: (c.gap, 0.1, "form") for c in EVERY}
    ladder = measured_scores.ladder(EVERY, answers, PUBLISHED, OWN, {"MAPbI_3": 2.1})
    lead = next(r for r in ladder if r["formula"] == "MAPbI_3")
    total = lead["gap_HSE_eV"] + lead["spin_orbit_eV"] + lead["rest_eV"]
    assert total == pytest.approx(lead["gap_measured_eV"])
    assert lead["model_less_label_eV"] == pytest.approx(0.1)
    found = [c.row() for c in checks_measured(rows, ladder)]
    assert {"measured_mapbi3", "measured_x_out", "measured_coverage_b_out"} <= {
        r["check_id"] for r in found
    }
    assert all(np.isfinite(r["ours"]) for r in found)


def assert_over_ions(rows: list[dict], held: measured_scores.Held, halides: list[str]) -> None:
    """The quotient of two errors, each halide left out of it in turn: Student's t of three."""
    own, constant = (held.mean[n] - Y for n in (CHOSEN, measured_models.CONSTANT))

    def share(kept: np.ndarray) -> float:
        return float(np.sqrt((own[kept] ** 2).mean() / (constant[kept] ** 2).mean()))

    names = np.array(halides)
    without = np.array([share(names != name) for name in np.unique(names)])
    half = 2.92 * np.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum())
    row = next(r for r in rows if (r["split"], r["subset"], r["metric"])
               == ("X_out", "all", Metric.RMSE_RATIO))  # fmt: skip
    whole = share(names == names)
    assert row["value"] == pytest.approx(whole)
    assert row["lo"] == pytest.approx(max(whole - half, 0.0), abs=1e-3)
    assert row["hi"] == pytest.approx(whole + half, abs=1e-3)


def test_ions_of_a_site_come_by_their_share():
    one = Measured("x", shares_of("Cs_0.25FA_0.75Sn_0.6Pb_0.4I_3"), 1.2, 1.2, 1.2, 1, "")
    assert [one.ions(site) for site in "ABX"] == ["FA Cs", "Sn Pb", "I"]


class Constant:
    """A model that says the same of every compound."""

    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, x: np.ndarray) -> Answer:
        n = len(x)
        return Answer({COMMITTEE: np.full(n, self.value)}, np.full(n, 0.1), np.ones(5) / 5)


def test_the_screen_asks_for_the_measured_like_gap():
    """All labels alike, HSE gaps inside the window throughout: the measured-like gap decides."""
    rows = [
        row | {"descriptors": [0.0] * 45, "name": row["name"], "kind": row["kind"]}
        for row in PUBLISHED
    ]
    ions = {i: v | {"electronegativity": 2.0} for i, v in IONS.items()}
    values = dict.fromkeys(screen.SCREENED, 1.5) | {"decomposition_HSE": -5.0, "level_A": -1.0}
    models = {target: Constant(value) for target, value in values.items()}
    references = [
        {"fidelity": "HSE", "A": a, "X": x, "offset_eV": 0.0, "excess_eV": 0.0, "consistent": "yes"}
        for a, x in product(A_IONS, X_IONS)
    ]
    like = MeasuredLike.learn(EVERY, PUBLISHED, OWN, IONS)
    space = [parse_formula(f) for f in ("MAPbI_3", "CsPbCl_3", "KSr_0.5Pb_0.5I_3")]
    found, _ = screen.predict(models, space, references, ions, rows, Screen(), like)
    by_name = {r["name"]: r for r in found}
    assert set(by_name["MAPbI_3"]) == set(screen.screened_table().names)
    assert by_name["MAPbI_3"]["passes"]
    assert not by_name["CsPbCl_3"]["passes"]
    assert by_name["MAPbI_3"]["gap_HSE"] == by_name["CsPbCl_3"]["gap_HSE"] == 1.5
    assert by_name["MAPbI_3"]["gap_HSE_SOC"] < 0.5
    assert by_name["KSr_0.5Pb_0.5I_3"]["gap_measured_unseen"] == "K Sr"
    left = {r["step"]: r["left"] for r in screen.funnel(found, Screen())}
    assert left["gap"] < left["all"] == 3


def test_mixing_columns_of_pure_and_half_mixed_cells():
    compounds = [parse_formula(f) for f in ("CsPbI_3", "MASn_0.5Pb_0.5I_3")]
    own = end_members.matrix(compounds, OWN)
    columns = end_members.mixing(compounds, own)
    assert columns.shape == (2, end_members.PAIRS + 7)
    assert columns[0, : end_members.PAIRS].sum() == 0
    assert columns[1, : end_members.PAIRS].sum() == pytest.approx(0.25)
    assert columns[:, end_members.PAIRS] == pytest.approx([1, 2])
    assert columns[:, end_members.PAIRS + 1] == pytest.approx([0, np.log(2)])
    assert columns[0, -2:] == pytest.approx([0, 0])
    lowest = next(r for r in OWN if r["name"] == "CsSnI_3" and r["kind"] == "bands")["gap_HSE"]
    assert columns[1, -1] == pytest.approx(lowest)
    assert columns[1, -2] > lowest


def test_predictions_of_others_are_read_by_name_and_correlated(tmp_path):
    names, optical, structural = (tmp_path / n for n in ("names.csv", "optical.txt", "cells.txt"))
    formulas = ["CsPbI_3", "CsPbI3", "MASn_0.6Pb_0.4I_3", "MAPbI_3", "CsSnI_3", "KPbI_3"]
    names.write_text("".join(f"{f},0.1\n" for f in formulas))
    values = np.arange(24.0).reshape(6, 4)
    np.savetxt(optical, values)
    np.savetxt(structural, values + 100)
    named = published.read_named(names, optical, structural)
    assert [row["name"] for row in named] == ["CsPbI_3", "MAPbI_3", "CsSnI_3", "KPbI_3"]
    assert named[0]["gap_HSE"] == 5.0
    assert named[0]["decomposition_HSE"] == 107.0
    screened = [{"name": row["name"], "gap_HSE": 2 * row["gap_HSE"] + k % 2}
                for k, row in enumerate(named)]  # fmt: skip
    known = [{"name": "CsPbI_3", "gap_HSE": 4.9}]
    rows = published.beside(named, screened, known, {"gap_HSE": "eV"})
    assert {r["label"] for r in rows} == {"gap_HSE"}
    found = published.correlation(rows, "gap_HSE")
    assert found.lo < found.value < found.hi < 1
    assert found.value > 0.98
    assert published.correlation(rows, "gap_HSE", unseen=True).n == 0
    np.savetxt(optical, values[:4])
    with pytest.raises(DataError, match="4 rows of 4 where 6 names"):
        published.read_named(names, optical, structural)
