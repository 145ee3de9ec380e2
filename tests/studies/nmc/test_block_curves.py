"""Learning curves of the blocks and the power laws that say where they lead."""

from __future__ import annotations

import numpy as np
import pytest
from test_nmc_block_models import GRIDS, SETTINGS, arms, planted

from benchmarks.pages import nmc_learning
from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import Metric
from defectra.core.settings import ModelSettings
from defectra.learn import power_law
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.curves import (
    EXPECTED,
    EXPONENT,
    LEARNING_COLUMNS,
    LEARNT,
    REACHED,
    Learning,
    disturbed,
    learning,
    training_blocks,
    where_they_lead,
)
from defectra.studies.nmc.blocks.runner import Runner

N = np.array([5.0, 10.0, 15.0, 20.0])
LITHIUM, VACANCY = (next(a for a in LEARNT if a.target == t) for t in ("x_Li", "vacancy"))


def scattered(error, resamples=200, seed=1, sd=0.02):
    """Errors at each size: exact, then resamples that scatter about them by a factor."""
    factor = np.exp(sd * np.random.default_rng(seed).normal(size=(1, resamples)))
    return np.hstack([error[:, None], error[:, None] * factor])


def fitted(aimed, curves, planned=80, blocks=12):
    runner = Runner(arms(blocks=blocks), ModelSettings(folds=5, repeats=1, bootstrap=10), 1)
    found = Learning(at=list(N), scores={aimed: list(curves)})
    return list(where_they_lead(found, runner, planned))


def one(rows, quantity, at=None):
    (row,) = [r for r in rows if r["quantity"] == quantity and (at is None or r["at"] == at)]
    return row


@pytest.mark.parametrize(("scale", "exponent"), [(0.3, -0.5), (0.2, -0.12), (0.05, 0.25)])
def test_a_planted_power_law_comes_back(scale, exponent):
    law = power_law.fit(N, scattered(scale * N**exponent))
    assert law.exponent[0] == pytest.approx(exponent, abs=power_law.STEP)
    assert law.error(64)[0] == pytest.approx(scale * 64**exponent, rel=0.005)


def test_the_smallest_number_at_the_aim_is_that_of_the_law():
    law = power_law.fit(N, scattered(0.3 * N**-0.5))
    assert law.reached(0.05)[0] == pytest.approx(36, rel=0.02)
    grows = power_law.fit(N, scattered(0.1 * N**0.2))
    assert grows.reached(0.05)[0] == np.inf
    assert grows.reached(0.5)[0] == N[-1], "reached where it was measured last"


def test_large_errors_do_not_outweigh_small_ones():
    """A law in two parts: the fit is as good for the small errors as for the large ones."""
    error = np.array([1.0, 0.1, 0.01, 0.001])
    law = power_law.fit(np.array([1.0, 10.0, 100.0, 1000.0]), scattered(error))
    np.testing.assert_allclose([law.error(n)[0] for n in (1, 1000)], [1, 0.001], rtol=0.02)


def test_fewer_than_three_sizes_or_a_missing_error_give_no_law():
    errors = scattered(0.3 * N**-0.5)
    assert power_law.fit(N[:2], errors[:2]) is None
    assert power_law.fit(np.array([5.0, 5.0, 5.0, 8.0]), errors) is None
    assert power_law.fit(N, np.zeros_like(errors)) is None
    errors[1, 3] = np.nan
    assert power_law.fit(N, errors) is None


def test_lithium_is_followed_to_the_planned_blocks():
    rows = fitted(LITHIUM, scattered(0.3 * N**-0.5))
    assert one(rows, EXPONENT)["value"] == pytest.approx(-0.5, abs=0.002)
    end = one(rows, EXPECTED, 64.0)
    assert end["value"] == pytest.approx(0.3 / 8, rel=0.005)
    assert end["lo"] < end["value"] < end["hi"]
    assert one(rows, REACHED)["value"] == pytest.approx(25, rel=0.01)
    assert one(rows, REACHED)["aim"] == 0.06


