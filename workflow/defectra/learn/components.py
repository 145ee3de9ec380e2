"""Boosting and a small network on principal components, several targets at once."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from defectra.learn.edge_kernels import Targets

Floats = NDArray[np.float64]
ComponentModel = Literal["xgboost", "network"]
COUNT = 8  # components of an edge
TREES, BINS = 100, 64


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
    return _boosted(train, targets, test, seed)


def _boosted(train: Floats, targets: Targets, test: Floats, seed: int) -> Floats:
    """Boosted trees for each target; the columns are cut into bins once for all of them."""
    import xgboost

    options: dict[str, Any] = {
        "max_depth": 3,
        "learning_rate": 0.1,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "tree_method": "hist",
        "max_bin": BINS,
        "nthread": 1,
        "seed": seed % 2**31,
    }
    rows = xgboost.QuantileDMatrix(train, max_bin=BINS, nthread=1)
    out = np.empty((len(test), len(targets.is_class)))
    for k, is_class in enumerate(targets.is_class):
        known = targets.values[:, k]
        if np.ptp(known) == 0:
            out[:, k] = known[0]
            continue
        rows.set_label(known)
        own = options | (_of_class(known) if is_class else {})
        out[:, k] = xgboost.train(own, rows, TREES).inplace_predict(test)
    return out


def _of_class(known: Floats) -> dict[str, Any]:
    """Options of a classifier to which both classes weigh the same."""
    balance = float((known < 0.5).sum() / (known > 0.5).sum())
    return {"objective": "binary:logistic", "scale_pos_weight": balance, "base_score": 0.5}


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
