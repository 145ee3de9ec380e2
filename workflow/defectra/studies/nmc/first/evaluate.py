"""First campaign: targets from one edge and from all, baselines, negative controls.

The claims stand on the campaign by blocks (:mod:`defectra.studies.nmc.blocks.evaluate`); this is
for a campaign of structures without pairs, the shipped one or a user's own.
"""

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
from defectra.studies.nmc.first.negative_controls import (
    confounder_results,
    shuffled_jobs,
)

Row = dict[str, Any]
KIND: Kind = "cdf"
ALL = "all"
OTHER_SPLITS = (Split.RANDOM, Split.COMPOSITION_OUT, Split.LITHIUM_OUT)


def evaluate(
    rows: Sequence[Mapping[str, Any]],
    settings: ModelSettings,
    seed: int,
    volumes: Mapping[str, float],
) -> tuple[list[Row], list[Row]]:
    """Cross-validated metrics and out-of-fold predictions of a training table.

    Single edges and all have the same folds and the same number of repeats; the other splits are
    run once. Metrics of repeats are averaged; intervals are of 90 % over groups
    (:class:`defectra.learn.scores.Drawn`) and do not contain the scatter between repeats.

    Parameters
    ----------
    rows
        Training table (:mod:`defectra.studies.nmc.training`).
    settings
        Trees, folds, repeats, resamples.
    seed
        Of models, shuffles and resamples.
    volumes
        Cell volume of each structure, Å³; those without one are left out of that control.

    Returns
    -------
    list of dict
        Rows of ``metrics.csv``. ``features`` is e.g. ``cdf: O K`` or ``cdf: all``; ``shuffled``,
        ``contents`` and ``volume and contents`` for the controls; ``none`` for the baseline;
        ``cdf: all minus O K`` and the like for the gain of all edges, paired in each resample.
    list of dict
        Rows of the predictions table.
    """
    if not rows:
        return [], []
    edges = [name.removeprefix("raw: ") for name in rows[0] if name.startswith("raw: ")]
    drawn = scores.Drawn.of([r["group"] for r in rows], settings.bootstrap, seed)
    matrices = feature_matrices(rows, edges)
    metrics: list[Row] = []
    predictions: list[Row] = []
    for target in TARGETS:
        jobs = _jobs(rows, matrices, target, settings)
        results = [crossval.run(job, rows, settings, seed) for job in jobs]
        for result in results:
            metrics += crossval.metrics_rows(result, rows, drawn, seed)
            predictions += crossval.predictions_of(result, rows)
            if result.job.features == f"{KIND}: {ALL}":
                metrics += crossval.metrics_rows(result, rows, drawn, seed, baseline=True)
                predictions += crossval.predictions_of(result, rows, baseline=True)
        controls = confounder_results(rows, target, settings, volumes)
        for result in controls:
            metrics += crossval.metrics_rows(result, rows, drawn, seed, model="ridge")
        metrics += _gains([*results, *controls], rows, drawn, seed)
    for job in shuffled_jobs(rows, matrices[f"{KIND}: {ALL}"], settings.repeats, seed):
        result = crossval.run(job, rows, settings, seed)
        metrics += crossval.metrics_rows(result, rows, drawn, seed)
    return metrics, predictions


def feature_matrices(
    rows: Sequence[Mapping[str, Any]], edges: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Features of each edge and of all, e.g. ``cdf: O K``, ``cdf: all``; shape (n, p) each."""
    out = {f"{KIND}: {e}": EdgeFeatures([e], KIND).transform(rows) for e in edges}
    return out | {f"{KIND}: {ALL}": EdgeFeatures(edges, KIND).transform(rows)}


def _jobs(
    rows: Sequence[Mapping[str, Any]],
    matrices: Mapping[str, NDArray[np.float64]],
    target: Target,
    settings: ModelSettings,
) -> list[Job]:
    truth = np.array([float(row[target.column]) for row in rows])
    jobs = [
        Job(target, name, Split.GROUPED, settings.repeats, matrix, truth)
        for name, matrix in matrices.items()
    ]
    best = matrices[f"{KIND}: {ALL}"]
    return jobs + [Job(target, f"{KIND}: {ALL}", split, 1, best, truth) for split in OTHER_SPLITS]


def _gains(
    results: list[Result],
    rows: Sequence[Mapping[str, Any]],
    drawn: scores.Drawn,
    seed: int,
) -> list[Row]:
    """All edges minus each single one, and minus each control, paired in each resample."""
    groups = [row["group"] for row in rows]
    metric, bounds = Metric.RMSE, (-np.inf, np.inf)
    if results[0].job.target.is_class:
        metric, bounds = Metric.AUROC, (-1.0, 1.0)
    found = {r.job.features: r for r in results if r.job.split is Split.GROUPED}
    values = {n: crossval.curves(r, groups, drawn.weights)[metric] for n, r in found.items()}
    name = f"{KIND}: {ALL}"
    out = []
    for other, curve in values.items():
        if other == name:
            continue
        label = f"{name} minus {other.removeprefix(f'{KIND}: ')}"
        value = drawn.ends(values[name] - curve, bounds)
        out.append(crossval.metric_row(found[name], rows, seed, label, "xgboost", metric, value))
    return out
