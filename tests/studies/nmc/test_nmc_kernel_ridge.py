"""Kernel ridge over edges, and ridge in its linear form."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from defectra.learn import edge_kernels, edge_ridge
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.learn.edge_ridge import Scaled, scaled


def sample(rows: int = 30, bins: int = 4, seed: int = 0):
    """Rows, and a number and a class that they hold."""
    rng = np.random.default_rng(seed)
    train = rng.normal(size=(rows, bins))
    number = train[:, 0] + 0.1 * rng.normal(size=rows)
    values = np.column_stack([number, train[:, 1] > 0]).astype(float)
    return train, rng.normal(size=(7, bins)), Targets(values, np.array([False, True]))


def test_the_kernel_ridge_is_that_of_scikit_learn():
    train, test, targets = sample()
    kernel = Kernel.of(train)
    parts = edge_kernels.inner_folds([str(i) for i in range(30)], 1)
    fitted = edge_kernels.fit(kernel.own, targets, parts)
    gamma = 1 / (2 * kernel.width**2)
    reference = KernelRidge(alpha=fitted.penalty[0], kernel="rbf", gamma=gamma)
    number = targets.values[:, 0]
    expected = reference.fit(train, number - number.mean()).predict(test) + number.mean()
    found = fitted.answers(kernel.with_rows(test))
    np.testing.assert_allclose(found[:, 0], expected)
    right = (fitted.answers(kernel.own)[:, 1] > 0.5) == (targets.values[:, 1] > 0.5)
    assert right.mean() > 0.8


@pytest.mark.parametrize(("rows", "bins"), [(30, 4), (12, 40)])  # more rows than bins, and fewer
@pytest.mark.parametrize("families", [False, True])
def test_the_linear_form_answers_like_the_linear_kernel(rows, bins, families):
    first, test, targets = sample(rows, bins)
    second, other, _ = sample(rows, bins + 1, seed=1)
    train, asked = {"O K": first, "Ni K": second}, {"O K": test, "Ni K": other}
    by = {e: Scaled.of(own) for e, own in train.items()}
    own, cross = (scaled(spectra, by, list(by)) for spectra in (train, asked))
    assert np.einsum("ij,ij->i", own, own).mean() == pytest.approx(1)
    groups = [str(i // 2) for i in range(rows)]
    parts = edge_kernels.inner_folds(groups, 3)
    chosen = groups if families else None
    linear = edge_ridge.fit(own, targets, parts, chosen)
    dual = edge_kernels.fit(own @ own.T, targets, parts, chosen)
    assert linear.penalty.tolist() == dual.penalty.tolist()
    np.testing.assert_allclose(linear.error, dual.error)
    found, expected = linear.answers(cross), dual.answers(cross @ own.T)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("parts", [[0] * 12, [0] * 6 + [1] * 6])  # nothing is left out; two folds
def test_the_linear_form_takes_one_class_and_bins_or_an_edge_that_do_not_vary(parts):
    first, test, _ = sample(12, 5)
    first[:, 2], same = 1.0, np.ones((12, 3))
    train, asked = {"O K": first, "Ni K": same}, {"O K": test, "Ni K": np.ones((7, 3))}
    by = {e: Scaled.of(own) for e, own in train.items()}
    own, cross = (scaled(spectra, by, list(by)) for spectra in (train, asked))
    values = np.column_stack([first[:, 0], np.zeros(12), np.ones(12), np.arange(12) % 2])
    targets = Targets(values, np.array([False, True, True, True]))
    linear = edge_ridge.fit(own, targets, np.array(parts))
    dual = edge_kernels.fit(own @ own.T, targets, np.array(parts))
    assert linear.penalty.tolist() == dual.penalty.tolist()
    np.testing.assert_allclose(linear.answers(cross), dual.answers(cross @ own.T), atol=1e-8)


def test_the_order_of_the_rows_changes_no_answer():
    train, test, targets = sample(40)
    parts = edge_kernels.inner_folds([str(i // 2) for i in range(40)], 2)
    order = edge_kernels.in_parts(parts)
    assert (np.diff(parts[order]) >= 0).all()
    assert (np.diff(parts) < 0).any()
    found = []
    for at in (np.arange(40), order):
        kernel = Kernel.of(train[at])
        own = Targets(targets.values[at], targets.is_class)
        found.append(edge_kernels.fit(kernel.own, own, parts[at]).answers(kernel.with_rows(test)))
    np.testing.assert_allclose(*found, rtol=1e-9)


def test_rows_that_are_all_equal_have_a_kernel():
    same = np.ones((6, 3))
    assert (Kernel.of(same).own == 1).all()
    assert (Scaled.of(same)(same) == 0).all()


def test_the_steady_penalty_is_the_largest_within_a_standard_error():
    generator = np.random.default_rng(4)
    rows = generator.normal(size=(60, 20))
    values = np.column_stack([rows[:, 0], generator.normal(size=60)])  # learnable, and noise
    groups = [str(i // 3) for i in range(60)]
    features = Scaled.of(rows)(rows)
    targets = Targets(values, np.array([False, False]))
    parts = edge_kernels.inner_folds(groups, 1)
    least = edge_ridge.fit(features, targets, parts)
    steady = edge_ridge.fit(features, targets, parts, groups)
    assert (steady.penalty >= least.penalty).all()
    assert steady.penalty[0] < 1  # what is learnable is not shrunk away
    assert steady.penalty[1] == max(edge_kernels.PENALTIES)
    one = edge_ridge.fit(features, targets, parts, ["a"] * 60)  # one family: no error to go by
    assert (one.penalty == least.penalty).all()
