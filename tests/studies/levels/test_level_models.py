"""Models of levels: closed forms against brute force, no leak into a left-out group."""

import numpy as np
import pytest
from level_world import KERNEL, QUICK

from defectra.core.records import Split
from defectra.studies.levels import declared, gaussian_process, learnt_kernel
from defectra.studies.levels.distances import HostRows
from defectra.studies.levels.evaluate import assemble, ordered
from defectra.studies.levels.features import Defects, flat_ladder, long_matrix
from defectra.studies.levels.nested import Candidate, Rows, leave_out


def rows_of(world):
    groups = world.groups(Split.HOST_OUT)
    return Rows(groups, world.scored, HostRows.of(world.descriptors.host))


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
