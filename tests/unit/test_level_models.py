"""Closed forms against brute force, no leak into a left-out group, planted fidelities found."""

from dataclasses import replace

import numpy as np
import pytest

from defectra.core.records import Metric, Split
from defectra.learn.fidelity import METHODS, Pair
from defectra.studies.levels import declared, gaussian_process, learning_curves, learnt_kernel
from defectra.studies.levels.distances import HostRows
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
from defectra.studies.levels.features import Defects, defects, flat_ladder, long_matrix
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.intervals import Width, groups_within, learn_width
from defectra.studies.levels.nested import Candidate, Rows, leave_out
from defectra.studies.levels.published import VACANCY
from defectra.studies.levels.saved import KIND, load, train
from defectra.studies.levels.settings import (
    Acquisition,
    Kernel,
    Learning,
    LevelsStudy,
    Multifidelity,
)
from defectra.studies.levels.whole_space import next_runs, predict_space, read_predictions

HOSTS = ["CdTe", "ZnSe", "GaAs", "InP", "Si"]
IMPURITIES = ["Cu", "As", "Cl", VACANCY]
KERNEL = Kernel()
QUICK = LevelsStudy(candidates=2, learning=Learning(parts=3, most_per_host=5, steps=3))


def rows_of(world):
    groups = world.groups(Split.HOST_OUT)
    return Rows(groups, world.scored, HostRows.of(world.descriptors.host))


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
    groups = gaussian_process.members(world.groups(Split.HOST_OUT))
    assert len(groups) > 1
    for rows in groups:
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
    """Neither values nor widths nor the choice of form, though kernels are learnt."""
    groups = world.groups(Split.HOST_OUT)
    own = np.array([g == "GaAs" for g in groups])
    changed = world.labels.copy()
    changed[own] += 50.0
    answers = []
    for labels in (world.labels, changed):
        known = declared.Known(world.descriptors, labels, world.scored, groups)
        others = declared.isotropic(known, QUICK, 1)
        answers.append(declared.left_out(known, groups, Split.HOST_OUT, others, QUICK, 1))
    np.testing.assert_allclose(answers[0].value[own], answers[1].value[own], atol=1e-5)
    np.testing.assert_allclose(answers[0].half[own], answers[1].half[own], rtol=1e-4)
    assert (answers[0].choice[own] == answers[1].choice[own]).all()
    assert not np.allclose(answers[0].value[~own], answers[1].value[~own])


@pytest.mark.parametrize("split", [Split.HOST_OUT, Split.IMPURITY_OUT, Split.FAMILY_OUT])
def test_parts_hold_every_group_once(world, split):
    groups = world.groups(split)
    dealt = declared.parts(world.known(), groups, split, 3)
    assert sorted(name for part in dealt for name in part) == sorted(set(groups))


def test_inner_groups_are_answered_by_the_model_that_had_not_seen_them(world):
    """A second kernel for one inner group moves the width of the outer group, not its value."""
    rows = rows_of(world)
    plain = gaussian_process.fit(world.descriptors, world.labels, KERNEL)
    rough = KERNEL.model_copy(update={"noise": 3.0})
    other = gaussian_process.fit(world.descriptors, world.labels, rough)
    one = leave_out([Candidate(plain, {})], rows, 0.9, ["GaAs"])
    two = leave_out([Candidate(plain, {"ZnSe": other})], rows, 0.9, ["GaAs"])
    own = one.choice >= 0
    assert {g for g, answered in zip(rows.groups, own) if answered} == {"GaAs"}
    np.testing.assert_allclose(one.value[own], two.value[own])
    assert not np.allclose(one.half[own], two.half[own])


def test_slope_of_the_likelihood_is_that_of_finite_differences(world):
    start = learnt_kernel.LearntKernel.start(world.descriptors)
    generator = np.random.default_rng(3)
    vector = start.vector() + generator.normal(0, 0.3, len(start.vector()))
    suspect = np.arange(len(world.keys)) < 3

    def value(at):
        return learnt_kernel.likelihood(world.descriptors, world.labels, suspect, start.moved(at))

    slope, step = value(vector)[1], 1e-5
    assert np.abs(slope).max() > 0.1
    assert world.descriptors.gap.std() > 0  # else the reach would be tested on nothing
    for k in range(len(vector)):
        away = np.zeros(len(vector))
        away[k] = step
        found = (value(vector + away)[0] - value(vector - away)[0]) / (2 * step)
        assert slope[k] == pytest.approx(found, abs=1e-5)


