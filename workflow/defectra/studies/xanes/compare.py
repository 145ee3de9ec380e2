"""Which feature of a spectrum says most about the site, and what it stands when spectra change.

Every feature and model is fitted on undisturbed FEFF spectra of some materials and asked about
spectra of others, in every view of :mod:`defectra.studies.xanes.views`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from defectra.core.records import Metric, Split
from defectra.learn import scores
from defectra.learn.grouped_ridge import grouped_ridge
from defectra.learn.splits import folds
from defectra.studies.xanes.settings import XanesStudy
from defectra.studies.xanes.views import AS_IS, SAME_SITES, VASP, View, views

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Scored:
    """A score of some answers.

    Attributes
    ----------
    base
        What all rows of these answers share.
    values
        The score on the resamples `drawn`, shape (1 + sets,).
    by_design
        Whether the score is that of any groups: a constant against two classes.
    """

    base: Row
    drawn: scores.Drawn
    values: Floats
    by_design: bool = False

    def less(self, other: _Scored) -> _Scored:
        """The score less another one on the same resamples."""
        return _Scored(self.base, self.drawn, self.values - other.values)


UNITS = {"coordination": "", "bond_length": "Å", "valence": "e", "oxidation": ""}
RIDGE, FOREST, MEAN = "ridge", "random forest", "mean"
COMPONENTS = 20
# Scores of these two are compared resample by resample: the interval is that of the difference.
PAIRED = ("cdf", "intensity")
OVER_MEAN = f"{PAIRED[0]} - none"  # beside the mean of the training rows
DIFFERENCES: Mapping[Metric, Metric] = {
    Metric.RMSE: Metric.RMSE_DIFFERENCE,
    Metric.BALANCED_ACCURACY: Metric.ACCURACY_DIFFERENCE,
}
# Weaker penalties fit the numerical noise of FEFF: 1 % of noise then ruins every answer.
ALPHAS = np.logspace(1, 5, 9)


@dataclass(frozen=True)
class Task:
    """Labels that one model learns; `rows` have them, `values` has shape (rows, targets)."""

    targets: tuple[str, ...]
    rows: Ints
    values: Floats


def compare(table: Rows, vasp: Mapping[str, Floats], settings: XanesStudy, seed: int) -> list[Row]:
    """Scores of every feature, model, label and view, as rows of ``metrics.csv``.

    Parameters
    ----------
    table
        Rows of :data:`defectra.studies.xanes.copper.COPPER`.
    vasp
        VASP spectra by site; sites that the table does not know are passed over.
    """
    index_of = {row["site"]: k for k, row in enumerate(table)}
    known = {index_of[s]: v for s, v in vasp.items() if s in index_of}
    wide = np.array([row["mu"] for row in table])
    names = {part for feature in settings.features for part in feature.split("+")}
    seen = [(v, v.blocks(names)) for v in views(wide, known, settings.disturbances, seed)]
    groups = [row["material"] for row in table]
    out: list[Row] = []
    for task in _tasks(table):
        answers = _predict(task, seen, groups, settings, seed)
        out += _scored(task, answers, groups, settings, seed)
    return out


def _tasks(table: Rows) -> Iterator[Task]:
    numbers = ("coordination", "bond_length", "valence")
    values = np.array([[row[t] for t in numbers] for row in table])
    yield Task(numbers, np.arange(len(table)), values)
    state = np.array([[row["oxidation"]] for row in table])
    rows = np.flatnonzero(np.isfinite(state[:, 0]))
    yield Task(("oxidation",), rows, state[rows])


def _predict(
    task: Task,
    seen: list[tuple[View, dict[str, NDArray[np.float32]]]],
    groups: Sequence[str],
    settings: XanesStudy,
    seed: int,
) -> dict[tuple[str, str, str], Floats]:
    """Held-out answers by view, features and model, shape (rows of the table, targets)."""
    shape = (len(groups), len(task.targets))
    out: dict[tuple[str, str, str], Floats] = {}
    own = [groups[k] for k in task.rows]
    for train, test in folds(
        Split.GROUPED, own, n_folds=settings.folds, seed=seed, key="xanes.folds"
    ):
        inside, held = task.rows[train], task.rows[test]
        base = seen[0][1]
        pca = _pca(base["intensity"][inside])
        materials = [own[k] for k in train]
        for features in settings.features:
            x = _design(base, features, pca, inside)
            for name in (RIDGE, FOREST):
                model = _fit(name, x, task.values[train], materials, settings, seed)
                for view, blocks in seen:
                    at = np.flatnonzero(np.isin(view.rows, held))
                    answer = out.setdefault((view.name, features, name), np.full(shape, np.nan))
                    found = model.predict(_design(blocks, features, pca, at))
                    answer[view.rows[at]] = found.reshape(len(at), -1)
        mean = out.setdefault((AS_IS, "none", MEAN), np.full(shape, np.nan))
        mean[held] = task.values[train].mean(axis=0)
    return out


def _pca(spectra: NDArray[np.float32]) -> Pipeline:
    return make_pipeline(StandardScaler(), PCA(COMPONENTS, random_state=0)).fit(spectra)


def _design(
    blocks: Mapping[str, NDArray[np.float32]], features: str, pca: Pipeline, rows: Ints
) -> NDArray[np.float32]:
    parts = [
        pca.transform(blocks["intensity"][rows]) if p == "pca" else blocks[p][rows]
        for p in features.split("+")
    ]
    return np.hstack(parts).astype(np.float32)


def _fit(
    name: str,
    x: NDArray[np.float32],
    y: Floats,
    materials: Sequence[str],
    settings: XanesStudy,
    seed: int,
) -> Any:
    from sklearn.compose import TransformedTargetRegressor

    if name == RIDGE:
        model: Any = grouped_ridge(ALPHAS, materials, seed)
    else:
        model = RandomForestRegressor(
            settings.forest.trees,
            min_samples_leaf=settings.forest.leaf,
            max_features="sqrt",
            random_state=seed,
        )
    labels = y if y.shape[1] > 1 else y[:, 0]
    return TransformedTargetRegressor(model, transformer=StandardScaler()).fit(x, labels)


def _scored(
    task: Task,
    answers: Mapping[tuple[str, str, str], Floats],
    groups: Sequence[str],
    settings: XanesStudy,
    seed: int,
) -> Iterator[Row]:
    other = [key for key in answers if key[0] == VASP]
    same = {(SAME_SITES, *key[1:]): answers[AS_IS, *key[1:]] for key in other}
    truth = np.full((len(groups), len(task.targets)), np.nan)
    truth[task.rows] = task.values
    everywhere = {**answers, **same}
    known: dict[tuple[str, str, str, Metric], dict[str, _Scored]] = {}
    for (view, features, name), answer in everywhere.items():
        where = answers[VASP, features, name] if view == SAME_SITES else answer
        rows = np.flatnonzero(np.isfinite(where[:, 0]) & np.isfinite(truth[:, 0]))
        own = [groups[int(k)] for k in rows]
        drawn = scores.Drawn.of(own, settings.bootstrap, seed)
        base = {
            "model": name, "split": str(Split.GROUPED), "subset": view,
            "fidelity": "VASP" if view == VASP else "FEFF9", "seed": seed,
            "n_train": len(task.rows) - len(task.rows) // settings.folds, "n_test": len(rows),
            "n_groups": len(set(own)),
        }  # fmt: skip
        for k, target in enumerate(task.targets):
            for metric, values in _metrics(target, truth[rows, k], answer[rows, k], drawn.weights):
                constant = name == MEAN and metric is Metric.BALANCED_ACCURACY
                exact = constant and scores.one_class(answer[rows, k] - 1)
                found = _Scored(base, drawn, values, exact)
                yield _line(target, features, metric, found)
                known.setdefault((view, name, target, metric), {})[features] = found
    yield from _differences(known)


def _differences(
    known: Mapping[tuple[str, str, str, Metric], Mapping[str, _Scored]],
) -> Iterator[Row]:
    """Scores of the pair, one minus the other, and of its first less the mean, by resample."""
    for (_, _, target, metric), own in known.items():
        if metric in DIFFERENCES and all(f in own for f in PAIRED):
            first, second = (own[f] for f in PAIRED)
            yield _line(target, " - ".join(PAIRED), DIFFERENCES[metric], first.less(second))
    for (_, name, target, metric), own in known.items():
        mean = known.get((AS_IS, MEAN, target, metric), {}).get("none")
        cdf = own.get(PAIRED[0])
        if name == MEAN or metric not in DIFFERENCES or mean is None or cdf is None:
            continue
        if cdf.base["n_test"] == mean.base["n_test"]:  # views of all sites: the same resamples
            yield _line(target, OVER_MEAN, DIFFERENCES[metric], cdf.less(mean))


def _line(target: str, features: str, metric: Metric, found: _Scored) -> Row:
    bounds = scores.BOUNDS[metric]
    value, lo, hi = found.drawn.ends(found.values, bounds, by_design=found.by_design)
    score = {"metric": str(metric), "value": value, "lo": lo, "hi": hi}
    about = {"target": f"Cu {target}", "unit": UNITS[target], "features": features}
    return {**about, **found.base, **score}


def _metrics(
    target: str, truth: Floats, answer: Floats, weights: Floats
) -> Iterator[tuple[Metric, Floats]]:
    if target == "oxidation":
        yield Metric.BALANCED_ACCURACY, scores.balanced_accuracy(truth - 1, answer - 1, weights)
        return
    yield Metric.RMSE, scores.rmse(truth, answer, weights)
    yield Metric.R2, scores.r2(truth, answer, weights)
