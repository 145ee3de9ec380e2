"""Controls of a campaign without pairs: models that are shown no spectrum, or wrong labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.core.settings import ModelSettings
from defectra.learn import crossval, edge_kernels, edge_ridge
from defectra.learn.crossval import TARGETS, Job, Result, Target
from defectra.learn.edge_kernels import Targets
from defectra.learn.edge_ridge import Scaled

SHUFFLED, CONTENTS, VOLUME = "shuffled", "contents", "volume and contents"
_SHUFFLED_TARGETS = ("x_Li", "vacancy", "antisite")


def confounder_results(
    rows: Sequence[Mapping[str, Any]],
    target: Target,
    settings: ModelSettings,
    volumes: Mapping[str, float],
) -> list[Result]:
    """A defect from the true contents, and from cell volume and contents, by ridge; else none.

    Spectra tell contents, and a defect may change the volume: a detector has to beat both. Where
    a volume is not known, that control is left out.
    """
    if not target.is_class:
        return []
    columns = [t.column for t in TARGETS if not t.is_class]
    contents = np.array([[float(row[c]) for c in columns] for row in rows])
    known = np.array([[volumes.get(str(row["structure_id"]), np.nan)] for row in rows])
    shown = {CONTENTS: contents}
    if np.isfinite(known).all():
        shown[VOLUME] = np.hstack([known, contents])
    truth = np.array([float(row[target.column]) for row in rows])
    jobs = [
        Job(target, name, Split.GROUPED, settings.repeats, matrix, truth)
        for name, matrix in shown.items()
    ]
    return [crossval.run(job, rows, settings, 0, fit=ridge) for job in jobs]


def ridge(
    train: NDArray[np.float64],
    known: NDArray[np.float64],
    test: NDArray[np.float64],
    groups: Sequence[str],
) -> NDArray[np.float64]:
    """Linear answers about 1/2, penalty by inner folds over groups."""
    mean, sd = train.mean(axis=0), train.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    own, asked = ((rows - mean) / sd for rows in (train, test))
    by = Scaled.of(own)
    targets = Targets(known[:, None], np.array([True]))
    parts = edge_kernels.inner_folds(groups, 0)
    return edge_ridge.fit(by(own), targets, parts).answers(by(asked))[:, 0]


def shuffled_jobs(
    rows: Sequence[Mapping[str, Any]],
    features: NDArray[np.float64],
    repeats: int,
    seed: int,
) -> list[Job]:
    """Spectra with the labels of other groups, a new shuffle in each repeat."""
    jobs = []
    for target in TARGETS:
        if target.name in _SHUFFLED_TARGETS:
            labels = np.array([float(r[target.column]) for r in rows])
            groups = [r["group"] for r in rows]
            truth = np.array([shuffled(labels, groups, seed + k) for k in range(repeats)])
            jobs.append(Job(target, SHUFFLED, Split.GROUPED, repeats, features, truth))
    return jobs


def shuffled(labels: NDArray[np.float64], groups: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Labels with whole groups exchanged; where sizes differ, those of the other repeat.

    Parameters
    ----------
    labels
        Shape (n,).
    groups
        Group of each row.
    seed
        Seed of the permutation of groups.
    """
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    members = [np.flatnonzero(index == g) for g in range(int(index.max()) + 1)]
    partner = np.random.default_rng(seed).permutation(len(members))
    out = np.empty(len(labels))
    for own, other in zip(members, partner):
        out[own] = np.resize(labels[members[other]], len(own))
    return out
