"""Differences between the errors of two models of levels on the same rows and resamples.

The interval of a difference is that of both models resampled together: their errors are
correlated over hosts, so that neither the interval of one of them nor a fixed reference tells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.records import Metric, Split
from defectra.learn import scores
from defectra.studies.levels.evaluate import BOOSTED, DECLARED, ISOTROPIC, WITH_HOST
from defectra.studies.levels.settings import LevelsStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
KEYS = ("host", "site", "impurity", "q_from")


class Pair(NamedTuple):
    """Two models with their splits, and the name of the difference in ``metrics.csv``."""

    name: str
    first: tuple[str, Split]
    second: tuple[str, Split]


FORM = Pair(f"{DECLARED} less {ISOTROPIC}", (DECLARED, Split.HOST_OUT), (ISOTROPIC, Split.HOST_OUT))
LEAK = Pair(
    f"{BOOSTED}: by defect less random rows", (BOOSTED, Split.GROUPED), (BOOSTED, Split.RANDOM)
)


def paired_rows(predictions: Rows, study: LevelsStudy, seed: int) -> Iterator[Row]:
    """Rows of ``metrics.csv``: RMSE of the first model less that of the second, eV, over hosts.

    Raises
    ------
    DataError
        If both did not answer about the same levels.
    """
    for pair in (FORM, LEAK):
        first, second = (_answers(predictions, *side) for side in pair[1:])
        if not first or not second:
            continue
        if [_key(r) for r in first] != [_key(r) for r in second]:
            raise DataError(f"{pair.name}: the models did not answer about the same levels")
        hosts = [str(r["host"]) for r in first]
        drawn = scores.Drawn.of(hosts, study.bootstrap, seed)
        own, other = (_errors(rows, drawn.weights) for rows in (first, second))
        value, lo, hi = drawn.ends(own - other)
        yield {
            "target": "level", "unit": "eV", "features": WITH_HOST, "model": pair.name,
            "split": str(pair.first[1]), "subset": "all", "fidelity": study.target, "seed": seed,
            "n_train": len(first), "n_test": len(first), "n_groups": len(set(hosts)),
            "metric": str(Metric.RMSE_DIFFERENCE), "value": value, "lo": lo, "hi": hi,
        }  # fmt: skip


def _answers(predictions: Rows, model: str, split: Split) -> list[Mapping[str, Any]]:
    wanted = (model, WITH_HOST, str(split))
    found = [r for r in predictions if (r["model"], r["features"], r["split"]) == wanted]
    return sorted(found, key=_key)


def _errors(rows: Rows, weights: Floats) -> Floats:
    truth, value = (np.array([float(r[k]) for r in rows]) for k in ("truth", "prediction"))
    return scores.rmse(truth, value, weights)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[k] for k in KEYS)
