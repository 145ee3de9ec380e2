"""One cross-validated model: fit, predict what was held out, score beside a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric, Split
from defectra.core.settings import ModelSettings
from defectra.learn import scores
from defectra.learn.predictions import Answered, prediction_rows
from defectra.learn.splits import Fold, TooFewGroupsError, folds

Floats = NDArray[np.float64]
Row = dict[str, Any]
Fit = Callable[[Floats, Floats, Floats, Sequence[str]], Floats]
NO_FEATURES = "none"


@dataclass(frozen=True)
class Target:
    """What is predicted: its name, column of the training table, unit, and kind."""

    name: str
    column: str
    unit: str
    is_class: bool


TARGETS = (
    Target("x_Li", "lithium", "per metal", False),
    Target("x_Ni", "n_Ni", "per metal", False),
    Target("x_Mn", "n_Mn", "per metal", False),
    Target("x_Co", "n_Co", "per metal", False),
    Target("vacancy", "vacancy", "", True),
    Target("antisite", "antisite", "", True),
)


@dataclass(frozen=True)
class Job:
    """One model to be cross-validated.

    Attributes
    ----------
    target, features, split, repeats
        What, from what (a label), how, how often.
    matrix
        Features, shape (n, p).
    truth
        Labels, shape (n,), or (repeats, n) where each repeat has its own.
    """

    target: Target
    features: str
    split: Split
    repeats: int
    matrix: Floats
    truth: Floats


@dataclass(frozen=True)
class Result:
    """Out-of-fold answers of a job, shape (repeats, n) each, and the mean training size."""

    job: Job
    truth: Floats
    model: Floats
    baseline: Floats
    n_train: int


def run(
    job: Job,
    rows: Sequence[Mapping[str, Any]],
    settings: ModelSettings,
    seed: int,
    fit: Fit | None = None,
) -> Result:
    """Cross-validate a job; the folds depend on target kind, split and repeat alone.

    With fewer groups than folds, each group is left out once. With nothing to train on, or no
    second value of the label, the answers are NaN.

    Parameters
    ----------
    fit
        Answers for test rows from training rows, their labels and groups; default: boosted trees.
    """
    truth = np.broadcast_to(job.truth, (job.repeats, len(rows)))
    model, baseline = np.full(truth.shape, np.nan), np.full(truth.shape, np.nan)
    sizes = [0]
    for repeat in range(job.repeats):
        for number, (train, test) in enumerate(_folds(job, truth[repeat], rows, settings, repeat)):
            known = truth[repeat, train]
            baseline[repeat, test] = _constant(known, job.target)
            fold_seed = (seed * 101 + repeat) * 101 + number
            if fit is not None and np.ptp(known) > 0:
                groups = [str(rows[i]["group"]) for i in train]
                model[repeat, test] = fit(job.matrix[train], known, job.matrix[test], groups)
            else:
                model[repeat, test] = _fit_predict(job, known, (train, test), settings, fold_seed)
            sizes.append(len(train))
    return Result(job, truth, model, baseline, round(float(np.mean(sizes[1:] or sizes))))


def _folds(
    job: Job,
    truth: Floats,
    rows: Sequence[Mapping[str, Any]],
    settings: ModelSettings,
    repeat: int,
) -> list[Fold]:
    column = {Split.COMPOSITION_OUT: "composition", Split.LITHIUM_OUT: "lithium"}.get(job.split)
    values = [row[column] for row in rows] if column else None
    groups = [row["group"] for row in rows]
    units = len(rows) if job.split is Split.RANDOM else len(set(values or groups))
    count = min(settings.folds, units, len(set(groups)))
    if count < 2 or np.ptp(truth) == 0:
        return []
    classes = truth if job.target.is_class else None
    try:
        return folds(job.split, groups, classes=classes, values=values, n_folds=count, seed=repeat)
    except TooFewGroupsError:
        return []


def _constant(known: Floats, target: Target) -> float:
    """Majority class, or mean."""
    return float(known.mean() > 0.5) if target.is_class else float(known.mean())


def _fit_predict(
    job: Job, known: Floats, fold: Fold, settings: ModelSettings, seed: int
) -> Floats | float:
    from xgboost import XGBClassifier, XGBRegressor

    train, test = fold
    if np.ptp(known) == 0:
        return float(known[0])
    options = {
        "n_estimators": settings.trees,
        "max_depth": settings.depth,
        "learning_rate": settings.learning_rate,
        "subsample": settings.subsample,
        "colsample_bytree": settings.column_sample,
        "tree_method": "exact" if len(train) < 500 else "hist",
        "n_jobs": 1,
        "random_state": seed % 2**31,
    }
    if not job.target.is_class:
        regressor = XGBRegressor(**options).fit(job.matrix[train], known)
        return np.asarray(regressor.predict(job.matrix[test]), dtype=np.float64)
    balance = float((known < 0.5).sum() / (known > 0.5).sum())
    classifier = XGBClassifier(**options, scale_pos_weight=balance, base_score=0.5)
    classifier.fit(job.matrix[train], known.astype(int))
    return np.asarray(classifier.predict_proba(job.matrix[test])[:, 1], dtype=np.float64)


def curves(result: Result, groups: Sequence[str], weights: Floats) -> dict[Metric, Floats]:
    """Every metric of the model on the sample and its resamples, shape (1 + resamples,)."""
    return _curves(result, result.model, groups, weights)


def _curves(
    result: Result, answers: Floats, groups: Sequence[str], weights: Floats
) -> dict[Metric, Floats]:
    kinds = scores.CLASSIFICATION if result.job.target.is_class else scores.regression(groups)
    out = {m: scores.repeated(score, result.truth, answers, weights) for m, score in kinds.items()}
    if not result.job.target.is_class:
        mean = scores.repeated(scores.rmse, result.truth, result.baseline, weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[Metric.SKILL] = 1 - out[Metric.RMSE] / mean
    return out


def metrics_rows(
    result: Result,
    rows: Sequence[Mapping[str, Any]],
    drawn: scores.Drawn,
    seed: int,
    *,
    baseline: bool = False,
    model: str = "xgboost",
) -> list[Row]:
    """Rows of ``metrics.csv`` of a job, or of the baseline on the same folds.

    `drawn` are the resamples of the groups of `rows`. Of a baseline that gives every row one class,
    AUROC (area under the receiver operating characteristic) and balanced accuracy are exact.
    """
    groups = [row["group"] for row in rows]
    answers = result.baseline if baseline else result.model
    values = _curves(result, answers, groups, drawn.weights)
    features = NO_FEATURES if baseline else result.job.features
    model = "baseline" if baseline else model
    exact: tuple[Metric, ...] = ()
    if baseline and result.job.target.is_class and scores.one_class(answers):
        exact = (Metric.AUROC, Metric.BALANCED_ACCURACY)
    ends = {
        metric: drawn.ends(v, scores.BOUNDS[metric], by_design=metric in exact)
        for metric, v in values.items()
    }
    return [
        metric_row(result, rows, seed, features, model, metric, value)
        for metric, value in ends.items()
    ]


def metric_row(
    result: Result,
    rows: Sequence[Mapping[str, Any]],
    seed: int,
    features: str,
    model: str,
    metric: Metric,
    value: tuple[float, float, float],
) -> Row:
    """One row of ``metrics.csv``."""
    unitless = (Metric.R2, Metric.SKILL)
    return {
        "target": result.job.target.name,
        "unit": "" if metric in unitless else result.job.target.unit,
        "features": features,
        "model": model,
        "split": str(result.job.split),
        "subset": "all",
        "fidelity": rows[0]["protocol"],
        "seed": seed,
        "n_train": result.n_train,
        "n_test": len(rows),
        "n_groups": len({row["group"] for row in rows}),
        "metric": str(metric),
        "value": value[0],
        "lo": value[1],
        "hi": value[2],
    }


def predictions_of(
    result: Result, rows: Sequence[Mapping[str, Any]], *, baseline: bool = False
) -> list[Row]:
    """Rows of the predictions table."""
    job, answers = result.job, result.baseline if baseline else result.model
    by = Answered(
        NO_FEATURES if baseline else job.features, "baseline" if baseline else "xgboost", job.split
    )
    return list(prediction_rows(by, rows, job.target.name, result.truth, answers))
