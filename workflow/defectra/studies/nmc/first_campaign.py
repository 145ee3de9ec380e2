"""External test: models of the blocks asked about the structures of the first campaign.

Those were computed at another protocol and in cells of their own, and come in no pairs; what the
models say there is reported and carries no claim (``docs/nmc.md``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric, Split
from defectra.core.settings import ModelSettings
from defectra.learn import edge_kernels, scores
from defectra.learn.crossval import TARGETS
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.spectra.grid import Grid
from defectra.studies.nmc.block_arms import Arms, Subset
from defectra.studies.nmc.block_models import COPIES, MEASURED, TESTS, Features
from defectra.studies.nmc.block_scores import SHAPE, edges_name

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
FIRST = "first campaign"


def evaluate_first(
    blocks: Rows,
    first: Rows,
    grids: Mapping[str, Grid],
    edges: Sequence[str],
    settings: ModelSettings,
    seed: int,
) -> tuple[list[Row], list[Row]]:
    """Metrics and predictions of the first campaign by models that saw all blocks and none of it.

    Parameters
    ----------
    blocks
        Arms of the blocks.
    first
        Rows of the training table of the first campaign; families that a block has are left out.
    """
    taken = {r["group"] for r in blocks}
    rows = [r for r in first if r["group"] not in taken]
    if not blocks or not rows or any(f"raw: {e}" not in rows[0] for e in edges):
        return [], []
    train, test = Arms.of(blocks, grids, edges), Arms.of(_as_arms(rows), grids, edges)
    metrics: list[Row] = []
    predictions: list[Row] = []
    for subset in train.ends():
        values = _answers(train, test, subset, settings.repeats, seed)
        features = SHAPE + edges_name(subset, train.edges)
        metrics += _metrics(train, test, values, features, settings, seed)
        predictions += _predictions(test, values, features)
    return metrics, predictions


def _as_arms(rows: Rows) -> list[Row]:
    return [dict(r) | {"arm": FIRST, "block": k} for k, r in enumerate(rows)]


def _answers(train: Arms, test: Arms, subset: Subset, repeats: int, seed: int) -> Floats:
    """Answers about the test rows, shape (d, n, k)."""
    out = []
    for repeat in range(repeats):
        generator = np.random.default_rng([seed * 1000 + repeat, 4])
        copies = [MEASURED.draw(train.curves, generator) for _ in range(COPIES)]
        measured = [MEASURED.draw(test.curves, generator) for _ in range(TESTS)]
        targets = Targets(np.tile(train.truth, (COPIES, 1)), train.is_class)
        parts = edge_kernels.inner_folds(train.groups * COPIES, seed + repeat)
        own, cross = _kernels(_stacked(copies, subset), _stacked(measured, subset))
        found = edge_kernels.fit(own, targets, parts).answers(cross)
        out.append(found.reshape(TESTS, len(test.rows), -1))
    return np.concatenate(out)


def _stacked(draws: Sequence[Features], subset: Subset) -> dict[str, Floats]:
    return {e: np.vstack([d[e] for d in draws]) for e in subset}


def _kernels(train: Features, test: Features) -> tuple[Floats, Floats]:
    kernels = {e: Kernel.of("kernel", rows) for e, rows in train.items()}
    own = sum(k.with_rows(train[e]) for e, k in kernels.items()) / len(kernels)
    cross = sum(k.with_rows(test[e]) for e, k in kernels.items()) / len(kernels)
    return np.asarray(own), np.asarray(cross)


def _metrics(
    train: Arms, test: Arms, values: Floats, features: str, settings: ModelSettings, seed: int
) -> Iterator[Row]:
    weights = scores.group_weights(test.groups, settings.bootstrap, seed)
    for k, target in enumerate(TARGETS):
        kinds: dict[Metric, scores.Score] = {Metric.RMSE: scores.rmse, Metric.R2: scores.r2}
        if target.is_class:
            kinds = {Metric.AUROC: scores.auroc, Metric.BALANCED_ACCURACY: scores.balanced_accuracy}
        for metric, score in kinds.items():
            curve = scores.repeated(score, test.truth[:, k], values[..., k], weights)
            value = scores.interval(curve)
            yield {
                "target": target.name,
                "unit": "" if metric is Metric.R2 else target.unit,
                "features": features,
                "model": "kernel",
                "split": str(Split.DESIGN),
                "subset": FIRST,
                "fidelity": str(test.rows[0]["protocol"]),
                "seed": seed,
                "n_train": len(train.rows),
                "n_test": len(test.rows),
                "n_groups": len(set(test.groups)),
                "metric": str(metric),
                "value": value[0],
                "lo": value[1],
                "hi": value[2],
            }


def _predictions(test: Arms, values: Floats, features: str) -> Iterator[Row]:
    for k, target in enumerate(TARGETS):
        for number, answers in enumerate(values[..., k]):
            for i, row in enumerate(test.rows):
                yield {
                    "structure_id": row["structure_id"],
                    "group": row["group"],
                    "target": target.name,
                    "features": features,
                    "model": "kernel",
                    "split": str(Split.DESIGN),
                    "repeat": number,
                    "truth": float(test.truth[i, k]),
                    "prediction": float(answers[i]),
                }
