"""The workflow on a real Slurm: the same tables as without, through every mishap of a cluster."""

from __future__ import annotations

import csv
import math
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from campaign import TABLES_ONLY, TIMES, Campaign, stop
from cluster import ACCOUNTING, DATABASE, Cluster, UnavailableError, install
from conftest import SLURM
from events import GUARD_S, Gate, wait_for

from defectra.core.records import TABLES as SCHEMAS
from defectra.core.store import read_table

pytestmark = pytest.mark.slurm

TOLERANCE = 1e-9  # relative; the same wheels on the same machine give the same bits
CHUNK = "results/chunks/nmc-00/calculations.parquet"  # the only one of a campaign of one shard
TABLES = ("structures", "geometries", "calculations", "spectra")
SHEETS = ("nmc/metrics.csv", "nmc/lithium.csv", "nmc/left_out.csv", "scorecard.csv", "checks.csv")
TOO_FEW_MB = 100  # of a job: Snakemake alone takes more
# On the cluster, but not while its controller is dead: what it had not yet saved is lost with it.
UNDISTURBED = ("memory", "whole", "feff")


class Run:
    """A campaign that is on its way, through Slurm unless told otherwise."""

    def __init__(
        self,
        folder: Path,
        *targets: str,
        flags: tuple[str, ...] = SLURM,
        gate: Gate | None = None,
    ) -> None:
        self.campaign = Campaign(folder)
        self.arguments, self.gate = (*targets, *flags), gate
        self.child: subprocess.Popen[str] | None = None

    def start(self, *more: str) -> Run:
        self.child = self.campaign.start(*self.arguments, *more, gate=self.gate)
        return self

    def finish(self) -> str:
        """Wait for the end, of a run not started yet as well; the text of Snakemake's log."""
        child = self.child or self.start().child
        assert child is not None
        try:
            out, _ = child.communicate(timeout=GUARD_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"no end within {GUARD_S:g} s\n{self.campaign.last_log()[-4000:]}")
        assert child.returncode == 0, f"{out}\n{self.campaign.last_log()}"
        return sorted(self.campaign.results.glob("logs/run-*.log"))[-1].read_text()

    def stop(self) -> None:
        if self.child is not None:
            stop(self.child)


@pytest.fixture(scope="session")
def runs(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """All campaigns; those without a cluster are started, the others when they may be."""
    base = tmp_path_factory.mktemp("runs")
    found = {
        "storm": Run(base / "storm", CHUNK, gate=Gate(base / "gate")),
        "memory": Run(base / "memory", CHUNK, gate=Gate(base / "gate of memory")),
        "whole": Run(base / "whole"),
        "local": Run(base / "local", flags=("--no-report",)),
        "feff": Run(base / "feff", TABLES_ONLY),
        "feff local": Run(base / "feff local", TABLES_ONLY, flags=("--no-report",)),
        "killed": Run(base / "killed", CHUNK, gate=Gate(base / "gate of killed")),
    }
    found["memory"].campaign.edit(
        "workflow/defectra/campaign/loads.py", "BASE_MB = 1000", f"BASE_MB = {TOO_FEW_MB}"
    )
    one_chunk(found["storm"].campaign)
    one_chunk(found["memory"].campaign)
    one_chunk(found["killed"].campaign)
    first_principles(found["feff"].campaign)
    first_principles(found["feff local"].campaign)
    for name in ("local", "feff local"):
        found[name].start()
    try:
        yield found
    finally:
        for run in found.values():
            run.stop()


@pytest.fixture(scope="session")
def local(runs: dict[str, Run]) -> Campaign:
    """The whole campaign of the synthetic engine on this machine, without a cluster."""
    runs["local"].finish()
    return runs["local"].campaign


def one_chunk(campaign: Campaign) -> None:
    """All in one chunk, so that a chunk is long."""
    campaign.study["shards"] = 1
    campaign.write_config()


def same(ours: Any, theirs: Any, where: str) -> None:
    """Equal, numbers within the tolerance, NaN being itself."""
    if isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for k, (a, b) in enumerate(zip(ours, theirs)):
            same(a, b, f"{where}[{k}]")
    elif isinstance(ours, dict):
        assert set(ours) == set(theirs), where
        for key in ours:
            same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, float) and isinstance(theirs, float):
        both = math.isnan(ours) and math.isnan(theirs)
        assert both or math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=1e-12), where
    else:
        assert ours == theirs, where


def same_tables(ours: Campaign, theirs: Campaign) -> None:
    for name in TABLES:
        rows = sorted(theirs.table(name), key=_words)
        assert rows, name
        same(sorted(ours.table(name), key=_words), rows, name)


