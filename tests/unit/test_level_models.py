"""Closed forms against brute force, no leak into a left-out group, planted fidelities found."""

import numpy as np
import pytest

from defectra.core.records import Metric, Split
from defectra.learn.fidelity import METHODS, Pair
from defectra.studies.levels import gaussian_process, learning_curves
from defectra.studies.levels.evaluate import (
    DECLARED,
    WITH_HOST,
    Answer,
    Data,
    assemble,
    metrics_rows,
    ordered,
    prediction_rows,
)
from defectra.studies.levels.features import defects, flat_ladder, long_matrix
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.nested import final_scales, leave_out
from defectra.studies.levels.published import VACANCY
from defectra.studies.levels.settings import Acquisition, Kernel, LevelsStudy, Multifidelity
from defectra.studies.levels.whole_space import next_runs, predict_space, read_predictions

HOSTS = ["CdTe", "ZnSe", "GaAs", "InP", "Si"]
IMPURITIES = ["Cu", "As", "Cl", VACANCY]
KERNEL = Kernel()


@pytest.fixture
def hosts(root):
    return read_hosts(root / "resources" / "levels" / "hosts.csv")


@pytest.fixture
def world(hosts):
    keys = [(h, s, m) for h in HOSTS for m in IMPURITIES for s in ("M_A", "M_B")]
    generator = np.random.default_rng(1)
    labels = np.sort(generator.normal(0.5, 1.0, (len(keys), 6)), axis=1)
    scored = np.array([k[2] != VACANCY for k in keys])
    return Data(keys, ["II-VI"] * len(keys), labels, scored, defects(keys, hosts))


def brute(world, train, test):
    rows = world.descriptors
    prior = gaussian_process.covariance(rows, rows, KERNEL) + np.diag(
        gaussian_process.noise(rows, KERNEL)
    )
    inner, cross = prior[np.ix_(train, train)], prior[np.ix_(test, train)]
    value = cross @ np.linalg.solve(inner, world.labels[train])
    variance = np.diag(prior[np.ix_(test, test)] - cross @ np.linalg.solve(inner, cross.T))
    return value, variance


def test_left_out_group_in_closed_form_is_the_refitted_model(world):
    fitted = gaussian_process.fit(world.descriptors, world.labels, KERNEL)
    for rows in gaussian_process.members(world.groups(Split.HOST_OUT)):
        others = np.setdiff1d(np.arange(len(world.keys)), rows)
        want = brute(world, others, rows)
        for found, known in zip(fitted.without(rows), want):
            np.testing.assert_allclose(found, known, atol=1e-8)


def test_predict_is_the_left_out_answer(world):
    rows = gaussian_process.members(world.groups(Split.HOST_OUT))[0]
    others = np.setdiff1d(np.arange(len(world.keys)), rows)
    train, new = world.descriptors.take(others), world.descriptors.take(rows)
    part = gaussian_process.fit(train, world.labels[others], KERNEL)
    whole = gaussian_process.fit(world.descriptors, world.labels, KERNEL)
    for found, known in zip(
        gaussian_process.predict(part, train, new, KERNEL), whole.without(rows)
    ):
        np.testing.assert_allclose(found, known, atol=1e-8)


def test_covariance_is_positive_and_a_suspect_row_counts_less_but_has_no_wider_interval(world):
    assert (
        np.linalg.eigvalsh(
            gaussian_process.covariance(world.descriptors, world.descriptors, KERNEL)
        ).min()
        > -1e-8
    )
    suspect = np.zeros(len(world.keys), bool)
    suspect[3] = True
    plain = gaussian_process.fit(world.descriptors, world.labels, KERNEL)
    doubt = gaussian_process.fit(world.descriptors, world.labels, KERNEL, suspect)
    rows = np.array([3])
    for one, other in zip(plain.without(rows), doubt.without(rows)):
        np.testing.assert_allclose(one, other, atol=1e-8)
    neighbour = np.array([4])
    assert not np.allclose(plain.without(neighbour)[0], doubt.without(neighbour)[0])


def test_nested_answers_do_not_see_the_left_out_labels(world):
    groups = world.groups(Split.HOST_OUT)
    changed = world.labels.copy()
    own = np.array([g == "GaAs" for g in groups])
    changed[own] += 50.0
    answers = []
    for labels in (world.labels, changed):
        kernels = gaussian_process.draw(KERNEL, 3, 0.4, 1)
        fits = [gaussian_process.fit(world.descriptors, labels, k) for k in kernels]
        answers.append(leave_out(fits, groups, world.scored, 0.9))
    np.testing.assert_allclose(answers[0].value[own], answers[1].value[own], atol=1e-6)
    np.testing.assert_allclose(answers[0].half[own], answers[1].half[own], atol=1e-6)
    assert (answers[0].choice[own] == answers[1].choice[own]).all()
    assert not np.allclose(answers[0].value[~own], answers[1].value[~own])


