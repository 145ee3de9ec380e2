"""Scores of study `speckle`: how often a number of disks is right, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from defectra.learn.scores import group_weights, interval
from defectra.studies.speckle.models import SHUFFLED

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
TARGET = "number of disks"
CONFUSION_COLUMNS = ["kind", "model", "number", "predicted", "patterns"]


class Right(StrEnum):
    """Metrics of a number of disks."""

    EXACT = "accuracy"
    WITHIN_ONE = "accuracy_within_1"


def subset_name(row: Mapping[str, Any]) -> str:
    """Name of what a model is asked: the set, and the number of photons if there is noise."""
    if np.isinf(row["photons"]):
        return str(row["set"])
    return f"{row['set']}, {row['photons']:g} photons"


def metrics(predictions: Rows, classes: int, seed: int, resamples: int) -> Iterator[Row]:
    """Rows of ``metrics.csv``.

    Resamples are drawn over configurations. Of the control with shuffled labels they are drawn
    over the numbers of disks: patterns of one number get one arbitrary answer and rise or fall
    together.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in predictions:
        key = (row["kind"], subset_name(row), row["form"], row["model"], row["centre"])
        groups[*key, row["train_each"]].append(row)
    for (kind, subset, form, model, centre, each), rows in groups.items():
        over = "number" if model == SHUFFLED else "configuration"
        names = [str(r[over]) for r in rows]
        weights = group_weights(names, resamples, seed)
        off = np.array([abs(r["predicted"] - r["number"]) for r in rows])
        for metric, right in ((Right.EXACT, off == 0), (Right.WITHIN_ONE, off <= 1)):
            shares = weights @ right.astype(float) / weights.sum(axis=1)
            value, lo, hi = interval(shares)
            yield {
                "target": TARGET,
                "unit": "",
                "features": centre,
                "model": model,
                "split": f"{kind} disks, configurations held out",
                "subset": subset,
                "fidelity": form,
                "seed": seed,
                "n_train": each * classes,
                "n_test": len(rows),
                "n_groups": len(set(names)),
                "metric": str(metric),
                "value": value,
                "lo": lo,
                "hi": hi,
            }


def confusion(predictions: Rows) -> list[Row]:
    """How often each number is taken for each other one, test sets without noise."""
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    most: dict[tuple[str, str], int] = defaultdict(int)
    plain = [r for r in predictions if r["set"] == f"{r['kind']} test" and np.isinf(r["photons"])]
    plain = [r for r in plain if r["centre"] == "centre hidden"]
    for row in plain:
        key = (row["kind"], row["model"])
        most[key] = max(most[key], row["train_each"])
    for row in plain:
        if row["train_each"] == most[row["kind"], row["model"]]:
            found[row["kind"], row["model"], row["number"], row["predicted"]] += 1
    return [dict(zip(CONFUSION_COLUMNS, (*key, n))) for key, n in sorted(found.items())]
