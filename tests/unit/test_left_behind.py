"""Jobs that a killed run left in the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from defectra.campaign.left_behind import WAITING, LostJobs, submitted, wait_for_left_behind


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "incomplete"
    folder.mkdir()
    for name, number in (("a", "17"), ("b", "18"), ("c", "17"), ("local", None)):
        (folder / name).write_text(json.dumps({"external_jobid": number}))
    (folder / "torn").write_text('{"external')
    return folder


class Answers:
    """A queue that gives one prepared answer after another."""

    def __init__(self, *answers: Mapping[str, str] | None) -> None:
        self.left = list(answers)

    def __call__(self) -> Mapping[str, str] | None:
        return self.left.pop(0)


def test_what_was_submitted_is_read(records: Path, tmp_path: Path) -> None:
    assert submitted(records) == {"17", "18"}
    assert submitted(tmp_path / "none") == set()


def test_it_waits_for_its_own_jobs_and_no_others(
    records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = {"17": "RUNNING", "18": "PENDING", "99": "RUNNING"}
    queue = Answers(both, both, None, {"18": "RUNNING", "99": "RUNNING"}, {"99": "RUNNING"})
    assert wait_for_left_behind(records.parent, queue, 0.0) == ["17", "18"]
    assert queue.left == []
    told = capsys.readouterr().err
    assert told.count(WAITING) == 1
    assert "17 running, 18 pending" in told
    assert "scancel 17 18" in told


def test_a_job_that_has_begun_is_known_by_its_log(tmp_path: Path) -> None:
    for name in ("rule_calculate/nmc-00/21.log", "group_x/22_3.log", "rule_y/notes.log"):
        (tmp_path / "slurm_logs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "slurm_logs" / name).touch()
    queue = Answers({"21": "RUNNING", "22_3": "RUNNING", "22_4": "PENDING"}, {"22_4": "RUNNING"})
    assert wait_for_left_behind(tmp_path, queue, 0.0) == ["21", "22_3"]


def test_a_queue_without_them_or_without_an_answer_stops_nobody(records: Path) -> None:
    assert wait_for_left_behind(records.parent, Answers({"99": "RUNNING"}), 0.0) == []
    assert wait_for_left_behind(records.parent, Answers(*[None] * 6), 0.0) == []


def test_without_records_the_queue_is_not_asked(tmp_path: Path) -> None:
    assert wait_for_left_behind(tmp_path, Answers(), 0.0) == []


def test_a_job_is_lost_that_slurm_has_not_known_for_some_looks(records: Path) -> None:
    known = {"17": "RUNNING"}
    queue = Answers(known, known | {"18": "PENDING"}, known, None, known, known, known)
    lost = LostJobs(records, queue, every_s=60.0, looks=3)
    looks = [(0.0, []), (59.0, []), (60.0, []), (120.0, []), (180.0, []), (240.0, [])]
    assert [lost.look(now) for now, _ in looks] == [found for _, found in looks]
    assert lost.look(300.0) == ["18"]


def test_a_job_that_snakemake_saw_end_is_not_lost(records: Path) -> None:
    lost = LostJobs(records, Answers({}, {}), every_s=1.0, looks=2)
    assert lost.look(0.0) == []
    for path in records.glob("*"):
        path.unlink()
    assert lost.look(1.0) == []


def test_a_job_that_has_begun_and_is_forgotten_is_lost(tmp_path: Path) -> None:
    """Snakemake's record of a job that has begun bears no number; the log of Slurm does."""
    logs = tmp_path / "slurm_logs" / "rule_calculate" / "nmc-00"
    logs.mkdir(parents=True)
    for number in ("21", "22", "23"):
        (logs / f"{number}.log").touch()
    running = {"21": "RUNNING", "22": "RUNNING"}  # 23: of an earlier run
    queue = Answers(running, None, {"22": "COMPLETED"}, {}, {})
    lost = LostJobs(tmp_path / "incomplete", queue, every_s=1.0, looks=3)
    found = [lost.look(float(k)) for k in range(5)]
    assert found == [[], [], [], [], ["21"]], "22 was seen to end"
