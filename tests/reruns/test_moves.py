"""What moves reruns nothing; where Snakemake's own records are lost, the results bring them."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from pathlib import Path

import pytest
from campaign import TABLES_ONLY, Campaign, jobs

from defectra.campaign.kept_records import NAME

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def outside(finished: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the finished campaign, in a folder outside the project."""
    folder = tmp_path_factory.mktemp("outside") / "work"
    shutil.copytree(finished.results, folder / "results")
    shutil.copytree(finished.folder / ".snakemake", folder / ".snakemake")
    return folder


def planned(campaign: Campaign, folder: Path, *more: str) -> dict[str, int]:
    arguments = (TABLES_ONLY, "-n", "--quiet=rules", "--directory", str(folder), *more)
    return jobs(campaign.snakemake(*arguments))


def renewed(folder: Path) -> None:
    """New modification times in an order of no meaning, as a copy of a tree may leave them."""
    files = sorted(path for path in (folder / "results").rglob("*") if path.is_file())
    random.Random(1).shuffle(files)
    start = time.time() - len(files)
    for k, path in enumerate(files):
        os.utime(path, (start + k, start + k))


def test_a_link_and_a_moved_project_rerun_nothing(
    finished: Campaign, outside: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(outside)
    assert planned(finished, link) == {}
    moved = finished.copy_to(tmp_path / "elsewhere" / "project")
    shutil.rmtree(moved.results)
    assert planned(moved, outside) == {}


def test_new_times_and_lost_records(finished: Campaign, outside: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(outside, tmp_path / "copy")
    shutil.rmtree(copy / ".snakemake")
    assert planned(finished, copy) == {}, "times kept, records lost"
    touched = shutil.copytree(outside, tmp_path / "touched")
    renewed(touched)
    assert planned(finished, touched) == {}, "new times, records kept"
    shutil.rmtree(copy / ".snakemake")
    renewed(copy)
    assert planned(finished, copy) == {}, "neither: the results bring their records with them"


def test_records_that_the_results_brought_are_compared(
    finished: Campaign, outside: Path, tmp_path: Path
) -> None:
    """Controls: a parameter, an input and an output that are not those of the records."""
    copy = shutil.copytree(outside, tmp_path / "copy")
    shutil.rmtree(copy / ".snakemake")
    renewed(copy)
    other = finished.copy_to(tmp_path / "project")
    other.study["max_failed"] = 0.9
    other.write_config()
    assert planned(other, copy) == {"gather": 1}, "a parameter"
    shutil.rmtree(copy / ".snakemake")
    table = copy / "results/chunks/nmc-01/calculations.parquet"
    table.write_bytes(table.read_bytes() + b" ")
    newest = time.time() + 5
    os.utime(next((copy / "results/plan/nmc-01").glob("*.parquet")), (newest, newest))
    assert planned(finished, copy) == {"calculate": 1, "gather": 1}, "an output"


def test_touch_says_that_all_is_as_it_should_be(
    finished: Campaign, outside: Path, tmp_path: Path
) -> None:
    """Where there are no records at all, Snakemake can only go by times."""
    copy = shutil.copytree(outside, tmp_path / "copy")
    shutil.rmtree(copy / ".snakemake")
    (copy / "results" / NAME).unlink()
    renewed(copy)
    assert planned(finished, copy)
    before = len(finished.computed())
    finished.snakemake(TABLES_ONLY, "--touch", "--directory", str(copy))
    assert planned(finished, copy) == {}
    journals = [path.read_bytes() for path in sorted((copy / "results/store").glob("*.journal"))]
    theirs = sorted((outside / "results/store").glob("*.journal"))
    assert journals == [path.read_bytes() for path in theirs]
    assert len(finished.computed()) == before


ABOUT = {"conda_prefix": "/", "root_prefix": "/", "platform": "linux-64", "conda_version": "24.9.0"}
CONDA = f"""#!/bin/sh
case "$*" in
*--version*) echo "conda 24.9.0";;
*info*) echo '{json.dumps(ABOUT)}';;
*) echo '{{"get": {{"channel_priority": "strict"}}}}';;
esac
"""


def test_switching_conda_on_reruns_nothing(
    finished: Campaign, outside: Path, tmp_path: Path
) -> None:
    """Asked with a stand-in for conda: a dry run makes no environment."""
    (tmp_path / "conda").write_text(CONDA)
    (tmp_path / "conda").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    asked = (TABLES_ONLY, "-n", "--quiet=rules", "--directory", str(outside), "--sdm", "conda")
    assert jobs(finished.snakemake(*asked, PATH=path)) == {}
    triggers = ("--rerun-triggers", "mtime", "params", "input", "software-env")
    with_theirs = jobs(finished.snakemake(*asked, *triggers, PATH=path))
    assert with_theirs["calculate"] > 0, "Snakemake's own trigger, which our profile leaves out"