def test_intervals_cover_what_the_model_itself_drew(hosts):
    generator = np.random.default_rng(4)
    pool = ["Cu", "As", "Cl", "Al", "Ag", "P", "Fe", "Br"]
    keys = [(h, s, m) for h in sorted(hosts) for m in pool for s in ("M_A", "M_i_A")]
    rows = defects(keys, hosts)
    prior = gaussian_process.covariance(rows, rows, KERNEL) + np.diag(
        gaussian_process.noise(rows, KERNEL)
    )
    labels = np.linalg.cholesky(prior) @ generator.normal(size=(len(keys), 6))
    fits = [gaussian_process.fit(rows, labels, KERNEL)]
    scored = np.ones(len(keys), bool)
    found = leave_out(fits, [k[0] for k in keys], scored, 0.9)
    covered = (np.abs(found.value - labels) <= found.half).mean()
    assert 0.85 < covered < 0.95
    assert final_scales(fits[0], [k[0] for k in keys], scored, 0.9) == pytest.approx(1.64, abs=0.25)


def test_soft_order():
    levels = np.array([[0.0, 1.0, 0.4, 2.0, 3.0, 4.0]])
    assert ordered(levels, 0.0) == pytest.approx(levels)
    law = ordered(levels, 1.0)
    assert (np.diff(law, axis=1) >= -1e-12).all()
    assert law[0, 1] == pytest.approx(0.7)
    assert ordered(levels, 0.5)[0, 1] == pytest.approx(0.85)


def test_flat_ladders_are_seen():
    rising = [0.0, 0.4, 0.8, 1.2, 1.6, 2.0]
    flat = [-2.91, -2.91, -2.9, -2.9, -2.9, 1.23]
    assert flat_ladder(np.array([rising, flat])).tolist() == [False, True]


def test_long_matrix_has_a_row_for_each_level(world):
    wide = long_matrix(world.descriptors, with_host=True)
    assert len(wide) == 6 * len(world.keys)
    assert wide[:6, -1].tolist() == [3, 2, 1, 0, -1, -2]
    assert wide.shape[1] > long_matrix(world.descriptors, with_host=False).shape[1]


def test_metrics_are_pooled_and_averaged_and_native_defects_do_not_count(world):
    study = LevelsStudy(bootstrap=20, ordinary=["CdTe", "GaAs"])
    value = (
        world.labels + np.where(np.array([k[0] == "CdTe" for k in world.keys]), 1.0, 0.0)[:, None]
    )
    half = np.full(value.shape, 0.5)
    answer = Answer(DECLARED, WITH_HOST, Split.HOST_OUT, value, half)
    rows = prediction_rows(world, [answer])
    assert len(rows) == 6 * world.scored.sum()
    found = {(r["subset"], r["metric"]): r["value"] for r in metrics_rows(rows, study, 1)}
    assert found["all", Metric.RMSE] == pytest.approx(np.sqrt(1 / 5))
    assert found["all", Metric.RMSE_GROUPS] == pytest.approx(1 / 5)
    assert found["ordinary hosts", Metric.RMSE_GROUPS] == pytest.approx(1 / 2)
    assert found["without CdTe", Metric.RMSE] == pytest.approx(0.0, abs=1e-12)
    assert found["all", Metric.COVERAGE_90] == pytest.approx(4 / 5)
    assert found["host CdTe", Metric.COVERAGE_90] == pytest.approx(0.0)


def test_assemble_keeps_rows_in_sixes(hosts):
    rows = [
        {
            "host": "GaAs",
            "family": "III-V",
            "site": "M_A",
            "impurity": m,
            "kind": "impurity",
            "q_from": q,
            "level_eV": float(k),
        }
        for m in ("Cu", "Zn")
        for k, q in enumerate((3, 2, 1, 0, -1, -2))
    ]
    data = assemble(rows, hosts)
    assert data.keys == [("GaAs", "M_A", "Cu"), ("GaAs", "M_A", "Zn")]
    assert data.labels[1].tolist() == [0, 1, 2, 3, 4, 5]


def space_of(world, hosts):
    keys = [
        ("CdTe", "M_A", "Cu"),
        ("CdTe", "M_A", "Ag"),
        ("Sn", "M_A", "Ag"),
        ("ZnSe", "M_A", "Fe"),
    ]
    return predict_space(world, hosts, {"krr": {k: [0.0] * 6 for k in keys}}, LevelsStudy())


