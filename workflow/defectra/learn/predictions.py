"""The predictions table: what each model said about each structure that it had not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Column, Split, Table

PREDICTIONS = Table(
    "predictions",
    (
        Column("structure_id", "string", "", "structure"),
        Column("group", "string", "", "family"),
        Column("target", "string", "", "label that was predicted"),
        Column("features", "string", "", "what the model saw"),
        Column("model", "string", "", "xgboost or baseline"),
        Column("split", "string", "", "cross-validation"),
        Column("repeat", "int", "", "number of the seeded repeat"),
        Column("truth", "float", "target", "label"),
        Column("prediction", "float", "target", "out of fold; probability of a class"),
    ),
)


@dataclass(frozen=True)
class Answered:
    """What answered: the features it saw, its model, and on which split."""

    features: str
    model: str
    split: Split


def prediction_rows(
    by: Answered,
    rows: Sequence[Mapping[str, Any]],
    target: str,
    truth: NDArray[np.float64],
    answers: NDArray[np.float64],
) -> Iterator[dict[str, Any]]:
    """Rows of :data:`PREDICTIONS` about one target.

    Parameters
    ----------
    rows
        Of the structures, with ``structure_id`` and ``group``, length n.
    truth, answers
        Of each repeat and structure, shape (repeats, n).
    """
    for repeat, (labels, values) in enumerate(zip(truth, answers, strict=True)):
        for row, label, value in zip(rows, labels, values, strict=True):
            yield {
                "structure_id": row["structure_id"],
                "group": row["group"],
                "target": target,
                "features": by.features,
                "model": by.model,
                "split": str(by.split),
                "repeat": repeat,
                "truth": float(label),
                "prediction": float(value),
            }
