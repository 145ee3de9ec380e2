"""Scores of study `xrd`: errors of contents read off a plane, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.records import Metric
from defectra.learn.scores import Drawn, rmse
from defectra.studies.xrd.learning import AUTOENCODER, LIKE, MEAN, ORDERED_SET, PCA, REGRESSION

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
DIFFERENCE = f"{AUTOENCODER} less {PCA}"
OVER_REGRESSION = f"{AUTOENCODER} less {REGRESSION}"
OVER_MEAN = f"{AUTOENCODER} less {MEAN}"
# both sides of a difference have the same resamples
PAIRS = {DIFFERENCE: PCA, OVER_REGRESSION: REGRESSION, OVER_MEAN: MEAN}
COPIES = {LIKE: "fractional, disturbed", ORDERED_SET: "ordered"}


def metrics(predictions: Rows, seed: int, resamples: int) -> Iterator[Row]:
    """Rows of ``metrics.csv``; intervals are over the contents that were left out."""
    groups: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = defaultdict(dict)
    for row in predictions:
        groups[row["content"], row["set"]].setdefault(row["model"], []).append(row)
    for (content, name), models in groups.items():
        scores, drawn = {}, {}
        for model, rows in models.items():
            drawn[model] = Drawn.of([str(r["held"]) for r in rows], resamples, seed)
            truth, found = (np.array([r[k] for r in rows]) for k in ("held", "predicted"))
            scores[model] = rmse(truth, found, drawn[model].weights)
            ends = drawn[model].ends(scores[model], (0.0, np.inf))
            yield _row(content, name, model, Metric.RMSE, ends, rows, seed)
        for pair, other in PAIRS.items():
            if AUTOENCODER in scores and other in scores:
                apart = drawn[AUTOENCODER].ends(scores[AUTOENCODER] - scores[other])
                rows = models[AUTOENCODER]
                yield _row(content, name, pair, Metric.RMSE_DIFFERENCE, apart, rows, seed)


def _row(
    content: str,
    name: str,
    model: str,
    metric: Metric,
    ends: tuple[float, float, float],
    rows: Rows,
    seed: int,
) -> Row:
    value, lo, hi = ends
    held = len({r["held"] for r in rows})
    return {
        "target": f"{content} content",
        "unit": "atoms per formula unit",
        "features": "pattern",
        "model": model,
        "split": "one content left out",
        "subset": name,
        "fidelity": COPIES.get(name, "fractional"),
        "seed": seed,
        "n_train": "",
        "n_test": len(rows),
        "n_groups": held,
        "metric": str(metric),
        "value": value,
        "lo": lo,
        "hi": hi,
    }
