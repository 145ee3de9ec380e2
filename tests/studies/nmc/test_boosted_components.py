"""Boosted trees for several targets: the trees of scikit-learn's interface to XGBoost."""

import numpy as np
from xgboost import XGBClassifier, XGBRegressor

from defectra.learn import components
from defectra.learn.edge_kernels import Targets

OPTIONS = {
    "n_estimators": components.TREES, "max_depth": 3, "learning_rate": 0.1, "subsample": 0.8,
    "colsample_bytree": 0.5, "tree_method": "hist", "max_bin": components.BINS, "n_jobs": 1,
}  # fmt: skip


def test_targets_that_share_their_bins_have_the_trees_of_one_model_each():
    rng = np.random.default_rng(0)
    train, test, seed = rng.normal(size=(90, 8)), rng.normal(size=(20, 8)), 2**31 + 5
    train[:, 7] = 1.0
    rare = np.arange(90) % 9 == 0  # one of nine
    values = np.column_stack([5 + train[:, 0], -1e3 + train[:, 1], rare, np.ones(90)])
    is_class = np.array([False, False, True, True])
    found = components.answers("xgboost", train, Targets(values, is_class), test, seed)
    options = OPTIONS | {"random_state": seed % 2**31}
    for k in (0, 1):
        model = XGBRegressor(**options).fit(train, values[:, k])
        np.testing.assert_allclose(found[:, k], model.predict(test), rtol=1e-6)
    balanced = XGBClassifier(**options, scale_pos_weight=8.0, base_score=0.5).fit(train, rare)
    np.testing.assert_allclose(found[:, 2], balanced.predict_proba(test)[:, 1], rtol=1e-6)
    assert (found[:, 3] == 1).all()
