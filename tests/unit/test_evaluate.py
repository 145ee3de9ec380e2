"""Models: a planted signal is found, no signal is not, metrics agree with scikit-learn."""

import numpy as np
import pytest
from planted import GRIDS, planted, structures, world
from sklearn import metrics as sk

from defectra.core.records import METRICS_COLUMNS, Metric, Split
from defectra.core.settings import ModelSettings
from defectra.core.store import to_arrow
from defectra.learn import crossval, scores
from defectra.learn.crossval import TARGETS, Job
from defectra.learn.predictions import PREDICTIONS
from defectra.spectra.average import average_sites
from defectra.studies.nmc.first.evaluate import evaluate, feature_matrices
from defectra.studies.nmc.first.negative_controls import (
    confounder_results,
    shuffled,
    shuffled_jobs,
)
from defectra.studies.nmc.training import build

SETTINGS = ModelSettings(trees=60, repeats=2, bootstrap=200)
TINY = ModelSettings(trees=3, folds=2, repeats=2, bootstrap=20)
EDGES = ["O K", "Ni K"]
VOLUMES = {row["structure_id"]: 340.0 for row in structures(60)}
BY_NAME = {t.name: t for t in TARGETS}


def training(count=60, **signal):
    cells = structures(count)

    def shape(*args):
        return planted(*args, **signal)

    tasks, calcs, spectra = world(cells, EDGES, shape, sites=1)
    averages = average_sites(calcs, spectra, cells, tasks, GRIDS)
    return build(cells, averages, EDGES, "hash")[0]


@pytest.fixture(scope="module")
def rows():
    return training()


@pytest.fixture(scope="module")
def answers(rows):
    return evaluate(rows[:30], TINY, 1, VOLUMES)


def auroc(rows, job):
    weights = scores.group_weights([r["group"] for r in rows], 200, 1)
    result = crossval.run(job, rows, SETTINGS, 1)
    return scores.interval(
        crossval.curves(result, [r["group"] for r in rows], weights)[Metric.AUROC]
    )


def vacancy_job(rows, edge):
    truth = np.array([float(r["vacancy"]) for r in rows])
    matrix = feature_matrices(rows, EDGES)[f"cdf: {edge}"]
    return Job(BY_NAME["vacancy"], edge, Split.GROUPED, 2, matrix, truth)


def test_planted_vacancy_is_found_where_it_is_and_only_there(rows):
    assert auroc(rows, vacancy_job(rows, "O K"))[1] > 0.85
    assert auroc(rows, vacancy_job(rows, "Ni K"))[1] < 0.6


def test_without_a_signal_nothing_is_found():
    rows = training(vacancy=0.0)
    assert auroc(rows, vacancy_job(rows, "O K"))[1] < 0.6


def test_planted_lithium_is_read(rows):
    truth = np.array([r["lithium"] for r in rows])
    matrix = feature_matrices(rows, EDGES)["cdf: all"]
    job = Job(BY_NAME["x_Li"], "all", Split.GROUPED, 1, matrix, truth)
    result = crossval.run(job, rows, SETTINGS, 1)
    weights = scores.group_weights([r["group"] for r in rows], 50, 1)
    curves = crossval.curves(result, [r["group"] for r in rows], weights)
    assert curves[Metric.RMSE][0] < 0.08
    assert curves[Metric.SKILL][0] > 0.7
    assert np.abs(result.baseline - truth.mean()).max() < 0.1


def confounders(rows, volumes, target="vacancy"):
    settings = ModelSettings(folds=3, repeats=1, bootstrap=100)
    weights = scores.group_weights([r["group"] for r in rows], 200, 1)
    groups = [r["group"] for r in rows]
    return {
        r.job.features: scores.interval(crossval.curves(r, groups, weights)[Metric.AUROC])
        for r in confounder_results(rows, BY_NAME[target], settings, volumes)
    }


def test_contents_and_volume_tell_the_defect_when_the_draw_is_not_balanced(rows):
    same = {r["structure_id"]: 340.0 for r in rows}
    assert confounders(rows, same)["contents"][1] < 0.6
    biased = [r | {"lithium": 0.2 + 0.6 * r["vacancy"]} for r in rows]
    assert confounders(biased, same)["contents"][0] == 1.0
    swollen = {r["structure_id"]: 340.0 + 9 * r["vacancy"] for r in rows}
    assert confounders(rows, swollen)["volume and contents"][0] == 1.0
    assert confounders(rows, swollen)["contents"][1] < 0.6
    assert set(confounders(rows, {})) == {"contents"}
    assert confounders(rows, same, "x_Li") == {}


def test_shuffled_labels_have_no_skill(rows):
    matrix = feature_matrices(rows, EDGES)["cdf: all"]
    job = next(j for j in shuffled_jobs(rows, matrix, 2, 1) if j.target.name == "vacancy")
    assert job.truth.shape == (2, 60)
    assert auroc(rows, job)[1] < 0.6


