"""What separates the arms without any spectrum: contents, volume, how the calculations went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from defectra.learn import components, edge_kernels, edge_ridge
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.learn.edge_ridge import Scaled
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.models import TESTS, Answers, Held, split_folds

Floats = NDArray[np.float64]
ModelName = Literal["kernel", "ridge", "xgboost"]
CONTENTS, VOLUME, METADATA = "contents", "volume and contents", "metadata"
OF_SPECTRA = "metadata of the spectra"  # without the relaxation, which takes longer with a defect
# Wall times also carry the order in which a run came to the arms, and what else it ran then.
UNTIMED = "metadata of the spectra without wall times"
COLUMN = "metadata column: "  # each by itself, no model
PERMUTED = "permuted labels: all"
CONTROLS: dict[str, tuple[ModelName, ...]] = {
    CONTENTS: ("ridge", "kernel"),
    VOLUME: ("ridge", "kernel"),
    METADATA: ("ridge", "xgboost"),
    OF_SPECTRA: ("ridge", "xgboost"),
    UNTIMED: ("ridge", "xgboost"),
}
_CONTENT_COLUMNS = ("lithium", "n_Ni", "n_Mn", "n_Co")
_OF_EDGE = ("n_unconverged", "n_failed", "iterations", "cpu_s", "wall_s")
_OF_RELAXATION = ("relaxation_fmax", "relaxation_cpu_s", "relaxation_wall_s")


def matrix(arms: Arms, name: str) -> Floats:
    """What a control is shown, shape (n, p)."""
    return np.array([[float(r[c]) for c in columns(arms.edges, name)] for r in arms.rows])


def columns(edges: Sequence[str], name: str) -> list[str]:
    """Columns of the table of arms that a control is shown."""
    spectra = ["block", *(f"{c}: {e}" for c in _OF_EDGE for e in edges)]
    return {
        CONTENTS: list(_CONTENT_COLUMNS),
        VOLUME: ["volume", *_CONTENT_COLUMNS],
        METADATA: [*_OF_RELAXATION, *spectra],
        OF_SPECTRA: spectra,
        UNTIMED: [c for c in spectra if not c.startswith("wall_s")],
    }[name]


def hold_out(
    arms: Arms,
    held: Held,
    values: Floats,
    model: ModelName,
    n_folds: int,
    seed: int,
    repeats: int | None = None,
    *,
    classes_only: bool = False,
) -> Answers:
    """Answers of a model that is shown no spectrum, on the folds of `held`; equal in each test.

    Parameters
    ----------
    values
        What it is shown, shape (n, p).
    repeats
        Repeats with folds of their own, after which the answers begin anew (the labels must be
        the same in all of them); none: as many as `held` has.
    classes_only
        Whether contents are left out: NaN.
    """
    asked = arms.is_class if classes_only else np.ones(len(arms.targets), dtype=bool)
    out = Answers.empty(len(held.labels), arms)
    length = len(held.labels) if repeats is None else repeats * TESTS
    for repeat, start in enumerate(range(0, len(held.labels), TESTS)):
        if start >= length:
            here = slice(start, start + TESTS)
            out.values[here] = out.values[start - length : start - length + TESTS]
            continue
        labels = held.labels[start].values
        for train, test in split_folds(arms, held.split, n_folds, repeat):
            targets = Targets(labels[np.ix_(train, asked)], arms.is_class[asked])
            groups = [arms.groups[i] for i in train]
            fold = _scaled(values[train], values[test])
            found = _answers(model, fold, targets, groups, seed + repeat)
            tests = np.arange(start, start + TESTS)
            out.values[np.ix_(tests, test, np.flatnonzero(asked))] = found
    return out


def _scaled(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    mean, sd = train.mean(axis=0), train.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    return (train - mean) / sd, (test - mean) / sd


def _answers(
    model: ModelName,
    fold: tuple[Floats, Floats],
    targets: Targets,
    groups: Sequence[str],
    seed: int,
) -> Floats:
    train, test = fold
    if model == "xgboost":
        return components.answers("xgboost", train, targets, test, seed)
    parts = edge_kernels.inner_folds(groups, seed)
    if model == "ridge":
        by = Scaled.of(train)
        return edge_ridge.fit(by(train), targets, parts).answers(by(test))
    kernel = Kernel.of(train)
    return edge_kernels.fit(kernel.own, targets, parts).answers(kernel.with_rows(test))