def test_whole_space_has_intervals_and_the_published_beside(world, hosts):
    space = space_of(world, hosts)
    assert len(space) == 24
    assert all(r["lo_eV"] < r["level_eV"] < r["hi_eV"] for r in space)
    known = [r for r in space if r["impurity"] == "Cu"]
    assert [r["published_eV"] for r in known] == world.labels[
        world.keys.index(("CdTe", "M_A", "Cu"))
    ].tolist()
    assert {r["place"] for r in space if r["host"] == "Sn"} == {"host without a gap"}


def test_what_to_compute_next_leaves_out_the_known_and_ranks_by_gain_per_cost(world, hosts):
    ranked = next_runs(space_of(world, hosts), hosts, Acquisition(count=10))
    names = [(r["host"], r["impurity"]) for r in ranked]
    assert ("CdTe", "Cu") not in names  # computed already
    assert ("Sn", "Ag") not in names  # no gap
    assert set(names) == {("CdTe", "Ag"), ("ZnSe", "Fe")}
    values = [r["gain_per_cost"] for r in ranked]
    assert values == sorted(values, reverse=True)
    costly = next(r for r in ranked if r["impurity"] == "Fe")
    assert costly["cost_s"] > 0
    assert [r["rank"] for r in ranked] == [1, 2]
    assert all(len(r["charges"].split()) >= 2 for r in ranked)  # a level takes two charges


def test_published_predictions_are_checked(tmp_path):
    from defectra.core.errors import TableError

    heads = "AB,Site,M,(+3/+2),(+2/+1),(+1/0),(0/-1),(-1/-2),(-2/-3)\n"
    row = "GaAs,M_A,Cu,0,1,2,3,4,5\n"
    (tmp_path / "p.csv").write_text(heads + row)
    assert read_predictions(tmp_path / "p.csv")["GaAs", "M_A", "Cu"] == [0, 1, 2, 3, 4, 5]
    (tmp_path / "q.csv").write_text(heads + row + row)
    with pytest.raises(TableError, match="twice"):
        read_predictions(tmp_path / "q.csv")


def two_fidelities(n=60, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.uniform(-2, 2, (n, 2))

    def low_fidelity(z):
        return np.sin(2.2 * z[:, 0]) * np.cos(2.0 * z[:, 1])

    def high_fidelity(z):
        return 1.4 * low_fidelity(z) + 0.3 * z[:, 0] + 0.5

    return x, low_fidelity, high_fidelity


@pytest.mark.parametrize("known", [True, False])
def test_two_fidelities_beat_one_where_the_high_fidelity_is_planted_on_the_low_one(known):
    x, low, high = two_fidelities(220)
    few, new = x[:15], x[160:]
    blank = np.full(len(new), np.nan)
    pair = Pair(x[:160], low(x[:160]), few, high(few), low(few), new, low(new) if known else blank)
    error = {n: float(np.sqrt(((f(pair) - high(new)) ** 2).mean())) for n, f in METHODS.items()}
    for name in ("delta", "co-kriging"):
        assert error[name] < 0.8 * error["single fidelity"]
    if known:
        assert error["co-kriging"] < 0.2
    assert np.isfinite(error["fidelity as descriptor"])


def foundry(n_hosts=4, hse_share=0.5):
    from defectra.studies.levels.published import HSE, PBE

    generator = np.random.default_rng(2)
    rows = []
    pairs = [("Cd", "Te"), ("Zn", "Se"), ("Ga", "As"), ("In", "P")][:n_hosts]
    for a, b in pairs:
        for m in ("Cu", "Ag", "Al", "P", "Cl", "Fe"):
            for q in (2, 1, 0):
                pbe = 0.4 * (2 - q) + 0.1 * generator.normal()
                has = generator.random() < hse_share
                rows.append(
                    {
                        "host_material": a + b,
                        "host_element_a": a,
                        "host_element_b": b,
                        "impurity": m,
                        "site": f"M_{a}",
                        "charge_from": float(q),
                        "host bandgap": 1.5,
                        "host lattice constant": 6.0,
                        "host_epsilon": 10.0,
                        PBE: pbe,
                        HSE: 1.3 * pbe + 0.4 if has else np.nan,
                    }
                )
    return rows


def test_published_study_runs_when_its_table_is_there():
    settings = Multifidelity(repeats=2, fractions=[0.6, 1.0])
    found = learning_curves.curves(foundry(), settings, 1)
    assert {r["method"] for r in found} == set(METHODS)
    full = {r["method"]: r for r in found if r["fraction"] == 1.0}
    assert all(np.isfinite(r["rmse_eV"]) and r["n_test"] > 20 for r in full.values())
    assert len([r for r in found if r["fraction"] == 0.6]) == 2 * len(METHODS)


def test_three_rows_give_a_row_with_a_reason():
    (only,) = learning_curves.curves(foundry(1, 0.2), Multifidelity(), 1)
    assert "too few" in only["reason"]
    assert np.isnan(only["rmse_eV"])
