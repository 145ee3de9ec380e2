"""Where on the energy axis the linear model looks, beside what the defect does to the spectra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.core.settings import ModelSettings
from defectra.learn import edge_kernels, edge_ridge
from defectra.learn.edge_kernels import Targets
from defectra.learn.edge_ridge import Scaled, scaled
from defectra.learn.edges_model import DRAWS
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.models import COPIES, MEASURED, split_folds
from defectra.studies.nmc.blocks.scores import CLAIMED, Pair

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
WEIGHT_COLUMNS = [
    *("target", "edge", "energy_eV", "weight", "weight_sd", "difference", "difference_sd"),
    *("cosine", "halves", "halves_lo", "halves_hi", "halves_all", "n_blocks", "n_folds"),
    *("steady_weight", "steady_weight_sd", "steady_cosine"),
    *("steady_halves", "steady_halves_lo", "steady_halves_hi", "steady_halves_all"),
]
HALVINGS = 20  # ways to cut the blocks into two halves
FEWEST = 8  # families; half of fewer is no model


@dataclass(frozen=True)
class Way:
    """How the linear model is fitted.

    Attributes
    ----------
    prefix
        Of its columns.
    draws
        Models, each with its own jitters and inner folds, whose weights are averaged.
    steady
        Whether the penalty is the largest within one standard error of the smallest inner error.
    """

    prefix: str
    draws: int
    steady: bool


FIXED = Way("", 1, steady=False)
STEADY = Way("steady_", DRAWS, steady=True)  # added with 32 blocks
Weights = dict[str, Floats]  # by edge, shape (bins, targets)


def weights(
    rows: Rows, grids: Mapping[str, Grid], edges: Sequence[str], settings: ModelSettings, seed: int
) -> list[Row]:
    """Weights of ridge on all edges for each defect, and the mean difference to the pristine arm.

    The model is linear in the bins, so its weights are exact. ``weight`` is the mean over folds of
    what an area of 1 % of the edge in the bin adds to the answer, ``weight_sd`` its standard
    deviation over folds, ``cosine`` the mean cosine between the weights of two folds (all edges
    together). Folds share most of their blocks, and here their jitters too, which flatters it:
    ``halves`` is the mean cosine between the weights of the edge of two disjoint halves of the
    blocks with jitters of their own, over :data:`HALVINGS` ways to cut them, ``halves_lo`` and
    ``halves_hi`` where 5 % and 95 % of these lie (no interval: the ways share their blocks),
    ``halves_all`` the mean with all edges together. ``steady_``: the same by :data:`STEADY`.
    ``difference`` is the mean over blocks of the share of the area in the bin, defect minus
    pristine, in %, ``difference_sd`` its standard error.
    """
    if not rows:
        return []
    arms = Arms.of(rows, grids, edges)
    folds = [train for train, _ in split_folds(arms, Split.GROUPED, settings.folds, 0)]
    if not folds:
        return []
    found = [(w, *_of_way(arms, folds, seed, w)) for w in (FIXED, STEADY)]
    return [
        {"target": pair.target, "edge": edge, "n_folds": len(folds)} | row
        for pair in CLAIMED
        for edge in arms.edges
        for row in _of_edge(arms, edge, pair, found)
    ]


def _of_way(
    arms: Arms, folds: Sequence[NDArray[np.int64]], seed: int, way: Way
) -> tuple[list[Weights], list[tuple[Weights, Weights]]]:
    """Weights of each fold, and of both halves for each way to cut the families."""
    by_fold = [_averaged(arms, train, seed, way) for train in folds]
    return by_fold, _of_halves(arms, seed, way)


def _of_edge(
    arms: Arms,
    edge: str,
    pair: Pair,
    ways: Sequence[tuple[Way, list[Weights], list[tuple[Weights, Weights]]]],
) -> Iterator[Row]:
    """Rows of an edge over energy, without target and edge."""
    column = pair.column
    scalars: dict[str, float] = {}
    curves: dict[str, Floats] = {}
    for way, folds, halves in ways:
        every = np.array([np.concatenate([f[e][:, column] for e in arms.edges]) for f in folds])
        own = [_cosine([a[edge]], [b[edge]], column) for a, b in halves]
        whole = [_cosine(list(a.values()), list(b.values()), column) for a, b in halves]
        spread = {**_spread(own), "halves_all": _spread(whole)["halves"]}
        scalars |= {f"{way.prefix}{k}": v for k, v in spread.items()}
        scalars[f"{way.prefix}cosine"] = _mean_cosine(every)
        found = np.array([f[edge][:, column] for f in folds])
        curves[f"{way.prefix}weight"] = found.mean(axis=0) / 100
        curves[f"{way.prefix}weight_sd"] = found.std(axis=0) / 100
    for k, row in enumerate(_differences(arms, edge, pair.target)):
        yield scalars | row | {name: float(values[k]) for name, values in curves.items()}


def _of_halves(arms: Arms, seed: int, way: Way) -> list[tuple[Weights, Weights]]:
    """Weights of both halves for each way to cut the families; none with too few of them."""
    names = sorted(set(arms.groups))
    if len(names) < FEWEST:
        return []
    groups, out = np.array(arms.groups), []
    for cut in range(HALVINGS):
        drawn = np.random.default_rng([seed, 8, cut]).permutation(names)[: len(names) // 2]
        inside = np.isin(groups, drawn)
        first, second = (np.flatnonzero(own) for own in (inside, ~inside))
        start = seed + 2 * cut + 1  # jitters of their own, other than those of the folds
        out.append((_averaged(arms, first, start, way), _averaged(arms, second, start + 1, way)))
    return out


def _cosine(first: Sequence[Floats], second: Sequence[Floats], column: int) -> float:
    """Cosine between the weights of a target, some edges together."""
    a, b = (np.concatenate([own[:, column] for own in half]) for half in (first, second))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _spread(values: Sequence[float]) -> dict[str, float]:
    lo, hi = np.quantile(values, [0.05, 0.95]) if values else (np.nan, np.nan)
    mean = float(np.mean(values)) if values else float("nan")
    return {"halves": mean, "halves_lo": float(lo), "halves_hi": float(hi)}


def _averaged(arms: Arms, train: NDArray[np.int64], seed: int, way: Way) -> Weights:
    """Mean of the weights of the models of a way."""
    drawn = [_fitted(arms, train, (seed, draw), way.steady) for draw in range(way.draws)]
    return {e: np.asarray(np.mean([d[e] for d in drawn], axis=0)) for e in arms.edges}


def _fitted(arms: Arms, train: NDArray[np.int64], draw: tuple[int, int], steady: bool) -> Weights:
    """Weights by edge, shape (bins, targets): answer for a unit share of the area."""
    seed, more = draw
    generator = np.random.default_rng([seed * 1000, 1, *([more] if more else [])])
    copies = [MEASURED.draw(arms.curves, generator) for _ in range(COPIES)]
    features = {e: np.vstack([c[e][train] for c in copies]) for e in arms.edges}
    by = {e: Scaled.of(rows) for e, rows in features.items()}
    targets = Targets(np.tile(arms.truth[train], (COPIES, 1)), arms.is_class)
    groups = [arms.groups[i] for i in train] * COPIES
    parts = edge_kernels.inner_folds(groups, seed + more)
    own = scaled(features, by, arms.edges)
    fitted = edge_ridge.fit(own, targets, parts, groups if steady else None)
    ends = np.cumsum([features[e].shape[1] for e in arms.edges])[:-1]
    unit = {e: by[e].length * np.sqrt(len(arms.edges)) for e in arms.edges}
    return {e: w / unit[e] for e, w in zip(arms.edges, np.split(fitted.dual, ends))}


def _mean_cosine(found: Floats) -> float:
    """Mean cosine between the rows of an array, shape (folds, bins)."""
    if len(found) < 2:
        return float("nan")
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    table = unit @ unit.T
    return float(table[np.triu_indices(len(table), 1)].mean())


def _differences(arms: Arms, edge: str, target: str) -> Iterator[Row]:
    """Mean change of the arm by the defect over energy."""
    curves = arms.curves[edge]
    shares = curves.moved(np.zeros(len(arms.rows)))
    difference = 100 * (_of_arm(arms, shares, target) - _of_arm(arms, shares, "pristine"))
    count = len(difference)
    centres = (curves.bins[:-1] + curves.bins[1:]) / 2
    error = difference.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else difference[0] * np.nan
    for k, energy in enumerate(centres):
        yield {
            "energy_eV": float(energy),
            "difference": float(difference[:, k].mean()),
            "difference_sd": float(error[k]),
            "n_blocks": count,
        }


def _of_arm(arms: Arms, shares: Floats, arm: str) -> Floats:
    """Shares of one arm, block by block."""
    rows = [(r["block"], i) for i, r in enumerate(arms.rows) if r["arm"] == arm]
    return shares[[i for _, i in sorted(rows)]]