def test_a_planted_length_is_learnt():
    """Labels that hang on one of independent descriptors shorten the length of that one."""
    generator = np.random.default_rng(0)
    count, which = 90, 4
    blocks = [generator.normal(size=(count, width)) for width in (7, 14, 9, 12)]
    site, gap = np.zeros(count, int), np.full(count, 1.5)
    rows = Defects(*blocks, site, np.zeros(count, bool), gap)
    labels = np.repeat(np.sin(2 * rows.impurity[:, [which]]), 6, axis=1)
    labels += generator.normal(0, 0.02, labels.shape)
    sound = np.zeros(count, bool)
    start = learnt_kernel.LearntKernel.start(rows)
    found = learnt_kernel.learn(rows, labels, sound, start, 15)
    before, after = (learnt_kernel.likelihood(rows, labels, sound, k)[0] for k in (start, found))
    assert after < before - 20
    moved = found.values["length_impurity"] - start.values["length_impurity"]
    assert np.argmax(moved) == which


def test_width_grows_with_distance_where_errors_do_and_holds_the_wanted_share():
    generator = np.random.default_rng(0)
    groups = [f"h{k}" for k in range(60) for _ in range(20)]
    distance = np.repeat(generator.uniform(0, 1, 60), 20)
    deviation = np.repeat(generator.uniform(0.1, 0.4, 60), 20)
    scale = (deviation * np.exp(1.2 * distance))[:, None]
    error = np.abs(generator.normal(size=(1200, 6)) * scale)
    found = learn_width(error, deviation, distance, groups, 0.9)
    assert found.growth == pytest.approx(1.2, abs=0.15)
    assert found.power == pytest.approx(1.0, abs=0.1)
    half = found.half(deviation, distance)
    for near in (distance < 0.3, distance > 0.7):
        assert (error[near] <= half[near, None]).mean() == pytest.approx(0.9, abs=0.03)
    without = learn_width(error, deviation, np.zeros(1200), groups, 0.9)
    assert without.growth == 0.0
    far = distance > 0.7
    assert (error[far] <= without.half(deviation[far], distance[far])[:, None]).mean() < 0.85


def test_width_never_shrinks_with_the_deviation_or_the_distance():
    generator = np.random.default_rng(1)
    deviation, distance = generator.uniform(0.1, 1, 300), generator.uniform(0, 1, 300)
    error = np.abs(generator.normal(size=(300, 6))) * np.exp(-distance - 2 * deviation)[:, None]
    found = learn_width(error, deviation, distance, ["a"] * 150 + ["b"] * 150, 0.9)
    assert found.power >= 0
    assert found.growth >= 0


def test_distance_is_zero_while_the_host_stays_and_that_of_the_next_host_without_it(world):
    places = HostRows.of(world.descriptors.host)
    own = np.array([k for k, key in enumerate(world.keys) if key[0] == "GaAs"])
    assert places.nearest(own, own[:2]).tolist() == [0.0] * len(own)
    far = places.nearest(own, own)
    assert (far > 0).all()
    others = np.setdiff1d(np.arange(len(world.keys)), own)
    host = world.descriptors.host
    direct = min(np.sqrt(((host[own[0]] - host[k]) ** 2).mean()) for k in others)
    assert far[0] == pytest.approx(direct)


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


def test_three_families_have_an_interval_of_student(world):
    """A bootstrap over three families is too narrow; of one family nothing is known."""
    from defectra.learn import scores

    host = [k[0] for k in world.keys]
    kind = dict(zip(HOSTS, ("II-VI", "II-VI", "III-V", "III-V", "IV-IV")))
    data = replace(world, family=[kind[h] for h in host])
    value = world.labels + np.array([0.1 + 0.3 * HOSTS.index(h) for h in host])[:, None]
    answer = Answer(DECLARED, WITH_HOST, Split.FAMILY_OUT, value, np.full(value.shape, 0.5))
    predictions = prediction_rows(data, [answer])
    rows = metrics_rows(predictions, LevelsStudy(bootstrap=20), 1)
    found = {(r["subset"], r["metric"]): r for r in rows}
    own = found["all", Metric.RMSE]
    error = np.array([r["prediction"] - r["truth"] for r in predictions])
    names = [r["family"] for r in predictions]
    expected = scores.over_groups(
        lambda w: np.sqrt(w @ error**2 / w.sum(axis=1)), names, 20, 1, (0.0, np.inf)
    )
    assert own["n_groups"] == 3
    assert (own["value"], own["lo"], own["hi"]) == pytest.approx(expected)
    assert own["hi"] > np.abs(error).max()  # a bootstrap ends at the worst family
    assert (
        0 <= found["all", Metric.COVERAGE_90]["lo"] <= found["all", Metric.COVERAGE_90]["hi"] <= 1
    )
    assert np.isnan(found["family II-VI", Metric.RMSE]["hi"])


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


