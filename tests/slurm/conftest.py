"""A Slurm for the session, and the campaigns that run on it: started at once, looked at later."""

from __future__ import annotations

import importlib.util
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import PACKAGES, PROGRAMS, Cluster, UnavailableError, install

sys.path.append(str(Path(__file__).resolve().parents[1] / "workflow"))  # the campaign of the tests
SLURM = (
    *("--profile", "slurm", "--no-report"),
    *("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10"),
)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Slurm without accounting; skips with the reason where there can be none."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `timeout` must not skip the end
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("the slurm executor of Snakemake is not installed: make slurm")
    with tempfile.TemporaryDirectory(prefix="defectra-slurm-") as name:
        Path(name).chmod(0o755)
        try:
            install(PROGRAMS, PACKAGES)
            found = Cluster(Path(name) / "slurm")
            found.__enter__()
        except UnavailableError as error:
            pytest.skip(str(error))
        try:
            yield found
        finally:
            found.stop()
