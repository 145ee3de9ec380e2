"""Do spectra detect a defect better than cell volume and contents? A test in the first campaign.

In a block both arms of a pair have the same cell and the same contents, so that neither can detect
the defect there: AUROC 0.5 by design. In the first campaign every structure relaxed its own cell,
and the volume carries the label. The comparison was added after a look at 25 blocks. AUROC: area
under the receiver operating characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.learn import scores
from defectra.learn.crossval import TARGETS, Target
from defectra.learn.splits import TooFewGroupsError, folds
from defectra.studies.nmc.blocks.controls import VOLUME
from defectra.studies.nmc.blocks.models import TESTS
from defectra.studies.nmc.blocks.scores import ALL, SHAPE
from defectra.studies.nmc.first.negative_controls import ridge

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
RIDGE = "ridge"
JOINED = "volume, contents and answer of the blocks' model"
OVER = f"{SHAPE}{ALL} minus {VOLUME} ({RIDGE})"
BESIDE = f"{JOINED} minus {VOLUME} ({RIDGE})"


@dataclass(frozen=True)
class Asked:
    """Structures that the models of the blocks are asked about.

    Attributes
    ----------
    rows
        Rows of the training table, n of them.
    groups
        Family of each row.
    volumes
        Cell volume by structure, Å³.
    weights
        Of the rows in the sample and its resamples, shape (1 + resamples, n).
    n_folds
        Folds of the models that are trained on the rows themselves.
    """

    rows: Rows
    groups: Sequence[str]
    volumes: Mapping[str, float]
    weights: Floats
    n_folds: int


def compared(
    asked: Asked, answers: Mapping[str, Floats]
) -> Iterator[tuple[Target, str, str, Floats]]:
    """Target, features, model and AUROC curve of each comparison, shape (1 + resamples,).

    Ridge on volume and contents, and on both and the answer of the blocks' model, are trained and
    tested on these structures, on the same folds over families; the models of the blocks have seen
    none of them. Every gain is paired in each resample. Nothing where a volume is not known.

    Parameters
    ----------
    answers
        Of the blocks' models on all edges, by model, shape (d, n, k).
    """
    known = np.array([[asked.volumes.get(str(r["structure_id"]), np.nan)] for r in asked.rows])
    if not np.isfinite(known).all():
        return
    columns = [t.column for t in TARGETS if not t.is_class]
    confounders = np.hstack([known, [[float(r[c]) for c in columns] for r in asked.rows]])
    for k, target in enumerate(TARGETS):
        if not target.is_class:
            continue
        truth = np.array([float(r[target.column]) for r in asked.rows])
        count = len(next(iter(answers.values())))
        plain = np.array([_held_out(asked, confounders, truth, d // TESTS) for d in range(count)])
        without = _auroc(asked, truth, plain)
        yield target, VOLUME, RIDGE, without
        for model, values in answers.items():
            own = _auroc(asked, truth, values[..., k])
            joined = _joined(asked, confounders, truth, values[..., k])
            yield target, OVER, model, own - without
            yield target, JOINED, model, joined
            yield target, BESIDE, model, joined - without


def _joined(asked: Asked, confounders: Floats, truth: Floats, answers: Floats) -> Floats:
    """AUROC of ridge on the confounders and the answers of each measurement, shape (d, n)."""
    found = [
        _held_out(asked, np.column_stack([confounders, one]), truth, d // TESTS)
        for d, one in enumerate(answers)
    ]
    return _auroc(asked, truth, np.array(found))


def _auroc(asked: Asked, truth: Floats, predictions: Floats) -> Floats:
    return scores.repeated(scores.auroc, truth, predictions, asked.weights)


def _held_out(asked: Asked, matrix: Floats, truth: Floats, repeat: int) -> Floats:
    """Answers of ridge about families that it was not trained on, shape (n,); NaN without any."""
    out = np.full(len(truth), np.nan)
    count = min(asked.n_folds, len(set(asked.groups)))
    if count < 2 or np.ptp(truth) == 0:
        return out
    try:
        parts = folds(Split.GROUPED, asked.groups, classes=truth, n_folds=count, seed=repeat)
    except TooFewGroupsError:
        return out
    for train, test in parts:
        groups = [asked.groups[i] for i in train]
        out[test] = ridge(matrix[train], truth[train], matrix[test], groups)
    return out