def test_shuffle_moves_whole_groups():
    groups = list("aabbccdd")
    labels = np.repeat([0.0, 1.0, 2.0, 3.0], 2)
    out = shuffled(labels, groups, 3)
    assert (out[::2] == out[1::2]).all()
    assert sorted(out) == sorted(labels)
    assert not np.array_equal(out, labels)


def test_rows_of_the_tables(answers, rows):
    metrics, predictions = answers
    assert all(list(r) == METRICS_COLUMNS for r in metrics)
    to_arrow(predictions, PREDICTIONS)
    keys = [(r["target"], r["features"], r["split"], r["metric"], r["model"]) for r in metrics]
    assert len(set(keys)) == len(keys)
    features = {r["features"] for r in metrics}
    assert {"none", "shuffled", "contents", "volume and contents", "cdf: all"} <= features
    assert {"cdf: all minus O K", "cdf: all minus Ni K", "cdf: all minus contents"} <= features
    repeats = {(r["features"], r["repeat"]) for r in predictions if r["split"] == Split.GROUPED}
    assert {n for n, k in repeats if k == 1} == {n for n, _ in repeats}  # as often for each
    baseline = {(r["target"], r["split"]) for r in metrics if r["model"] == "baseline"}
    assert baseline == {(r["target"], r["split"]) for r in metrics if r["model"] == "xgboost"}


def test_a_baseline_that_says_one_class_scores_one_half_exactly(rows):
    truth = np.tile([0.0, 0.0, 1.0], len(rows) // 3)[None, :]
    job = Job(BY_NAME["vacancy"], "cdf: all", Split.GROUPED, 1, np.zeros((len(rows), 1)), truth[0])
    drawn = scores.Drawn.of([r["group"] for r in rows], 100, 1)
    one, both = np.zeros_like(truth), (np.arange(len(rows)) % 2.0)[None, :]
    for answer, is_exact in ((one, True), (both, False)):
        result = crossval.Result(job, truth, truth, answer, 40)
        found = crossval.metrics_rows(result, rows, drawn, 1, baseline=True)
        by = {r["metric"]: (r["value"], r["lo"], r["hi"]) for r in found}
        for metric in (Metric.AUROC, Metric.BALANCED_ACCURACY):
            assert (by[metric] == (0.5, 0.5, 0.5)) is is_exact
        value, lo, hi = by[Metric.AVERAGE_PRECISION]  # the share of the class, which was drawn
        assert lo < value < hi


def test_same_seed_same_numbers(answers, rows):
    again = evaluate(rows[:30], TINY, 1, VOLUMES)
    assert repr(again) == repr(answers)


def test_two_structures_give_nan_and_no_crash(rows):
    metrics, _ = evaluate(rows[:1], SETTINGS, 1, {})
    assert all(np.isnan(r["value"]) for r in metrics)
    assert evaluate([], SETTINGS, 1, {}) == ([], [])
    few = ModelSettings(trees=1, repeats=1, bootstrap=10)
    evaluate(rows[:3], few, 1, {})
    same = [row | {"group": "one"} for row in rows[:3]]
    assert all(np.isnan(r["value"]) for r in evaluate(same, few, 1, {})[0])


def test_metrics_agree_with_scikit_learn():
    rng = np.random.default_rng(4)
    truth = (rng.random(80) < 0.3).astype(float)
    score = np.round(np.clip(rng.normal(0.3 + 0.3 * truth, 0.3), 0, 1), 1)
    weights = rng.integers(0, 4, (5, 80)).astype(float)
    for k, w in enumerate(weights):
        pairs = {
            scores.auroc: sk.roc_auc_score(truth, score, sample_weight=w),
            scores.average_precision: sk.average_precision_score(truth, score, sample_weight=w),
            scores.balanced_accuracy: sk.balanced_accuracy_score(
                truth, score > 0.5, sample_weight=w
            ),
            scores.rmse: sk.root_mean_squared_error(truth, score, sample_weight=w),
            scores.mae: sk.mean_absolute_error(truth, score, sample_weight=w),
            scores.r2: sk.r2_score(truth, score, sample_weight=w),
        }
        for ours, theirs in pairs.items():
            assert ours(truth, score, weights)[k] == pytest.approx(theirs, abs=1e-12)


def test_rmse_groups_is_the_mean_over_groups():
    score = scores.rmse_groups(list("aab"))
    value = score(np.zeros(3), np.array([3.0, 4.0, 1.0]), np.ones((1, 3)))[0]
    assert value == pytest.approx((np.sqrt(12.5) + 1) / 2)


def test_bootstrap_draws_groups_whole():
    weights = scores.group_weights(list("aabbbc"), 300, 5)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 4]).all()
    assert ((weights[:, 0] + weights[:, 2] + weights[:, 5]) == 3).all()


def test_interval_covers_the_truth_nine_times_in_ten():
    rng = np.random.default_rng(0)
    hits = 0
    for k in range(200):
        error = rng.normal(size=40)
        weights = scores.group_weights([str(i) for i in range(40)], 200, k)
        _, lo, hi = scores.interval(scores.rmse(np.zeros(40), error, weights))
        hits += lo <= 1.0 <= hi
    assert 0.78 < hits / 200 < 0.96
