"""A node that FEFF itself cannot run on: a full scratch, too little memory, small files only."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import remount
from counts import note

from defectra.campaign.node import IN_A_ROW
from defectra.campaign.plan import write_plan
from defectra.core.config import Config, load
from defectra.core.journal import read_journal
from defectra.studies.nmc.requests import settings_of

ROOT = Path(__file__).resolve().parents[2]


def configure() -> Config:
    """One structure, four oxygen sites, a protocol of seconds."""
    nmc = {"engine": "feff", "geometry": "vegard", "shards": 1, "ladder_every": 0,
           "lithium_series": {"orderings": 0}, "structures": {"count": 1}}  # fmt: skip
    config = load(ROOT / "config/config.yaml", {"nmc": nmc})
    quick = {"fms_radius": 2.5, "scf_radius": 2.2, "k_max": 2.0, "scf_iterations": 3}
    feff = {n: p.model_copy(update=quick) for n, p in config.protocols.feff.items()}
    protocols = config.protocols.model_copy(update={"feff": feff})
    edges = {"O K": config.nmc.edges["O K"]}
    chosen = config.nmc.model_copy(update={"edges": edges, "sites": {"O": 4}})
    return config.model_copy(update={"protocols": protocols, "nmc": chosen})


def start(
    folder: Path, scratch: Path, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """A worker of its own, as the workflow starts it."""
    config = configure()
    (chunk,) = write_plan(config, folder)
    settings = folder / "settings.json"
    settings.write_text(settings_of(config, relax=False).model_dump_json())
    command = [sys.executable, "-m", "defectra.studies.nmc.chunk", "--settings", str(settings)]
    command += ["--plan", str(folder / "plan" / chunk), "--out", str(folder / "out")]
    command += ["--journal", str(folder / "journal"), "--archive", str(folder / "archive")]
    env = {**os.environ, "TMPDIR": str(scratch), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, preexec_fn=limit
    )


def limited_to(kind: int, size: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(kind, (size, size))

    return limit


def is_stopped(done: subprocess.CompletedProcess[str], folder: Path, classes: set[str]) -> None:
    assert done.returncode == 1, done.stderr
    found = [row["error_class"] for row, _ in read_journal(folder / "journal")]
    assert len(found) == IN_A_ROW, done.stderr
    assert set(found) <= classes, done.stderr
    assert f"node {platform.node()}" in done.stderr
    assert "MB free" in done.stderr
    assert not (folder / "out").exists()


def goes_on(folder: Path, scratch: Path) -> None:
    good = start(folder, scratch)
    counts = json.loads(good.stdout)
    assert counts["failed"] == 0, good.stderr
    assert counts["computed"] == counts["total"] > IN_A_ROW
    assert json.loads(start(folder, scratch).stdout)["computed"] == 0


def test_full_scratch(small_disk: Path, tmp_path: Path) -> None:
    remount(small_disk, "size=2m")
    bad = start(tmp_path, small_disk)
    is_stopped(bad, tmp_path, {"machine:no_space"})
    assert str(small_disk) in bad.stderr
    assert not list(small_disk.glob("feff-*")), "what failed leaves its room to others"
    remount(small_disk, "size=64m")
    goes_on(tmp_path, small_disk)
    note("full scratch folder of the node", 1)


def test_scratch_that_cannot_hold_a_file(small_disk: Path, tmp_path: Path) -> None:
    left = os.statvfs(small_disk)  # two pages are enough for Python to take the folder as TMPDIR
    (small_disk / "filler").write_bytes(b"x" * (left.f_bavail * left.f_frsize - 8192))
    is_stopped(start(tmp_path, small_disk), tmp_path, {"machine:no_space"})
    (small_disk / "filler").unlink()
    remount(small_disk, "size=64m")
    goes_on(tmp_path, small_disk)
    note("scratch folder without any room", 1)


@pytest.mark.parametrize("size", [1_000_000, 100_000, 8192])
def test_limit_of_file_size(tmp_path: Path, size: int) -> None:
    """What FEFF writes is cut off at several lengths; the journal itself stays below the limit."""
    bad = start(tmp_path, tmp_path, limited_to(resource.RLIMIT_FSIZE, size))
    classes = {"machine:no_space", "machine:signal", "machine:engine_failed"}
    is_stopped(bad, tmp_path, classes | {"machine:truncated_output", "machine:missing_output"})
    goes_on(tmp_path, tmp_path)
    note("limit of file size", 1)


@pytest.mark.parametrize("megabytes", [800, 1200])
def test_limit_of_memory(tmp_path: Path, megabytes: int) -> None:
    """Python starts and FEFF cannot: its library is not mapped, or its thread not started."""
    bad = start(tmp_path, tmp_path, limited_to(resource.RLIMIT_AS, megabytes * 1_000_000))
    is_stopped(bad, tmp_path, {"machine:out_of_memory"})
    goes_on(tmp_path, tmp_path)
    note("limit of memory", 1)