def same_chunks(ours: Campaign, theirs: Campaign) -> None:
    """As `same_tables`, for a campaign that ended with its chunks."""
    for name in TABLES[1:]:
        rows = [chunk_rows(campaign, name) for campaign in (ours, theirs)]
        assert rows[1], name
        same(*rows, name)


def chunk_rows(campaign: Campaign, name: str) -> list[dict[str, Any]]:
    files = campaign.results.glob(f"chunks/*/{name}.parquet")
    rows = [row for path in files for row in read_table(path, SCHEMAS[name])]
    found = [{k: v for k, v in row.items() if k not in TIMES} for row in rows]
    return sorted(found, key=_words)


def _words(row: dict[str, Any]) -> list[str]:
    """What orders rows whatever chunks they came in."""
    return [value for value in row.values() if isinstance(value, str)]


def sheet(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as handle:
        return [{k: _number(v) for k, v in row.items()} for row in csv.DictReader(handle)]


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def once_each(campaign: Campaign, reference: Campaign) -> None:
    """Every calculation is in the journals, none twice."""
    ids = campaign.computed()
    assert len(ids) == len(set(ids))
    assert set(ids) == set(reference.computed())


def limits(log: str, resource: str) -> list[int]:
    """What was asked for in each submission of `calculate`, in order."""
    found = re.findall(
        rf"^rule calculate:\n(?: {{4}}.*\n)*? {{4}}resources: .*?\b{resource}=(\d+)", log, re.M
    )
    return [int(x) for x in found]


def test_cancelled_drained_out_of_time_and_without_a_controller(
    cluster: Cluster, runs: dict[str, Run], request: pytest.FixtureRequest
) -> None:
    run = runs["storm"].start()
    gate = run.gate
    assert gate is not None
    gate.let(3)
    first = job_at_work(cluster, run, 3)
    cluster.kill("slurmctld")
    assert cluster.call("squeue").returncode != 0
    gate.let(3)
    wait_for(lambda: len(run.campaign.computed()) == 6, "work without a controller")
    cluster.start("slurmctld", "-D")
    wait_for(lambda: cluster.call("squeue").returncode == 0, "the new controller")
    assert own_jobs(cluster, run.campaign, "RUNNING") == {first}, "the running job was forgotten"
    for name in UNDISTURBED:
        runs[name].start()

    node = cluster.call("sinfo", "-h", "-o", "%n").stdout.strip()
    cluster.call("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    assert cluster.call("scancel", first).returncode == 0
    wait_for(lambda: first not in own_jobs(cluster, run.campaign), "the end of the cancelled job")
    cancelled = run.campaign.computed()
    wait_for(lambda: own_jobs(cluster, run.campaign, "PENDING"), "a second job")
    assert run.campaign.computed() == cancelled
    cluster.call("scontrol", "update", f"NodeName={node}", "State=RESUME")

    gate.let(3)
    second = job_at_work(cluster, run, len(cancelled) + 3)
    assert cluster.call("scontrol", "update", f"JobId={second}", "TimeLimit=1").returncode == 0
    wait_for(lambda: second not in own_jobs(cluster, run.campaign), "the end of the second job")
    kept = run.campaign.computed()
    assert kept[: len(cancelled)] == cancelled
    assert [cluster.jobs()[job] for job in (first, second)] == ["CANCELLED", "TIMEOUT"]

    gate.open()
    log = run.finish()
    for resource in ("mem_mb", "runtime"):
        asked = limits(log, resource)
        assert asked == [asked[0], 2 * asked[0], 4 * asked[0]], resource
    local: Campaign = request.getfixturevalue("local")
    assert len(kept) < len(local.computed()), "the second job ended before its time"
    assert run.campaign.computed()[: len(kept)] == kept
    once_each(run.campaign, local)
    same_chunks(run.campaign, local)


def job_at_work(cluster: Cluster, run: Run, count: int) -> str:
    """The one job of a campaign, once `count` calculations are finished."""
    wait_for(lambda: len(run.campaign.computed()) == count, f"calculation {count}")
    (job,) = own_jobs(cluster, run.campaign)
    return job


def test_a_job_out_of_memory_is_tried_with_twice_the_memory(
    runs: dict[str, Run], local: Campaign, cluster: Cluster
) -> None:
    """Slurm measures a job every second: the first one waits at a gate until that has happened."""
    run = runs["memory"] if runs["memory"].child else runs["memory"].start()
    assert run.gate is not None
    wait_for(lambda: over_memory(cluster, run.campaign), "the end of the job without memory")
    run.gate.open()
    asked = limits(run.finish(), "mem_mb")
    assert asked[:2] == [TOO_FEW_MB, 2 * TOO_FEW_MB]
    once_each(runs["memory"].campaign, local)
    same_chunks(runs["memory"].campaign, local)


def over_memory(cluster: Cluster, campaign: Campaign) -> bool:
    return "exceeded memory limit" in slurm_logs(campaign) + cluster.logs(200)


def slurm_logs(campaign: Campaign) -> str:
    paths = (campaign.folder / ".snakemake" / "slurm_logs").rglob("*.log")
    return "\n".join(path.read_text(errors="replace") for path in paths)


def own_jobs(cluster: Cluster, campaign: Campaign, *states: str) -> set[str]:
    """Jobs of one campaign that are not over, or that are in one of `states`."""
    flags = [f"--states={','.join(states)}"] if states else []
    out = cluster.call("squeue", "-h", *flags, "-o", "%i|%Z").stdout
    rows = [line.split("|") for line in out.splitlines()]
    return {job for job, folder in rows if Path(folder) == campaign.folder}


def test_a_new_run_waits_for_the_job_of_a_killed_one(
    cluster: Cluster, runs: dict[str, Run], local: Campaign
) -> None:
    run = runs["killed"].start()
    assert run.gate is not None
    run.gate.let(2)
    job = job_at_work(cluster, run, 2)
    assert run.child is not None
    run.child.kill()
    run.child.wait()
    run.start()
    wait_for(lambda: "Waiting for jobs" in run.campaign.last_log(), "the sentence about the job")
    assert own_jobs(cluster, run.campaign) == {job}, "nothing is submitted beside it"
    run.gate.let(2)
    wait_for(lambda: len(run.campaign.computed()) == 4, "work of the job that was left behind")
    run.gate.open()
    log = run.finish()
    assert f"{job} running" in log
    assert "Error" not in log, "no retry is burnt"
    once_each(run.campaign, local)
    assert {"COMPLETED"} == {cluster.jobs()[j] for j in own_jobs(cluster, run.campaign, "all")}
    same_chunks(run.campaign, local)


@pytest.mark.live
def test_first_principles_give_the_same_tables(runs: dict[str, Run]) -> None:
    for name in ("feff", "feff local"):
        runs[name].finish()
    ours, theirs = (runs[name].campaign for name in ("feff", "feff local"))
    assert [row["status"] for row in ours.table("calculations")] == ["ok", "ok"]
    same_tables(ours, theirs)


def first_principles(campaign: Campaign) -> None:
    """Real FEFF of seconds: one site, two edges that share potentials, few shells."""
    path = campaign.folder / "config" / "studies" / "nmc.yaml"
    study = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({k: study[k] for k in study.keys() - {"edges", "sites"}}))
    campaign.study |= {"engine": "feff", "shards": 1, "sites": {"Ni": 1}}
    grid = {"start": 8330, "stop": 8375, "step": 0.25}
    campaign.study["edges"] = {"Ni K": grid, "Ni L3": {"start": 853.1, "stop": 880.1}}
    campaign.study["structures"] |= {"orderings": 1, "lithium": [1.0], "count": 1}
    campaign.write_config()
    campaign.edit("config/protocols/feff.yaml", "fms_radius: 5.4", "fms_radius: 3.2")


def test_whole_campaign_gives_the_same_tables_models_and_scores(
    runs: dict[str, Run], local: Campaign, cluster: Cluster
) -> None:
    log = runs["whole"].finish()
    ours = runs["whole"].campaign
    assert "has been submitted with SLURM jobid" in log
    same_tables(ours, local)
    once_each(ours, local)
    for name in SHEETS:
        same(sheet(ours.results / name), sheet(local.results / name), name)
    submitted = set(re.findall(r"slurm_logs/(\w+)/", log))
    assert {"rule_calculate", "rule_evaluate"} <= submitted
    assert not {n for n in submitted if "plot" in n or "score" in n}, "light steps are local"
    out = ours.run(*SLURM)
    assert "Nothing to do" in out


def test_with_accounting(cluster: Cluster, local: Campaign, tmp_path: Path) -> None:
    """The same with slurmdbd and sacct; the last test: it replaces the first Slurm."""
    cluster.stop()
    try:
        install(DATABASE, ACCOUNTING)
    except UnavailableError as error:
        pytest.skip(str(error))
    with Cluster(cluster.folder.parent / "accounting", accounting=True) as other:
        run = Run(tmp_path / "project", CHUNK)
        one_chunk(run.campaign)
        log = run.start("--slurm-status-command", "sacct").finish()
        states = other.call("sacct", "-n", "-X", "-o", "State").stdout.split()
    assert "has been submitted with SLURM jobid" in log
    assert states == ["COMPLETED"]
    same_chunks(run.campaign, local)
