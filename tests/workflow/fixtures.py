"""Campaigns of the synthetic engine, for tests of the workflow and of faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign import TABLES_ONLY, Campaign

__all__ = ["copy", "finished"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """An uninterrupted campaign up to its tables; tests must leave it as it is."""
    campaign = Campaign(tmp_path_factory.mktemp("finished") / "project")
    campaign.run(TABLES_ONLY, "--no-report")
    return campaign


@pytest.fixture
def copy(finished: Campaign, tmp_path: Path) -> Campaign:
    """A copy of the finished campaign in another folder, for tests that change it."""
    return finished.copy_to(tmp_path / "project")