@pytest.fixture
def model(world, hosts):
    return train(world, hosts, QUICK, 1)


def test_a_saved_model_answers_as_before_and_nothing_else_is_taken_for_one(model, hosts, tmp_path):
    from defectra.core.errors import DataError

    model.save(tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    keys = [("ZnS", "M_A", "Ag"), ("CdTe", "M_A", "Cu")]
    before, after = model.predict(keys, hosts), again.predict(keys, hosts)
    np.testing.assert_allclose(before.value, after.value)
    np.testing.assert_allclose(before.half, after.half)
    assert after.distance[1] == pytest.approx(0.0, abs=1e-9)
    assert after.distance[0] > 0
    np.savez(tmp_path / "other.npz", about=np.array("{}"))
    with pytest.raises(DataError, match="no model of levels"):
        load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("defectra levels 2", "its intervals do not hold in learnt hosts"),
        ("defectra levels 3", "its conduction bands count one neighbour in place of four"),
    ],
)
def test_a_model_of_an_older_kind_is_refused_with_the_reason(model, tmp_path, kind, why):
    from defectra.core.errors import DataError

    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as arrays:
        old = dict(arrays)
    about = str(old["about"]).replace(KIND, kind)
    np.savez(tmp_path / "old.npz", **(old | {"about": np.array(about)}))
    with pytest.raises(DataError, match=rf"{why}.*`make levels` makes one"):
        load(tmp_path / "old.npz")


def test_a_learnt_host_has_a_width_of_its_own_and_a_learnt_defect_none(model, hosts):
    new, learnt = Width(np.log(0.5), 0.0, 1.0), Width(np.log(2.0), 0.0, 0.0)
    changed = replace(model, width=new, width_learnt=learnt)
    near = {h: dict(p) for h, p in hosts.items()}
    near["CdTe"]["gap"] += 1e-3
    keys = [("CdTe", "M_A", "Ag"), ("CdTe", "M_A", "Cu"), ("BN", "M_A", "Ag")]
    found = changed.predict(keys, hosts)
    assert found.known.tolist() == [False, True, False]
    assert found.learnt_host.tolist() == [True, True, False]
    assert found.half[0] == pytest.approx(2.0)
    assert np.isnan(found.half[1]).all()
    assert found.half[2] == pytest.approx(max(2.0, 0.5 * np.exp(found.distance[2])))
    beside = changed.predict(keys[:2], near)
    assert not beside.learnt_host.any()
    assert beside.half == pytest.approx(2.0)  # not narrower than in the learnt host


def test_the_width_for_learnt_hosts_does_not_see_the_label_it_is_to_hold(world, monkeypatch):
    """Neither the kernel, the noise of the rows nor the answer; sites are left out together."""
    pairs = [f"{host}|{impurity}" for host, _, impurity in world.keys]
    used = [p for p, counts in zip(pairs, world.scored) if counts]
    seen = []

    def learn(error, deviation, distance, groups, level):
        seen.append((error, deviation))
        assert set(groups) == set(HOSTS)  # hosts weigh the same
        assert (distance == 0).all()
        return learn_width(error, deviation, distance, groups, level)

    monkeypatch.setattr(declared, "learn_width", learn)
    own = np.array([p == "GaAs|Cl" for p in pairs])
    changed = world.labels + 50.0 * own[:, None]
    for labels in (world.labels, changed):
        hosts = world.groups(Split.HOST_OUT)
        known = declared.Known(world.descriptors, labels, world.scored, hosts)
        found = declared.width_for_learnt_hosts(known, pairs, QUICK, 1)
    assert found.growth == 0.0
    inside = np.array([p == "GaAs|Cl" for p in used])
    (error, deviation), (moved, after) = seen
    np.testing.assert_allclose(deviation[inside], after[inside], rtol=1e-4)
    np.testing.assert_allclose(np.abs(50.0 - moved[inside]), error[inside], atol=1e-3)


def test_the_saved_model_is_the_left_out_answer_of_a_host_it_never_had(world, hosts, model):
    """Trained without GaAs, the closed form of a whole fit and the saved model agree."""
    kept = [k for k, key in enumerate(world.keys) if key[0] != "GaAs"]
    part = without_rows(model, kept)
    tails = learnt_kernel.Tails(np.array(kept), model.degrees)
    suspect = flat_ladder(model.labels)
    fitted = learnt_kernel.fit(model.rows(), model.labels, model.kernel, suspect, tails)
    own = np.setdiff1d(np.arange(len(world.keys)), kept)
    keys = [world.keys[k] for k in own]
    np.testing.assert_allclose(part.predict(keys, hosts).value, fitted.without(own)[0], atol=1e-6)