def test_an_auroc_of_one_does_not_break_the_fit():
    """Perfect at the largest size, and at all of them in some resamples."""
    score = 1 - scattered(0.4 * N**-0.6)
    score[3] = 1.0
    score[:, 7] = 1.0
    rows = fitted(VACANCY, score)
    for row in rows:
        ends = [] if row["quantity"] == EXPONENT else [row["lo"], row["hi"]]  # all scatter alike
        assert np.isfinite([row["value"], *ends]).all(), row
    assert VACANCY.metric is Metric.AUROC
    end = one(rows, EXPECTED, 64.0)
    assert 0.9 < end["lo"] <= end["value"] <= end["hi"] <= 1
    assert fitted(VACANCY, np.ones((4, 20))) == [], "nothing left to learn: no law"


def test_an_end_that_no_number_reaches_is_infinite():
    curves = scattered(np.full(4, 0.1))
    up = np.linspace(0.9, 1.15, 4)[:, None]
    curves[:, 1::2] *= up
    curves[:, 2::2] /= up
    row = one(fitted(LITHIUM, curves), REACHED)
    assert row["hi"] == np.inf
    assert np.isfinite(row["lo"])


def test_of_few_blocks_the_end_is_that_of_student():
    """Five blocks, each left out once: the scatter of one error is felt with four degrees."""
    left = scattered(0.3 * N**-0.5, resamples=5, sd=0.02)
    row = one(fitted(LITHIUM, left, blocks=5), REACHED)
    assert 0 < row["lo"] < 23 < row["value"] < 27 < row["hi"]
    level = np.full((4, 6), 0.1)
    nothing = one(fitted(LITHIUM, level, blocks=5), REACHED)
    assert (nothing["value"], np.isnan(nothing["hi"])) == (np.inf, True)


def test_folds_leave_so_many_blocks_for_training():
    assert [training_blocks(b, 5) for b in (80, 25, 9)] == [64, 20, 8]


KEYS = ("features", "target", "subset", "metric")


def numbers(rows, **of):
    """Value and interval of each row that is of a curve and size."""
    return {
        tuple(r[k] for k in KEYS): (r["value"], r["lo"], r["hi"])
        for r in rows
        if all(r[k] == v for k, v in of.items())
    }


def test_settings_of_the_claims_have_the_answers_of_the_claims():
    runner = Runner(Arms.of(planted(), GRIDS, ["O K", "Ni K"]), SETTINGS, 1)
    claimed = runner.held(kernels=("kernel",), components=(), subsets=runner.arms.ends(), repeats=2)
    sheet, known = runner.sheet(claimed), []
    for subset, name in ((("O K",), "O K"), (("Ni K",), "Ni K"), (runner.arms.edges, "all")):
        values = claimed.answers["kernel", subset].values
        known += sheet.contents(values, f"shape: {name}", "kernel")
        known += sheet.defects(values, f"shape: {name}", "kernel")
    learnt = learning(runner, claimed)
    curves = [*disturbed(runner, claimed, known), *learnt.rows]
    claims = numbers(known)
    for curve, at in (("jitter", 0.5), ("noise", 0.0), ("learning", 8.0)):
        own = numbers(curves, curve=curve, at=at)
        assert own
        assert own == {key: claims[key] for key in own}
    other = numbers(curves, curve="jitter", at=1.0)
    assert other != {key: claims[key] for key in other}
    laws = list(where_they_lead(learnt, runner, 80))
    assert {r["at"] for r in laws if r["quantity"] == EXPECTED} >= {8.0, 53.0}
    assert {r["target"] for r in laws} <= {a.target for a in LEARNT}
    assert all(set(r) == set(LEARNING_COLUMNS) for r in laws)


def test_the_page_tells_where_the_curves_lead(tmp_path):
    flat = scattered(np.full(4, 0.1))
    rows = [*fitted(LITHIUM, scattered(0.3 * N**-0.5)), *fitted(VACANCY, 1 - flat)]
    write_csv(tmp_path / "learning.csv", rows, LEARNING_COLUMNS)
    rows = read_csv(tmp_path / "learning.csv", LEARNING_COLUMNS)
    measured = [{"curve": "learning", "at": n} for n in N]
    lithium, vacancy = nmc_learning.laws(rows, measured)
    assert lithium[0] == "x_Li, RMSE per metal atom"
    assert (lithium[2], lithium[4]) == ("20", "64")
    assert lithium[5].startswith("0.03")
    assert lithium[6].startswith("25 [")
    assert "(aim 0.06)" in lithium[6]
    assert vacancy[0] == "vacancy against pristine, AUROC"
    assert list(nmc_learning.laws([], measured)) == []
    assert next(nmc_learning.laws(rows, []))[2] == "none", "without the curves nothing is made up"
