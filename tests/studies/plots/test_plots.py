"""Study `plots`: physics, bad input, and a tiny run from requests to scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from defectra.campaign.arrays import project
from defectra.campaign.studies import families_of, ledger_of
from defectra.campaign.worker import chunks_of_study, run_chunk
from defectra.core.arrays import ArrayReader
from defectra.core.config import Config, part_of_config
from defectra.core.errors import TableError
from defectra.core.store import read_table
from defectra.engines.synthetic.patterns import airy
from defectra.studies.plots.model import answers, metrics, prediction_rows, ridge
from defectra.studies.plots.requests import EXACT, PATTERN, PATTERNS
from defectra.studies.plots.scorecard import FIRST_ZERO, checks, scorecard
from defectra.studies.plots.training import first_zero, radial_profile, training_rows


@pytest.fixture(scope="module")
def config() -> Config:
    return part_of_config({"seed": 1, "plots": {"discs": 12, "patterns": 4, "folds": 3}})


@pytest.fixture(scope="module")
def table(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patterns of twelve discs, computed into a journal and projected."""
    folder = tmp_path_factory.mktemp("plots")
    for chunk in chunks_of_study("plots", config):
        counts = run_chunk("plots", chunk, config, folder)
        assert (counts.failed, counts.known) == (0, 0)
        assert run_chunk("plots", chunk, config, folder).computed == 0
    ledger = ledger_of("plots", config, folder)
    assert project(families_of("plots", config), ledger, PATTERN, folder / "p.parquet") == 24
    return folder / "p.parquet"


def test_the_pattern_of_a_disc_is_the_airy_pattern() -> None:
    x = np.array([0.0, 3.8317, 5.1356, 7.0156])
    np.testing.assert_allclose(airy(x), [1.0, 0.0, 0.0175, 0.0], atol=1e-4)


def test_a_profile_keeps_what_depends_on_the_distance_alone() -> None:
    axis = np.arange(33) - 16
    distance = np.hypot(axis[:, None], axis[None, :])
    np.testing.assert_allclose(radial_profile(distance), np.arange(16), atol=0.3)
    np.testing.assert_allclose(radial_profile(np.ones((33, 33))), 1.0)


def test_ridge_recovers_a_line() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    y = x @ [1.0, -2.0, 0.5] + 4.0
    np.testing.assert_allclose(ridge(x[:150], y[:150], x[150:], 1e-9), y[150:], atol=1e-6)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="photons"):
        part_of_config({"plots": {"photons": 0}})


def test_without_patterns_the_message_says_so(tmp_path: Path) -> None:
    with ArrayReader(tmp_path) as arrays, pytest.raises(TableError, match="no pattern"):
        list(training_rows([], arrays))


def test_from_requests_to_scores(config: Config, table: Path) -> None:
    settings, rows = config.plots, read_table(table, PATTERNS)
    with ArrayReader(table.parent) as arrays:
        training = list(training_rows(rows, arrays))
        zeros = [first_zero(r, arrays, settings.step) for r in rows if r["protocol"] == EXACT]
    assert len(training) == 12 * 4
    np.testing.assert_allclose(zeros, FIRST_ZERO, atol=0.02)
    found = answers(training, settings, 1)
    assert len(list(prediction_rows(training, found))) == len(training)
    scored = list(metrics(training, found, settings, 1))
    assert [row["verdict"] for row in scorecard(zeros)] == ["reproduced"]
    useful, control = checks(scored)
    assert useful["verdict"] == "holds"
    assert control["verdict"] != "fails"  # with so few discs it may stay open
    again = list(metrics(training, answers(training, settings, 1), settings, 1))
    assert again == scored
