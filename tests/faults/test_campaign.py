"""Faults of a whole campaign, driven through its launcher as `make run` does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import psutil
import pytest
from campaign import TABLES_ONLY, Campaign
from conftest import remount
from counts import note
from events import GUARD_S, Gate, alive, wait_for

pytestmark = pytest.mark.workflow

SEED = 2501
KILLS = int(os.environ.get("DEFECTRA_KILLS", "20"))
TABLES = ("structures", "geometries", "calculations", "spectra")


def at_work_in(folder: Path) -> list[psutil.Process]:
    """Every process of a campaign, by its working folder: orphans included."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def same_tables(one: Campaign, other: Campaign) -> None:
    for name in TABLES:
        assert repr(one.table(name)) == repr(other.table(name)), name


def victim(kind: str, child: subprocess.Popen[str], folder: Path) -> psutil.Process | None:
    """Launcher, Snakemake or a worker of a running campaign, if there is one now."""
    if kind == "launcher":
        return psutil.Process(child.pid)
    processes = [p for p in at_work_in(folder) if p.pid != child.pid]
    fitting = [p for p in processes if is_step(_command(p)) == (kind == "worker")]
    if kind == "snakemake":
        fitting = [p for p in fitting if "snakemake" in _command(p)]
    return fitting[0] if fitting else None


def is_step(command: Sequence[str]) -> bool:
    """Whether a command is the step of a rule, which Snakemake copies and runs."""
    return any(word.endswith(".step.py") for word in command)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_random_kills_then_the_tables_of_an_uninterrupted_run(
    finished: Campaign, tmp_path: Path
) -> None:
    campaign = Campaign(tmp_path / "project")
    draw, total = random.Random(SEED), len(finished.computed())
    kept: list[str] = []
    for k, kind in zip(range(KILLS), cycle(["worker", "snakemake", "launcher"])):
        gate = Gate(tmp_path / f"gate-{k}")
        child = campaign.start(TABLES_ONLY, "--no-report", gate=gate)
        # before the first calculation of a run, at a closed gate, and any moment between two
        share = (total - len(kept)) / (KILLS - k)
        goal = len(kept) + int(draw.uniform(0, 1.5) * share / 2)
        gate.let(min(goal + draw.randint(0, 2), total - 1) - len(kept))
        kill(kind, child, campaign, goal, gate)
        # an orphan would stand at the closed gate for ever
        wait_for(lambda: not at_work_in(campaign.folder), "the end of every child")
        gate.open()
        ids = campaign.computed()
        lost, repeated = len(set(kept) - set(ids)), len(ids) - len(set(ids))
        note(f"random kills of a {kind}", 1, lost, repeated)
        assert (lost, repeated) == (0, 0), kind
        kept = ids
    campaign.run(TABLES_ONLY, "--no-report")
    ids = campaign.computed()
    begun = campaign.begun()
    note("in flight at the random kills", 0, 0, 0, begun - len(ids))
    assert len(ids) == len(set(ids)) == total
    assert begun - total <= 2 * KILLS, "no more than what two workers had in hand"
    same_tables(campaign, finished)
    assert not at_work_in(campaign.folder)


def kill(
    kind: str, child: subprocess.Popen[str], campaign: Campaign, goal: int, gate: Gate
) -> None:
    """Kill one process of a campaign once `goal` calculations are done, and wait for the end.

    A worker is killed under a living Snakemake, which completes what it can and says so.
    """

    def at_goal() -> bool:
        assert child.poll() is None, "the campaign ended before it could be disturbed"
        return len(campaign.computed()) >= goal and bool(victim(kind, child, campaign.folder))

    wait_for(at_goal, f"calculation {goal} and a {kind}")
    found = victim(kind, child, campaign.folder)
    assert found is not None, f"no {kind} to kill"
    found.kill()
    if kind == "worker":
        wait_for(lambda: not alive(found.pid), "the end of the worker")
        gate.open()
    out, _ = child.communicate(timeout=GUARD_S)
    if kind == "worker":
        assert child.returncode == 1, out


