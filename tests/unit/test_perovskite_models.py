"""Learners against functions that are known, the screen against probabilities done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from defectra.core.settings import Boosting
from defectra.learn import committee
from defectra.learn.committee import Committee
from defectra.learn.grouped_gp import GroupedGP
from defectra.learn.settings import CommitteeSettings
from defectra.studies.perovskites.fidelity import Cokriging, bought
from defectra.studies.perovskites.screen import inside
from defectra.studies.perovskites.settings import Criterion, Screen

GROUPS = ((0,), (1, 2))
SMALL = CommitteeSettings(
    boosting=Boosting(trees=20), networks=1, network_iterations=20, inner_folds=2
)


def sample(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).uniform(-1, 1, (n, 3))
    return x, 2 * x[:, 0] + np.sin(2 * x[:, 1]) * x[:, 2]


def test_gradient_of_the_evidence() -> None:
    x, y = sample(25)
    gp = GroupedGP(GROUPS)
    gp.fit(x, y)
    parts = gp._parts(gp._x, gp._x)
    theta = np.array([0.3, 0.5, -0.2, -1.0, -1.5, -2.0])
    target = (y - y.mean()) / y.std()
    error = check_grad(
        lambda t: gp._evidence(t, parts, target)[0],
        lambda t: gp._evidence(t, parts, target)[1],
        theta,
    )
    assert error < 1e-4


def test_gp_interpolates_and_carries_a_linear_trend_outwards() -> None:
    x, y = sample(60)
    new, truth = sample(40, seed=1)
    gp = GroupedGP(GROUPS).fit(x, y)
    mean, spread = gp.predict(new)
    assert np.sqrt(np.mean((mean - truth) ** 2)) < 0.05
    assert (spread > 0).all()
    far = np.array([[3.0, 0.0, 0.0]])
    mean, wide = gp.predict(far)
    assert mean[0] == pytest.approx(6.0, abs=1.0)
    assert wide[0] > spread.mean()


def test_left_out_rows_are_those_of_a_process_without_them() -> None:
    x, y = sample(40)
    gp = GroupedGP(GROUPS).fit(x, y)
    test = np.arange(30, 40)
    mean, spread = gp.left_out([np.arange(30), test])
    kernel = gp._kernel(gp.theta, *gp._parts(gp._x, gp._x))[1] + gp._noise(gp.theta) * np.eye(40)
    target = (y - y.mean()) / y.std()
    cross = kernel[30:, :30]
    own = cross @ np.linalg.solve(kernel[:30, :30], target[:30]) * y.std() + y.mean()
    rest = kernel[30:, 30:] - cross @ np.linalg.solve(kernel[:30, :30], cross.T)
    assert mean[test] == pytest.approx(own, abs=1e-8)
    assert spread[test] == pytest.approx(np.sqrt(np.diag(rest)) * y.std(), abs=1e-8)


def test_blocks_change_no_prediction() -> None:
    x, y = sample(30)
    gp = GroupedGP(GROUPS).fit(x, y)
    new = sample(2300, seed=4)[0]
    mean, spread = gp.predict(new)
    assert len(mean) == len(spread) == 2300
    kernel = gp._kernel(gp.theta, *gp._parts(gp._columns.apply(new[:9]), gp._x))[1]
    assert mean[:9] == pytest.approx(kernel @ gp._weights * y.std() + y.mean(), abs=1e-8)
    assert gp.predict(new[1990:2010])[0] == pytest.approx(mean[1990:2010], abs=1e-10)


def test_interval_grows_where_the_members_disagree() -> None:
    x, y = sample(80)
    model = Committee(GROUPS, ((0, 1, 2),), SMALL, 0).fit(x, y, list(range(80)))
    near = model.predict(sample(50, seed=5)[0]).half.mean()
    assert model.predict(np.full((1, 3), 6.0)).half[0] > 3 * near


def test_interval_of_the_committee_covers() -> None:
    x, y = sample(120)
    noise = np.random.default_rng(2).normal(0, 0.3, 320)
    new, truth = sample(200, seed=3)
    model = Committee(GROUPS, ((0, 1, 2),), SMALL, 0).fit(x, y + noise[:120], list(range(120)))
    answer = model.predict(new)
    covered = np.mean(np.abs(answer.means["committee"] - truth - noise[120:]) <= answer.half)
    assert 0.8 < covered < 0.98
    assert model.weights.sum() == pytest.approx(1.0)
    assert (model.weights >= 0).all()


def test_cokriging_uses_the_cheap_level() -> None:
    x, low = sample(80)
    high = 1.5 * low + 0.3 * x[:, 0]
    high_rows, low_rows = np.arange(8), np.arange(60)
    test = np.arange(60, 80)
    both = Cokriging(GROUPS).fit(x, low, low_rows, high, high_rows).predict(x[test])[0]
    alone = GroupedGP(GROUPS).fit(x[high_rows], high[high_rows]).predict(x[test])[0]
    error = [np.sqrt(np.mean((p - high[test]) ** 2)) for p in (both, alone)]
    assert error[0] < 0.3 * error[1]
    with pytest.raises(ValueError, match="low-fidelity value"):
        Cokriging(GROUPS).fit(x, low, high_rows, high, low_rows)


def test_no_budget_buys_more_than_it_pays_for() -> None:
    for method in ("single", "delta", "cokriging"):
        for budget in (5.0, 20.0, 50.0):
            high_rows, low_rows = bought(method, budget, 200, 20.0)
            assert high_rows >= 0
            assert high_rows == 0 or high_rows + low_rows / 20.0 <= budget


def test_probability_of_a_window() -> None:
    mean, spread = np.array([1.0, 0.0]), np.array([1.0, 0.5])
    rule = Criterion(target="gap_HSE", low=0.0, high=2.0)
    assert inside(mean, spread, rule) == pytest.approx([0.6826895, 0.4999683], abs=1e-6)
    rule = Criterion(target="gap_HSE", low=0.0)
    assert inside(mean, spread, rule)[1] == pytest.approx(0.5)


def test_bad_criteria_are_refused() -> None:
    with pytest.raises(ValueError, match="give low, high or both"):
        Criterion(target="gap_HSE")
    with pytest.raises(ValueError, match=r"low 2.0 is not below 1.0"):
        Criterion(target="gap_HSE", low=2.0, high=1.0)
    twice = {n: Criterion(target="gap_HSE", low=1.0) for n in ("one", "two")}
    with pytest.raises(ValueError, match="each target once"):
        Screen(criteria=twice)


def test_own_ends_are_averaged_and_a_missing_one_is_not_invented():
    from defectra.studies.perovskites import end_members, runs
    from defectra.studies.perovskites.compounds import Compound

    one, two = (runs.pure_of("Cs", b, "I") for b in ("Sn", "Pb"))
    mixed = Compound(one.a, tuple((p + q) // 2 for p, q in zip(one.b, two.b)), one.x)
    hybrid, other = runs.pure_of("MA", "Pb", "I"), runs.pure_of("K", "Pb", "I")
    found = [
        {"name": c.name, "kind": kind, "status": "ok", "gap_PBE": gap - 0.7, "gap_HSE": gap,
         "lattice": size, "bulk_modulus": 15.0}
        for c, gap, size in ((one, 0.9, 6.2), (two, 1.9, 6.4))
        for kind in ("bands", "equation_of_state")
    ]  # fmt: skip
    rows = end_members.matrix([one, two, mixed, hybrid, other], found)
    assert rows.shape == (5, end_members.COLUMNS)
    assert rows[2, :4] == pytest.approx([0.7, 1.4, 6.3, 15.0])
    assert rows[2, 4:8] == pytest.approx([0.9, 1.9, 0.5, 0.1])
    assert 0.9 < rows[2, 8] < 1.4
    assert rows[3] == pytest.approx(rows[1])  # Cs stands for MA
    assert rows[0, 6] == pytest.approx(0.0)
    assert np.isnan(rows[4, :4]).all()


def test_intervals_widen_where_few_groups_were_left_out() -> None:
    """Four cations say less about a fifth than their 60 rows seem to: Student's t with 4."""
    x, y = sample(60)
    alone = Committee(GROUPS, GROUPS, SMALL, 0).fit(x, y, list(range(60)))
    assert committee._few(60, 60) == 1.0
    assert committee._few(4, 60) == pytest.approx(2.1318 / 1.6449, abs=1e-4)
    assert committee._few(2, 60) > committee._few(4, 60) > committee._few(15, 60) > 1
    assert np.isfinite(alone.predict(x[:3]).half).all()
