"""PBS and LSF by the executor cluster-generic, their commands by scripts that stand for them."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from campaign import TABLES_ONLY, Campaign
from events import Gate, wait_for
from stand_in import put
from test_slurm import Run, once_each, same_tables

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The campaign on this machine alone."""
    folder = tmp_path_factory.mktemp("local") / "project"
    run = Run(folder, TABLES_ONLY, flags=("--no-report",))
    run.finish()
    return run.campaign


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the stand-in's jobs; its commands are found first."""
    if importlib.util.find_spec("snakemake_executor_plugin_cluster_generic") is None:
        pytest.skip("the executor cluster-generic is not installed: make slurm")
    jobs, commands = tmp_path / "jobs", tmp_path / "bin"
    jobs.mkdir()
    commands.mkdir()
    for system in ("pbs", "lsf"):
        put(commands, system)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN", str(jobs))
    return jobs


def flags(system: str) -> tuple[str, ...]:
    # seconds, not those of a cluster
    quick = ("--latency-wait", "10", "--seconds-between-status-checks", "1")
    return ("--profile", system, "--no-report", *quick)


@pytest.mark.parametrize("system", ["pbs", "lsf"])
def test_the_same_tables(server: Path, local: Campaign, tmp_path: Path, system: str) -> None:
    run = Run(tmp_path / "project", TABLES_ONLY, flags=flags(system))
    run.finish()
    assert len(list(server.glob("*.exit"))) >= 2, "chunks are jobs"
    asked = "\n".join(path.read_text() for path in server.glob("*.asked"))
    assert ("walltime=" in asked) == (system == "pbs")
    same_tables(run.campaign, local)
    once_each(run.campaign, local)


def test_a_job_that_the_server_lost_is_submitted_again(
    server: Path, local: Campaign, tmp_path: Path
) -> None:
    """It lives on, holds its journal and is waited for; nothing is computed twice."""
    gate = Gate(tmp_path / "gate")
    run = Run(tmp_path / "project", TABLES_ONLY, flags=flags("pbs"), gate=gate)
    run.campaign.study["shards"] = 1
    run.campaign.write_config()
    run.start()
    gate.let(2)
    wait_for(lambda: len(run.campaign.computed()) == 2, "work of the first job")
    (server / "lost").write_text("1")
    wait_for((server / "2.asked").exists, "a second submission")
    asked = [(server / f"{k}.asked").read_text() for k in (1, 2)]
    assert asked[0] != asked[1], "twice the time and the memory"
    gate.open()
    run.finish()
    same_tables(run.campaign, local)
    once_each(run.campaign, local)


def test_ctrl_c_cancels_while_the_server_is_asked(server: Path, tmp_path: Path) -> None:
    """Snakemake has no job in its list then, and cancels none: the launcher does."""
    gate = Gate(tmp_path / "gate")
    run = Run(tmp_path / "project", TABLES_ONLY, flags=flags("lsf"), gate=gate).start()
    assert run.child is not None
    wait_for(lambda: run.campaign.begun() == 2, "two jobs at work, each at its first calculation")
    (server / "busy").touch()
    wait_for((server / "waiting").exists, "a question for the state of a job")
    run.child.terminate()
    logs = tmp_path / "project" / ".snakemake" / "log"
    wait_for(lambda: any("Terminating" in p.read_text() for p in logs.glob("*")), "the end")
    (server / "busy").unlink()
    run.child.wait()
    wait_for(
        lambda: all(p.with_suffix(".exit").exists() for p in server.glob("*.asked")),
        "the end of every job",
    )
    gate.open()
    assert {p.read_text().strip() for p in server.glob("*.exit")} == {"271"}