def test_two_snakemakes_and_a_launcher_at_once(finished: Campaign, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--profile"]
    command += ["workflow/profiles/default", TABLES_ONLY, "--config", "file=config/config.yaml"]
    gate = Gate(tmp_path / "gate")
    several = [
        subprocess.Popen(
            command,
            cwd=campaign.folder,
            env=campaign.environment(gate),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    gate.let(2)
    wait_for(lambda: len(campaign.computed()) == 2, "the second calculation")
    wait_for(lambda: any(p.poll() is not None for p in several), "the refusal of one")
    out = campaign.run(TABLES_ONLY, "--no-report", code=3)
    assert "is at work here" in out
    assert "Traceback" not in out
    gate.open()
    assert sorted(p.wait(timeout=GUARD_S) for p in several) == [0, 1]
    ids = campaign.computed()
    note("two Snakemakes and a launcher at once", 2, 0, len(ids) - len(set(ids)))
    assert sorted(ids) == sorted(finished.computed())
    same_tables(campaign, finished)


def test_corrupted_table_names_the_file_and_is_made_again(copy: Campaign) -> None:
    before, tables = copy.computed(), repr(copy.table("calculations"))
    (path, *_) = sorted(copy.results.glob("chunks/*/calculations.parquet"))
    path.write_bytes(path.read_bytes()[:-200])
    out = copy.run(TABLES_ONLY, "--no-report", code=1)
    assert f"{path.parent.name}/calculations.parquet: damaged Parquet file" in out
    assert "delete it and rerun" in out
    assert "Traceback" not in out
    path.unlink()
    copy.run(TABLES_ONLY, "--no-report")
    assert copy.computed() == before
    assert repr(copy.table("calculations")) == tables
    note("corrupted Parquet file", 1)


def test_read_only_results_are_one_sentence(small_disk: Path, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    (small_disk / "results").mkdir()
    remount(small_disk, "ro")
    out = campaign.run(TABLES_ONLY, "--directory", str(small_disk), code=3)
    assert "cannot be written (Read-only file system)" in out
    assert "Traceback" not in out
    note("read-only results folder", 1)


def test_full_disk_under_a_campaign(finished: Campaign, small_disk: Path, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    # plan and journals need about 170 kB, with the chunk tables it is 270: full in a calculate job
    remount(small_disk, "size=200k")
    arguments = (TABLES_ONLY, "--no-report", "--directory", str(small_disk))
    campaign.results = small_disk / "results"
    out = campaign.run(*arguments, code=1)
    assert "No space left" in out
    kept = campaign.computed()
    remount(small_disk, "size=100m")
    campaign.run(*arguments)
    ids = campaign.computed()
    lost, repeated = len(set(kept) - set(ids)), len(ids) - len(set(ids))
    note("full disk under a campaign", 1, lost, repeated)
    assert (lost, repeated) == (0, 0)
    same_tables(campaign, finished)


def test_interrupt_keeps_what_is_finished(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    gate = Gate(tmp_path / "gate")
    child = campaign.start(TABLES_ONLY, "--no-report", gate=gate)
    gate.let(3)
    wait_for(lambda: len(campaign.computed()) == 3, "the third calculation")
    kept = campaign.computed()
    os.kill(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=GUARD_S)
    assert child.returncode == 130, json.dumps(out)
    wait_for(lambda: not at_work_in(campaign.folder), "the end of every child")
    ids = campaign.computed()
    lost, repeated = len(set(kept) - set(ids)), len(ids) - len(set(ids))
    note("Ctrl-C", 1, lost, repeated)
    assert (lost, repeated) == (0, 0)


def test_folder_with_a_hostile_name(finished: Campaign, tmp_path: Path) -> None:
    """No shell reads names: spaces, quotes, a semicolon and a newline's escape change nothing."""
    campaign = Campaign(tmp_path / "a b;'touch x' $(touch y) é")
    campaign.run(TABLES_ONLY, "--no-report")
    same_tables(campaign, finished)
    assert [p.name for p in tmp_path.iterdir()] == [campaign.folder.name]
    assert not [p for p in campaign.folder.rglob("*") if p.name in ("x", "y")]
    note("hostile folder name", 1)
