"""Two nodes and a file system that lags: the tables of a local run, whatever one node does."""

from __future__ import annotations

import importlib.util
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from campaign import TABLES_ONLY, Campaign
from cluster import PACKAGES, PROGRAMS, UnavailableError, install
from conftest import SLURM
from events import wait_for
from test_slurm import Run, first_principles, once_each, same_tables, slurm_logs
from two_nodes import PACKAGES as MORE_PACKAGES
from two_nodes import PROGRAMS as MORE_PROGRAMS
from two_nodes import Node, TwoNodes

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """Folder of the clusters; skips with the reason where there can be none."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("the slurm executor of Snakemake is not installed: make slurm")
    try:
        install(PROGRAMS, PACKAGES)
        install(MORE_PROGRAMS, MORE_PACKAGES)
    except UnavailableError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="defectra-nodes-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def nodes(place: Path, name: str, shared: Path, found: Sequence[Node]) -> Iterator[TwoNodes]:
    """A cluster of the nodes; skips where namespaces or mounts cannot be had."""
    cluster = TwoNodes(place / name, shared, found)
    try:
        cluster.__enter__()
    except UnavailableError as error:
        pytest.skip(str(error))
    try:
        yield cluster
    finally:
        cluster.stop()


def shards(campaign: Campaign) -> Campaign:
    campaign.study["shards"] = 4
    campaign.write_config()
    return campaign


@pytest.fixture(scope="session")
def local(place: Path) -> Campaign:
    """The campaign on this machine alone."""
    run = Run(place / "local", TABLES_ONLY, flags=("--no-report",))
    shards(run.campaign)
    run.finish()
    return run.campaign


def at_work(cluster: TwoNodes) -> set[str]:
    """Nodes that run a job."""
    return set(cluster.call("squeue", "-h", "--states=RUNNING", "-o", "%N").stdout.split())


def test_two_nodes_whose_clocks_differ_by_a_minute(place: Path, local: Campaign) -> None:
    run = Run(place / "clocks" / "project", TABLES_ONLY)
    shards(run.campaign)
    found = [Node("dfnode1"), Node("dfnode2", clock_s=60)]
    with nodes(place, "cluster1", place / "clocks", found) as cluster:
        log = run.start("--slurm-keep-successful-logs").finish()
        where = cluster.call("squeue", "-h", "--states=all", "-o", "%N").stdout.split()
        assert set(where) == {"dfnode1", "dfnode2"}, "both took jobs"
        assert set(cluster.jobs().values()) == {"COMPLETED"}
        assert "Error" not in log
        same_tables(run.campaign, local)
        once_each(run.campaign, local)
        assert "Nothing to do" in run.campaign.run(TABLES_ONLY, *SLURM)


def test_a_node_with_a_broken_engine(place: Path, local: Campaign) -> None:
    """Each failure is told, nothing of it becomes a row, and the good node finishes the work."""
    run = Run(place / "bad" / "project", TABLES_ONLY)
    shards(run.campaign)
    broken = "project/workflow/defectra/engines/synthetic/run.py"
    found = [Node("dfnode1"), Node("dfnode2", hidden=[broken])]
    with nodes(place, "cluster2", place / "bad", found) as cluster:
        run.start()
        wait_for(lambda: "dfnode2" in at_work(cluster), "a job on the bad node")
        cluster.call("scontrol", "update", "NodeName=dfnode2", "State=DRAIN", "Reason=test")
        run.finish()
        assert "FAILED" in cluster.jobs().values(), "the bad node spoiled no job"
        same_tables(run.campaign, local)
        once_each(run.campaign, local)


@pytest.mark.live
def test_a_node_with_a_full_scratch(place: Path) -> None:
    """FEFF writes its files there: no row comes of it, and the other node finishes the work."""
    reference = Run(place / "feff local", TABLES_ONLY, flags=("--no-report",))
    run = Run(place / "full" / "project", TABLES_ONLY)
    for each in (reference, run):
        first_principles(each.campaign)
    reference.finish()
    found = [Node("dfnode1"), Node("dfnode2", scratch="4k")]
    with nodes(place, "cluster4", place / "full", found) as cluster:
        cluster.call("scontrol", "update", "NodeName=dfnode1", "State=DRAIN", "Reason=test")
        run.start()
        wait_for(lambda: "dfnode2" in at_work(cluster), "a job on the node without room")
        # What runs there goes on; the next attempt finds the other node, however fast it comes.
        cluster.call("scontrol", "update", "NodeName=dfnode2", "State=DRAIN", "Reason=test")
        cluster.call("scontrol", "update", "NodeName=dfnode1", "State=RESUME")
        run.finish()
        assert "FAILED" in cluster.jobs().values(), "no job was without room"
        logs = "".join(p.read_text() for p in run.campaign.results.glob("logs/calculate/*.log"))
        assert "No space left" in slurm_logs(run.campaign) + logs
        same_tables(run.campaign, reference.campaign)
        assert [row["status"] for row in run.campaign.table("calculations")] == ["ok", "ok"]


def test_locks_that_do_not_reach_the_other_node_are_refused(place: Path, local: Campaign) -> None:
    shared = place / "unlocked"
    shared.mkdir()
    found = [Node("dfnode1", shares_locks=False), Node("dfnode2", shares_locks=False)]
    program = (
        "import signal; from defectra.core.journal import Journal\n"
        f"with Journal('{shared}/nmc-00.journal'): print('held', flush=True); %s"
    )
    with nodes(place, "cluster3", shared, found) as cluster:
        first = submit(cluster, local, shared, "dfnode1", program % "signal.pause()")
        wait_for(lambda: first.exists() and "held" in first.read_text(), "the first holder")
        second = submit(cluster, local, shared, "dfnode2", program % "pass")
        wait_for(lambda: "FAILED" in cluster.jobs().values(), "the refusal")
        assert "a worker on dfnode1 writes here too" in second.read_text()


def submit(cluster: TwoNodes, campaign: Campaign, shared: Path, node: str, program: str) -> Path:
    """Run a program on a node; the file that gets what it prints."""
    script, out = shared / f"{node}.py", shared / f"{node}.out"
    script.write_text(program)
    command = f"PYTHONPATH={campaign.folder}/workflow {sys.executable} {script}"
    where = ("--chdir", str(shared), "--mem=500", "-w", node, "-o", str(out))
    cluster.call("sbatch", *where, f"--wrap={command}")
    return out
