"""Boosted and bagged trees over single levels: the charge is one more descriptor."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from defectra.learn.splits import Fold
from defectra.studies.levels.settings import Boosting

Floats = NDArray[np.float64]
Kind = Literal["xgboost", "random_forest"]


def out_of_fold(
    kind: Kind, matrix: Floats, labels: Floats, folds: list[Fold], settings: Boosting, seed: int
) -> Floats:
    """Predictions of what each fold leaves out; shape (n,), NaN for what is in no test fold.

    Parameters
    ----------
    matrix, labels
        Descriptors of the levels, shape (n, p), and levels in eV, shape (n,).
    folds
        Training and test rows.
    """
    out = np.full(len(labels), np.nan)
    for number, (train, test) in enumerate(folds):
        model = _model(kind, settings, seed + number)
        out[test] = model.fit(matrix[train], labels[train]).predict(matrix[test])
    return out


def _model(kind: Kind, settings: Boosting, seed: int) -> Any:
    from xgboost import XGBRegressor, XGBRFRegressor

    common = {"tree_method": "hist", "max_bin": 64, "n_jobs": 1, "random_state": seed % 2**31}
    if kind == "random_forest":
        return XGBRFRegressor(
            n_estimators=settings.forest_trees,
            max_depth=settings.forest_depth,
            subsample=0.63,
            colsample_bynode=settings.column_sample,
            **common,
        )
    return XGBRegressor(
        n_estimators=settings.trees,
        max_depth=settings.depth,
        learning_rate=settings.learning_rate,
        subsample=settings.subsample,
        colsample_bytree=settings.column_sample,
        **common,
    )
