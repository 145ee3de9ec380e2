"""The tutorial of Slurm, its commands executed in a fresh copy of the project."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cluster import Cluster

sys.path.append(str(Path(__file__).resolve().parents[1] / "walk"))
import walk

pytestmark = pytest.mark.slurm


def test_on_a_real_slurm(cluster: Cluster, tmp_path: Path) -> None:
    assert walk.walk(tmp_path, ["tutorial_slurm.md"], is_slurm_real=True) == []
    assert cluster.folder.is_dir()
