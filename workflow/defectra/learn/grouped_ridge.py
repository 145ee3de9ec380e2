"""Ridge regression whose penalty is chosen by folds over groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.learn.splits import folds

FOLDS = 5


def grouped_ridge(penalties: NDArray[np.float64], groups: Sequence[str], seed: int) -> Any:
    """Standardisation and ridge, not fitted yet; its penalty errs least on groups left out.

    Left out one by one, a row would be answered by the others of its group, and the penalty would
    be too small for new groups: too weak a baseline.

    Parameters
    ----------
    penalties
        That are tried, shape (k,).
    groups
        Of the rows that the model will be fitted on, in their order; at least two.
    seed
        Of the folds.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    count = min(FOLDS, len(set(groups)))
    inner = folds(Split.GROUPED, list(groups), n_folds=count, seed=seed)
    # not R², which is not defined in a fold of one row
    model = RidgeCV(penalties, cv=inner, scoring="neg_mean_squared_error")
    return make_pipeline(StandardScaler(), model)
