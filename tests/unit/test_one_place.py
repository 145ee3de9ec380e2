"""What several modules need is in one place, and says the same as what they had before."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from defectra.core.fortran import quotient, real
from defectra.learn import repeated_scores, scores
from defectra.learn.gaussian_posterior import inverted, solved, without


@pytest.mark.parametrize("word", ["1.5D+03", "1.5d3", "1.5E+03", "1.5e3", "1500", " 1500.0 "])
def test_exponents_of_fortran(word: str) -> None:
    assert real(word) == 1500.0
    assert quotient(word) == 1500.0


def test_quotients_and_what_is_no_number() -> None:
    assert quotient("1/3") == pytest.approx(1 / 3)
    assert quotient("-2d0/4.0D0") == -0.5
    for word in ("", "d", "***", "1.0D+03eV"):
        with pytest.raises(ValueError, match="could not convert"):
            real(word)


def test_left_out_rows_are_those_of_a_process_without_them() -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(size=(12, 2))
    prior = np.exp(-((x[:, None] - x[None]) ** 2).sum(-1)) + 0.1 * np.eye(12)
    labels, rows, rest = draw.normal(size=(12, 3)), np.array([1, 4, 9]), [0, 2, 3, 5, 6, 7, 8]
    rest += [10, 11]
    inverse, determinant = inverted(prior)
    np.testing.assert_allclose(inverse, np.linalg.inv(prior), atol=1e-10)
    assert determinant == pytest.approx(np.linalg.slogdet(prior)[1])
    mean, variance = without(inverse, labels, inverse @ labels, rows)
    cross = prior[np.ix_(rows, rest)]
    among = prior[np.ix_(rest, rest)]
    np.testing.assert_allclose(mean, cross @ solved(among, labels[rest]), atol=1e-10)
    own = prior[np.ix_(rows, rows)] - cross @ solved(among, cross.T)
    np.testing.assert_allclose(variance, np.diag(own), atol=1e-10)
    with pytest.raises(np.linalg.LinAlgError):
        inverted(-prior)


def test_the_forms_of_auroc_agree_with_that_of_ranks() -> None:
    draw = np.random.default_rng(4)
    truth = (draw.random(40) > 0.6).astype(float)
    value = draw.normal(size=40).round(1)  # ties
    yes = int(truth.sum())
    ranks = rankdata(value)[truth > 0.5].sum() - yes * (yes + 1) / 2
    expected = ranks / (yes * (40 - yes))
    once = np.ones((1, 40))
    pairs = scores.order(value[truth > 0.5], value[truth < 0.5])
    found = (
        scores.auroc(truth, value, once),
        scores.auroc(truth, value, once, digits=None),
        repeated_scores.auroc(truth, value[None], once),
        scores.auroc_of_order(pairs, once[:, :yes], once[:, yes:]),
    )
    for one in found:
        assert one[0] == pytest.approx(expected, abs=1e-12)
    close = value + 1e-12 * np.arange(40)
    assert scores.auroc(truth, close, once)[0] == pytest.approx(expected, abs=1e-12)
    assert scores.auroc(truth, close, once, digits=None)[0] != pytest.approx(expected, abs=1e-9)
