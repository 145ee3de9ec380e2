"""Negative controls: models that are shown no spectrum, or wrong labels, must find nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.learn.crossval import TARGETS, Job, Target
from defectra.learn.features import MetadataFeatures

METADATA, SHUFFLED, CONTENTS = "metadata", "shuffled", "contents"
_SHUFFLED_TARGETS = ("x_Li", "vacancy", "antisite")


def metadata_jobs(
    rows: Sequence[Mapping[str, Any]], edges: Sequence[str], repeats: int
) -> list[Job]:
    """Defects from site counts and failures alone: an AUROC above 1/2 is a leak."""
    matrix = MetadataFeatures(edges).transform(rows)
    return [
        Job(
            t,
            METADATA,
            Split.GROUPED,
            repeats,
            matrix,
            np.array([float(r[t.column]) for r in rows]),
        )
        for t in TARGETS
        if t.is_class
    ]


def why_blind(rows: Sequence[Mapping[str, Any]], edges: Sequence[str]) -> str:
    """Why the metadata of these rows cannot tell the defect; empty if one of them varies."""
    if not rows:
        return ""
    varies = np.ptp(MetadataFeatures(edges).transform(rows), axis=0) > 0
    if varies.any():
        return ""
    return f"cannot fail: its columns are constant ({len(varies)} of {len(varies)})"


def contents_jobs(rows: Sequence[Mapping[str, Any]], target: Target, repeats: int) -> list[Job]:
    """A defect from the true lithium and metal contents alone; no job for a content.

    Above 1/2 the draw of structures is not balanced, and spectra, which tell the contents, get
    that much for nothing: a detector has to beat it.
    """
    if not target.is_class:
        return []
    columns = [t.column for t in TARGETS if not t.is_class]
    matrix = np.array([[float(row[c]) for c in columns] for row in rows])
    truth = np.array([float(row[target.column]) for row in rows])
    return [Job(target, CONTENTS, Split.GROUPED, repeats, matrix, truth)]


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
