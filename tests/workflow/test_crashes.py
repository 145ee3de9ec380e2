"""Kills, two at once, interrupts, and errors for people."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from campaign import TABLES_ONLY, Campaign
from events import GUARD_S, Gate, alive, wait_for

pytestmark = pytest.mark.workflow


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_kill_9_then_rerun_gives_the_same_tables_and_computes_nothing_twice(
    finished: Campaign, tmp_path: Path
) -> None:
    campaign = Campaign(tmp_path / "project")
    gate = Gate(tmp_path / "gate")
    child = campaign.start(TABLES_ONLY, "--no-report", gate=gate)
    gate.let(5)
    wait_for(lambda: len(campaign.computed()) == 5, "the fifth calculation")
    wait_for(lambda: campaign.begun() > 5, "a calculation to be cut off")
    family = descendants(child.pid)
    snakemake = [p for p in family if p.ppid() == child.pid]
    for process in snakemake:
        process.kill()
    child.kill()
    child.wait()
    wait_for(lambda: not any(alive(p.pid) for p in family), "the end of every child")
    kept = campaign.computed()
    assert 5 == len(kept) < len(finished.computed())
    campaign.run(TABLES_ONLY, "--no-report")
    again = campaign.computed()
    assert len(again) == len(set(again))
    assert set(kept) <= set(again)
    for name in ("structures", "geometries", "calculations", "spectra"):
        # as text: no number is a NaN's equal
        assert repr(campaign.table(name)) == repr(finished.table(name)), name


def test_sigterm_stops_every_child_and_a_second_launcher_is_refused(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    gate = Gate(tmp_path / "gate")
    child = campaign.start(TABLES_ONLY, "--no-report", gate=gate)
    gate.let(2)
    wait_for(lambda: len(campaign.computed()) == 2, "the second calculation")
    out = campaign.run(TABLES_ONLY, code=3)
    assert "another run is at work" in out
    assert str(child.pid) in out
    family = descendants(child.pid)
    os.kill(child.pid, signal.SIGTERM)
    out, _ = child.communicate(timeout=GUARD_S)
    assert child.returncode == 130
    assert "goes on from there" in out
    wait_for(lambda: not any(alive(p.pid) for p in family), "the end of every child")


def test_bad_config_is_one_sentence_before_any_job(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    campaign.study["shard"] = 3
    campaign.write_config()
    out = campaign.run(code=2)
    assert "config.yaml: nmc.shard: unknown key" in out
    assert "Traceback" not in out
    assert not campaign.results.exists()


def test_too_many_failures_end_the_run_with_a_clear_error(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    campaign.study["geometry"] = "chgnet"  # no archive and no engine: no geometry
    campaign.write_config()
    out = campaign.run(TABLES_ONLY, "--no-report", code=1)
    assert "Cannot be computed: " in out.split("Rule gather failed")[0]
    assert "Rule gather failed, log results/logs/gather.log" in out
    assert "more than max_failed = 0.2 allows" in out
    assert "Traceback" not in out
    campaign.study["max_failed"] = 1.0
    campaign.write_config()
    campaign.run(TABLES_ONLY, "--no-report")
    assert {row["status"] for row in campaign.table("calculations")} == {"failed"}