def test_a_row_that_fits_nowhere_pulls_its_neighbours_less(world):
    """Levels drawn from the kernel, one row 6 eV off: nearer to the truth with tails."""
    rows, count = world.descriptors, len(world.keys)
    kernel, generator = (
        learnt_kernel.LearntKernel.start(world.descriptors),
        np.random.default_rng(3),
    )
    root = np.linalg.cholesky(learnt_kernel.covariance(rows, rows, kernel) + 1e-9 * np.eye(count))
    labels = root @ generator.normal(size=(count, 6)) + 0.1 * generator.normal(size=(count, 6))
    sound, odd = np.zeros(count, bool), 5
    spoilt = labels.copy()
    spoilt[odd] += 6.0
    others = np.setdiff1d(np.arange(count), odd)
    error = {}
    for degrees in (4.0, 1e9):
        tails = learnt_kernel.Tails(np.arange(count), degrees)
        found = learnt_kernel.fit(rows, spoilt, kernel, sound, tails)
        inside = (
            spoilt - (learnt_kernel.noise(rows, kernel) + found.surplus)[:, None] * found.weights
        )
        error[degrees] = np.sqrt(((inside - labels)[others] ** 2).mean())
        assert found.surplus[odd] == found.surplus.max()
    plain = learnt_kernel.fit(rows, spoilt, kernel, sound)
    np.testing.assert_allclose(found.weights, plain.weights, rtol=1e-5)  # no tails: nothing changes
    assert error[4.0] < 0.7 * error[1e9]


def test_only_named_rows_say_how_far_off_they_are(world):
    kernel = learnt_kernel.LearntKernel.start(world.descriptors)
    known, sound = np.arange(20), np.zeros(len(world.keys), bool)
    tails = learnt_kernel.Tails(known, 4.0)
    before = learnt_kernel.fit(world.descriptors, world.labels, kernel, sound, tails)
    changed = world.labels.copy()
    changed[20:] += 5.0
    after = learnt_kernel.fit(world.descriptors, changed, kernel, sound, tails)
    np.testing.assert_array_equal(before.surplus, after.surplus)
    assert (before.surplus[20:] == 0).all()
    assert (before.surplus[known] != 0).all()


def test_hosts_within_bounds_by_chance_alone():
    """Of ten defects missed whole or not, one in ten: binomial, only 1 of 10 is within."""
    missed = np.array([1.0] + [0.0] * 19)  # tilted from 5 to 10 %
    groups = ["a"] * 10 + ["b"] * 10
    found = groups_within(missed, groups, 0.9, (0.85, 0.95), seed=1)
    assert found.mean() == pytest.approx(2 * 10 * 0.1 * 0.9**9, rel=0.06)
    apart = groups_within(
        np.full(20, 0.1) + np.tile([-1e-3, 1e-3], 10), groups, 0.9, (0.85, 0.95), 1
    )
    assert apart.mean() == 2  # the same share of every defect: no chance left


def without_rows(model, kept):
    keys = [model.keys[k] for k in kept]
    changes = {"keys": keys, "labels": model.labels[kept], "scored": model.scored[kept]}
    return replace(model, **changes, width=Width(0.0, 1.0, 0.0))


def space_of(model, hosts):
    keys = [
        ("CdTe", "M_A", "Cu"),
        ("CdTe", "M_A", "Ag"),
        ("Sn", "M_A", "Ag"),
        ("ZnSe", "M_A", "Fe"),
    ]
    return predict_space(model, hosts, {"krr": {k: [0.0] * 6 for k in keys}})


def test_whole_space_has_intervals_and_the_published_beside(world, hosts, model):
    space = space_of(model, hosts)
    assert len(space) == 24
    known = [r for r in space if r["impurity"] == "Cu"]
    assert [r for r in space if r["learnt"]] == known
    for r in space:
        if r["learnt"]:  # a fit to its own label
            assert np.isnan([r["lo_eV"], r["hi_eV"]]).all()
        else:
            assert r["lo_eV"] < r["level_eV"] < r["hi_eV"]
    assert [r["published_eV"] for r in known] == world.labels[
        world.keys.index(("CdTe", "M_A", "Cu"))
    ].tolist()
    assert {r["place"] for r in space if r["host"] == "Sn"} == {"host without a gap"}


def test_what_to_compute_next_leaves_out_the_known_and_ranks_by_gain_per_cost(model, hosts):
    ranked = next_runs(space_of(model, hosts), hosts, Acquisition(count=10))
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
