"""Means over repeats of a score, all at once: equal to the mean of single scores."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.core.records import Metric
from defectra.learn import repeated_scores, scores
from defectra.studies.nmc.blocks.arms import Arms, Labels, permuted
from defectra.studies.nmc.blocks.scores import PAIRS, Bootstrap, content_curves, pair_curves, paired

CASES = ["apart", "ties", "alike", "one row a side"]


def case(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, answers of seven repeats, weights; the last set of weights draws positives alone."""
    rng = np.random.default_rng(CASES.index(name))
    count = 2 if name == "one row a side" else 24
    truth = np.arange(count) % 2.0
    answers = rng.normal(truth, 1.0, size=(7, count))
    if name == "ties":
        answers = np.round(answers) + 1e-12 * rng.normal(size=answers.shape)
    elif name == "alike":
        answers[:] = 0.5
    weights = rng.multinomial(count, np.full(count, 1 / count), size=20).astype(float)
    return truth, answers, np.vstack([np.ones(count), weights, truth])


@pytest.mark.parametrize("name", CASES)
def test_all_repeats_at_once_are_the_mean_of_single_ones(name: str) -> None:
    truth, answers, weights = case(name)
    with np.errstate(invalid="ignore", divide="ignore"):
        rmse, r2 = repeated_scores.rmse_and_r2(truth, answers, weights)
        pairs = [
            (rmse, scores.rmse),
            (r2, scores.r2),
            (repeated_scores.auroc(truth, answers, weights), scores.auroc),
            (repeated_scores.balanced_accuracy(truth, answers, weights), scores.balanced_accuracy),
        ]
        for found, score in pairs:
            expected = scores.repeated(score, truth, answers, weights)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def small(blocks: int = 6) -> Arms:
    """Arms of some blocks with contents and defects, no spectra."""
    rng = np.random.default_rng(5)
    names = ("pristine", "lithium", "vacancy", "antisite")
    rows = [
        {
            **{"block": b, "arm": a, "group": f"g{b}", "lithium": rng.uniform()},
            **{f"n_{m}": rng.uniform() for m in ("Ni", "Mn", "Co")},
            **{k: float(a == k) for k in ("vacancy", "antisite")},
        }
        for b in range(blocks)
        for a in names
    ]
    return Arms(rows, {})


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.name)
def test_measurements_with_labels_of_their_own_keep_them(pair) -> None:
    """Permuted labels differ from repeat to repeat: each is scored against its own."""
    arms, rng = small(), np.random.default_rng(1)
    labels: list[Labels] = [permuted(arms, seed) for seed in (1, 2) for _ in range(3)]
    labels.append(labels[0])
    values = rng.normal(size=(len(labels), len(arms.rows)))
    bootstrap = Bootstrap.of(arms, 30, 2)
    many = pair_curves(arms, labels, values, pair, bootstrap)
    single = [
        pair_curves(arms, [own], values[[d]], pair, bootstrap) for d, own in enumerate(labels)
    ]
    for metric, curve in many.items():
        np.testing.assert_allclose(curve, np.mean([s[metric] for s in single], axis=0), rtol=1e-12)
    first, second = paired(arms, labels[0], values[0], pair)
    won = pair_curves(arms, labels[:1], values[:1], pair, bootstrap)[Metric.WIN_RATE][0]
    assert won == pytest.approx(np.mean(first > second))
    for k, target in enumerate(arms.targets):
        if not target.is_class:
            both = content_curves(arms, labels, values, k, bootstrap)
            alone = [content_curves(arms, [o], values[[d]], k, bootstrap)
                     for d, o in enumerate(labels)]  # fmt: skip
            for metric, curve in both.items():
                expected = np.mean([s[metric] for s in alone], axis=0)
                np.testing.assert_allclose(curve, expected, rtol=1e-12)


def test_a_missing_answer_leaves_no_score() -> None:
    arms = small()
    labels = [Labels(arms.truth, arms.arms)]
    values = np.zeros((1, len(arms.rows)))
    values[0, 3] = np.nan
    bootstrap = Bootstrap.of(arms, 5, 0)
    found = [*pair_curves(arms, labels, values, PAIRS[0], bootstrap).values()]
    found += content_curves(arms, labels, values, 0, bootstrap).values()
    assert len(found) == 5
    assert all(np.isnan(curve).all() for curve in found)
