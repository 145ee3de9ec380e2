"""Where on the energy axis the linear model looks, beside what the defect does to the spectra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.core.settings import ModelSettings
from defectra.learn import edge_kernels
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.spectra.grid import Grid
from defectra.studies.nmc.block_arms import Arms
from defectra.studies.nmc.block_models import COPIES, MEASURED, split_folds
from defectra.studies.nmc.block_scores import CLAIMED

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
WEIGHT_COLUMNS = [
    *("target", "edge", "energy_eV", "weight", "weight_sd", "difference", "difference_sd"),
    *("cosine", "n_blocks", "n_folds"),
]


def weights(
    rows: Rows, grids: Mapping[str, Grid], edges: Sequence[str], settings: ModelSettings, seed: int
) -> list[Row]:
    """Weights of ridge on all edges for each defect, and the mean difference to the pristine arm.

    The model is linear in the bins, so its weights are exact. ``weight`` is the mean over folds of
    what an area of 1 % of the edge in the bin adds to the answer, ``weight_sd`` its standard
    deviation over folds, ``cosine`` the mean cosine between the weights of two folds (all edges
    together). ``difference`` is the mean over blocks of the share of the area in the bin, defect
    minus pristine, in %, ``difference_sd`` its standard error.
    """
    if not rows:
        return []
    arms = Arms.of(rows, grids, edges)
    by_fold = [_fold_weights(arms, train, seed) for train, _ in
               split_folds(arms, Split.GROUPED, settings.folds, 0)]  # fmt: skip
    if not by_fold:
        return []
    out: list[Row] = []
    for pair in CLAIMED:
        per_edge = {e: np.array([f[e][:, pair.column] for f in by_fold]) for e in arms.edges}
        cosine = _mean_cosine(np.hstack(list(per_edge.values())))
        for edge, found in per_edge.items():
            out += _rows(arms, edge, pair.target, found, cosine)
    return out


def _fold_weights(arms: Arms, train: NDArray[np.int64], seed: int) -> dict[str, Floats]:
    """Weights by edge, shape (bins, targets): answer for a unit share of the area."""
    generator = np.random.default_rng([seed * 1000, 1])
    copies = [MEASURED.draw(arms.curves, generator) for _ in range(COPIES)]
    features = {e: np.vstack([c[e][train] for c in copies]) for e in arms.edges}
    kernels = {e: Kernel.of("ridge", rows) for e, rows in features.items()}
    own = sum(k.with_rows(features[e]) for e, k in kernels.items()) / len(kernels)
    targets = Targets(np.tile(arms.truth[train], (COPIES, 1)), arms.is_class)
    groups = [arms.groups[i] for i in train] * COPIES
    fitted = edge_kernels.fit(np.asarray(own), targets, edge_kernels.inner_folds(groups, seed))
    return {
        e: (k.rows - k.centre).T @ fitted.dual / (k.scale * len(kernels))
        for e, k in kernels.items()
    }


def _mean_cosine(found: Floats) -> float:
    """Mean cosine between the rows of an array, shape (folds, bins)."""
    if len(found) < 2:
        return float("nan")
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    table = unit @ unit.T
    return float(table[np.triu_indices(len(table), 1)].mean())


def _rows(arms: Arms, edge: str, target: str, found: Floats, cosine: float) -> Iterator[Row]:
    curves = arms.curves[edge]
    shares = curves.moved(np.zeros(len(arms.rows)))
    difference = 100 * (_of_arm(arms, shares, target) - _of_arm(arms, shares, "pristine"))
    count = len(difference)
    centres = (curves.bins[:-1] + curves.bins[1:]) / 2
    error = difference.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else difference[0] * np.nan
    for k, energy in enumerate(centres):
        yield {
            "target": target,
            "edge": edge,
            "energy_eV": float(energy),
            "weight": float(found[:, k].mean() / 100),
            "weight_sd": float(found[:, k].std() / 100),
            "difference": float(difference[:, k].mean()),
            "difference_sd": float(error[k]),
            "cosine": cosine,
            "n_blocks": count,
            "n_folds": len(found),
        }


def _of_arm(arms: Arms, shares: Floats, arm: str) -> Floats:
    """Shares of one arm, block by block."""
    rows = [(r["block"], i) for i, r in enumerate(arms.rows) if r["arm"] == arm]
    return shares[[i for _, i in sorted(rows)]]
