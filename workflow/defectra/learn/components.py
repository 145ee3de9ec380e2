"""Boosting and a small network on principal components, several targets at once."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from defectra.learn.edge_kernels import Targets

Floats = NDArray[np.float64]
ComponentModel = Literal["xgboost", "network"]
COUNT = 8  # components of an edge


def components(train: Floats, test: Floats, count: int = COUNT) -> tuple[Floats, Floats]:
    """Scores on the leading components of the training rows, in units of their deviation."""
    mean = train.mean(axis=0)
    _, _, axes = np.linalg.svd(train - mean, full_matrices=False)
    axes = axes[: min(count, len(train) - 1)]
    scores = (train - mean) @ axes.T
    scale = np.maximum(scores.std(axis=0), 1e-12)
    return scores / scale, (test - mean) @ axes.T / scale


def answers(
    name: ComponentModel, train: Floats, targets: Targets, test: Floats, seed: int
) -> Floats:
    """Answers for test rows, shape (t, k); of a class a probability-like number about 1/2."""
    if name == "network":
        return _network(train, targets, test, seed)
    return np.column_stack(
        [
            _boosted(train, targets.values[:, k], bool(targets.is_class[k]), test, seed)
            for k in range(len(targets.is_class))
        ]
    )


def _boosted(train: Floats, known: Floats, is_class: bool, test: Floats, seed: int) -> Floats:
    from xgboost import XGBClassifier, XGBRegressor

    if np.ptp(known) == 0:
        return np.full(len(test), known[0])
    options = {
        "n_estimators": 100,
        "max_depth": 3,
        "learning_rate": 0.1,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "tree_method": "hist",
        "max_bin": 64,
        "n_jobs": 1,
        "random_state": seed % 2**31,
    }
    if not is_class:
        found = XGBRegressor(**options).fit(train, known).predict(test)
        return np.asarray(found, dtype=np.float64)
    balance = float((known < 0.5).sum() / (known > 0.5).sum())
    model = XGBClassifier(**options, scale_pos_weight=balance, base_score=0.5)
    model.fit(train, known.astype(int))
    return np.asarray(model.predict_proba(test)[:, 1], dtype=np.float64)


def _network(train: Floats, targets: Targets, test: Floats, seed: int) -> Floats:
    """One hidden layer for all targets; a class is fitted as its coded values."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    coded, middle = targets.coded()
    scale = np.maximum(coded.std(axis=0), 1e-12)
    model = MLPRegressor(
        hidden_layer_sizes=(16,), solver="lbfgs", alpha=1.0, max_iter=100, random_state=seed % 2**31
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
        model.fit(train, coded / scale)
    found = np.asarray(model.predict(test), dtype=np.float64).reshape(len(test), -1) * scale
    return np.asarray(np.where(targets.is_class, 0.5 + found, found + middle))
