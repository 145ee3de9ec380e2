"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from skips import VARIABLE, ListedSkips, allowed

from defectra.core.config import Config, load

ROOT = Path(__file__).parent.parent


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes stand in no name of a test: those of a packer hold the second in which they were made.

    Names that differ between the workers of pytest-xdist end the whole suite.
    """
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_configure(config: pytest.Config) -> None:
    """Skips fail in .ci/run unless their reason is listed; the workers of xdist leave it to it."""
    if os.environ.get(VARIABLE) == "listed" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ListedSkips(allowed()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests go first: at the end no worker waits for the long file of another."""
    marks = ("workflow", "live")
    long = {item.path for item in items if any(map(item.get_closest_marker, marks))}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture
def config() -> Config:
    return load(ROOT / "config" / "config.yaml")


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of published data; tests that need it are skipped where it is not."""
    path = Path(os.environ.get("DEFECTRA_MIRROR", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no mirror of the published data at {path}")
    return path
