"""External test: models of the blocks asked about the structures of the first campaign.

Those were computed at another protocol and in cells of their own, and come in no pairs; what the
models say there is reported and carries no claim (``docs/nmc.md``). Late fusion is run beside the
model of the claims; it was chosen after a look at 25 blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric, Split
from defectra.core.settings import ModelSettings
from defectra.learn import edge_kernels, scores
from defectra.learn.crossval import TARGETS, Target
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.learn.predictions import Answered, prediction_rows
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.arms import Arms, Subset
from defectra.studies.nmc.blocks.models import COPIES, LATE, MEASURED, TESTS, Features
from defectra.studies.nmc.blocks.scores import SHAPE, edges_name
from defectra.studies.nmc.first.volume import BESIDE, OVER, RIDGE, Asked, compared

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
FIRST = "first campaign"
KERNEL: edge_kernels.KernelName = "kernel"


def evaluate_first(
    blocks: Rows,
    first: Rows,
    grids: Mapping[str, Grid],
    edges: Sequence[str],
    settings: ModelSettings,
    seed: int,
    volumes: Mapping[str, float],
) -> tuple[list[Row], list[Row]]:
    """Metrics and predictions of the first campaign by models that saw all blocks and none of it.

    Parameters
    ----------
    blocks
        Arms of the blocks.
    first
        Rows of the training table of the first campaign; families that a block has are left out.
    volumes
        Cell volume of each structure of the first campaign, Å³; where one is not known, nothing is
        compared with the volume (:mod:`defectra.studies.nmc.first.volume`).
    """
    taken = {r["group"] for r in blocks}
    rows = [r for r in first if r["group"] not in taken]
    if not blocks or not rows or any(f"raw: {e}" not in rows[0] for e in edges):
        return [], []
    external = External(
        Arms.of(blocks, grids, edges), Arms.of(_as_arms(rows), grids, edges), settings, seed
    )
    answers = external.answers()
    metrics: list[Row] = []
    predictions: list[Row] = []
    for (model, subset), values in answers.items():
        features = SHAPE + edges_name(subset, external.train.edges)
        metrics += external.metrics(values, features, model)
        predictions += _predictions(external.test, values, features, model)
    whole = {model: v for (model, subset), v in answers.items() if subset == external.train.edges}
    return metrics + list(external.beside_volume(whole, volumes)), predictions


@dataclass(frozen=True)
class External:
    """Arms of the blocks, and the structures that their models are asked about."""

    train: Arms
    test: Arms
    settings: ModelSettings
    seed: int

    @cached_property
    def drawn(self) -> scores.Drawn:
        """The structures in the sample and its resamples."""
        return scores.Drawn.of(self.test.groups, self.settings.bootstrap, self.seed)

    def answers(self) -> dict[tuple[str, Subset], Floats]:
        """Answers about the structures, shape (d, n, k), by model and edges; late fusion last."""
        ends, repeats = self.train.ends(), self.settings.repeats
        found: dict[tuple[str, Subset], Floats] = {
            (KERNEL, s): _answers(self.train, self.test, s, repeats, self.seed) for s in ends
        }
        if len(ends) > 1:
            singles = [found[KERNEL, (e,)] for e in self.train.edges]
            found[KERNEL + LATE, self.train.edges] = np.asarray(np.mean(singles, axis=0))
        return found

    def metrics(self, values: Floats, features: str, model: str) -> Iterator[Row]:
        """Scores of every target; `values` has shape (d, n, k)."""
        for k, target in enumerate(TARGETS):
            kinds: dict[Metric, scores.Score] = {Metric.RMSE: scores.rmse, Metric.R2: scores.r2}
            if target.is_class:
                kinds = {
                    Metric.AUROC: scores.auroc,
                    Metric.BALANCED_ACCURACY: scores.balanced_accuracy,
                }
            for metric, score in kinds.items():
                truth = self.test.truth[:, k]
                curve = scores.repeated(score, truth, values[..., k], self.drawn.weights)
                value = self.drawn.ends(curve, scores.BOUNDS[metric])
                yield self._row(target, features, model, metric, value)

    def beside_volume(
        self, answers: Mapping[str, Floats], volumes: Mapping[str, float]
    ) -> Iterator[Row]:
        """What the answers on all edges are worth beside cell volume and contents."""
        test = self.test
        tested = Asked(test.rows, test.groups, volumes, self.drawn.weights, self.settings.folds)
        for target, features, model, curve in compared(tested, answers):
            is_gain = features in (OVER, BESIDE)
            value = self.drawn.ends(curve, (-1.0 if is_gain else 0.0, 1.0))
            yield self._row(target, features, model, Metric.AUROC, value)

    def _row(
        self,
        target: Target,
        features: str,
        model: str,
        metric: Metric,
        value: tuple[float, float, float],
    ) -> Row:
        is_own = model == RIDGE  # of confounders: trained on folds of the structures themselves
        return {
            "target": target.name,
            "unit": "" if metric is Metric.R2 else target.unit,
            "features": features,
            "model": model,
            "split": str(Split.DESIGN),
            "subset": FIRST,
            "fidelity": str(self.test.rows[0]["protocol"]),
            "seed": self.seed,
            "n_train": len((self.test if is_own else self.train).rows),
            "n_test": len(self.test.rows),
            "n_groups": len(set(self.test.groups)),
            "metric": str(metric),
            "value": value[0],
            "lo": value[1],
            "hi": value[2],
        }


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
    kernels = {e: Kernel.of(rows) for e, rows in train.items()}
    own = sum(k.own for k in kernels.values()) / len(kernels)
    cross = sum(k.with_rows(test[e]) for e, k in kernels.items()) / len(kernels)
    return np.asarray(own), np.asarray(cross)


def _predictions(test: Arms, values: Floats, features: str, model: str) -> Iterator[Row]:
    by = Answered(features, model, Split.DESIGN)
    for k, target in enumerate(TARGETS):
        truth = np.broadcast_to(test.truth[:, k], values.shape[:2])
        yield from prediction_rows(by, test.rows, target.name, truth, values[..., k])
