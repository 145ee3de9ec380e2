"""The logger plugin in a real Snakemake: events of jobs that end, fail, and fail once."""

from __future__ import annotations

import os
import subprocess
import sys
from logging import ERROR, LogRecord
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from defectra.campaign.run_events import RunEvents, Steps
from snakemake_logger_plugin_defectra.records import events_of

pytestmark = pytest.mark.workflow

WORKFLOW = """
rule all:
    input: "good", "second", "bad"

rule good:
    output: "good"
    shell: "touch {output}"

rule second:  # succeeds in its second attempt
    output: "second"
    retries: 1
    shell: "test -e seen && touch {output} || {{ touch seen; exit 1; }}"

rule bad:
    output: "bad"
    log: "logs/bad.log"
    shell: "echo ValueError: no such edge > {log}; exit 1"
"""


def snakemake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "Snakefile").write_text(WORKFLOW)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--keep-going"]
    path = str(Path(__file__).parents[2] / "workflow")
    return subprocess.run(
        [*command, "--logger", "defectra", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_events_of_a_run(tmp_path: Path) -> None:
    asked = ("--logger-defectra-events", "run.jsonl")
    assert snakemake(tmp_path, *asked).returncode == 1
    steps = RunEvents(tmp_path / "run.jsonl").look()
    assert dict(steps.jobs) == {"good": 1, "second": 1, "bad": 1, "all": 1}
    assert (steps.done, steps.total, steps.running) == (2, 4, [])
    (failed,) = steps.failed.values()
    assert (failed.rule, failed.logs) == ("bad", ("logs/bad.log",))
    assert snakemake(tmp_path, *asked, "good").returncode == 0
    assert RunEvents(tmp_path / "run.jsonl").look().is_up_to_date
    assert snakemake(tmp_path, *asked, "worse").returncode == 1
    (text,) = RunEvents(tmp_path / "run.jsonl").look().errors
    assert "MissingRuleException" in text


def test_by_hand_it_shows_one_line_and_the_errors(tmp_path: Path) -> None:
    done = snakemake(tmp_path)
    assert "rule good:" not in done.stdout + done.stderr
    assert "Error in rule bad:" in done.stderr
    assert "Error in rule second:" in done.stderr
    assert not list(tmp_path.glob("*.jsonl"))


def test_each_job_of_a_group_fails_once_with_the_log_of_the_cluster() -> None:
    jobs = [
        {"jobid": k, "rule_name": name, "log": [f"{name}.log"], "indent": True}
        for k, name in enumerate(("average_sites", "build_training"))
    ]
    group = {"event": LogEvent.GROUP_ERROR, "aux_logs": ["4.log"], "job_error_info": jobs}
    records = [group, *({"event": LogEvent.JOB_ERROR, **job} for job in jobs)]
    steps = Steps()
    for data in records:
        record = LogRecord("snakemake", ERROR, "", 0, "", None, None)
        vars(record).update(data)
        steps.read(events_of(record))
    assert [(x.rule, x.logs) for x in steps.failed.values()] == [
        ("average_sites", ("average_sites.log", "4.log")),
        ("build_training", ("build_training.log", "4.log")),
    ]
