"""Which edges tell what: targets from one edge and from all, baselines, negative controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric, Split
from defectra.core.settings import ModelSettings
from defectra.learn import crossval, scores
from defectra.learn.crossval import TARGETS, Job, Result, Target
from defectra.learn.features import EdgeFeatures, Kind
from defectra.studies.nmc.negative_controls import (
    CONTENTS,
    contents_jobs,
    metadata_jobs,
    shuffled_jobs,
)

Row = dict[str, Any]
KINDS: tuple[Kind, ...] = ("cdf", "raw")
ALL, GAIN, OVER_CONTENTS = "all", "all minus best single edge", "all minus contents"
OTHER_SPLITS = (Split.RANDOM, Split.COMPOSITION_OUT, Split.LITHIUM_OUT)


def evaluate(
    rows: Sequence[Mapping[str, Any]], settings: ModelSettings, seed: int
) -> tuple[list[Row], list[Row]]:
    """Cross-validated metrics and out-of-fold predictions of a training table.

    To keep the cost small, only the models of all edges are repeated `settings.repeats` times;
    single edges and the other splits are run once. Metrics of repeats are averaged; intervals
    are 90 % bootstraps over groups and do not contain the scatter between repeats.

    Parameters
    ----------
    rows
        Training table (:mod:`defectra.studies.nmc.training`).
    settings
        Trees, folds, repeats, resamples.
    seed
        Of models, shuffles and resamples.

    Returns
    -------
    list of dict
        Rows of ``metrics.csv``. ``features`` is e.g. ``cdf: O K`` or ``cdf: all``; ``metadata``,
        ``shuffled`` and ``contents`` for the controls; ``none`` for the baseline; ``cdf: all minus
        best single edge`` for the gain of many edges (the best chosen anew in each resample).
    list of dict
        Rows of the predictions table.
    """
    if not rows:
        return [], []
    edges = [name.removeprefix("raw: ") for name in rows[0] if name.startswith("raw: ")]
    weights = scores.group_weights([r["group"] for r in rows], settings.bootstrap, seed)
    matrices = feature_matrices(rows, edges)
    metrics: list[Row] = []
    predictions: list[Row] = []
    for target in TARGETS:
        jobs = _jobs(rows, matrices, target, settings)
        results = [crossval.run(job, rows, settings, seed) for job in jobs]
        for result in results:
            metrics += crossval.metrics_rows(result, rows, weights, seed)
            predictions += crossval.prediction_rows(result, rows)
            if result.job.features == f"cdf: {ALL}":
                metrics += crossval.metrics_rows(result, rows, weights, seed, baseline=True)
                predictions += crossval.prediction_rows(result, rows, baseline=True)
        metrics += _gains(results, rows, weights, seed)
    controls = [*metadata_jobs(rows, edges, settings.repeats)]
    controls += shuffled_jobs(rows, matrices[f"cdf: {ALL}"], settings.repeats, seed)
    for job in controls:
        result = crossval.run(job, rows, settings, seed)
        metrics += crossval.metrics_rows(result, rows, weights, seed)
    return metrics, predictions


def feature_matrices(
    rows: Sequence[Mapping[str, Any]], edges: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Features of each edge and of all, e.g. ``cdf: O K``, ``raw: all``; shape (n, p) each."""
    out = {}
    for kind in KINDS:
        for edge in edges:
            out[f"{kind}: {edge}"] = EdgeFeatures([edge], kind).transform(rows)
        out[f"{kind}: {ALL}"] = EdgeFeatures(edges, kind).transform(rows)
    return out


def _jobs(
    rows: Sequence[Mapping[str, Any]],
    matrices: Mapping[str, NDArray[np.float64]],
    target: Target,
    settings: ModelSettings,
) -> list[Job]:
    truth = np.array([float(row[target.column]) for row in rows])
    jobs = []
    for name, matrix in matrices.items():
        repeats = settings.repeats if name.endswith(f": {ALL}") else 1
        jobs.append(Job(target, name, Split.GROUPED, repeats, matrix, truth))
    best = matrices[f"cdf: {ALL}"]
    jobs += [Job(target, f"cdf: {ALL}", split, 1, best, truth) for split in OTHER_SPLITS]
    return jobs + contents_jobs(rows, target, settings.repeats)


def _gains(
    results: list[Result],
    rows: Sequence[Mapping[str, Any]],
    weights: NDArray[np.float64],
    seed: int,
) -> list[Row]:
    """All edges minus the best single one, and minus the contents, paired in each resample."""
    groups = [row["group"] for row in rows]
    is_class = results[0].job.target.is_class
    metric, best = (Metric.AUROC, np.max) if is_class else (Metric.RMSE, np.min)
    found = {r.job.features: r for r in results if r.job.split is Split.GROUPED}
    values = {n: crossval.curves(r, groups, weights)[metric] for n, r in found.items()}
    out = []
    for kind in KINDS:
        name = f"{kind}: {ALL}"
        single = [v for n, v in values.items() if n.startswith(f"{kind}: ") and n != name]
        gains = {f"{kind}: {GAIN}": values[name] - best(single, axis=0)}
        if CONTENTS in values:
            gains[f"{kind}: {OVER_CONTENTS}"] = values[name] - values[CONTENTS]
        for label, gain in gains.items():
            value = scores.interval(gain)
            row = crossval.metric_row(found[name], rows, seed, label, "xgboost", metric, value)
            out.append(row)
    return out
