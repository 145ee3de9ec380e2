"""What a controller can do to a campaign: arrays of jobs, tasks of a job, jobs that it forgets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cluster import Cluster
from conftest import SLURM
from events import GUARD_S, Gate, wait_for
from test_slurm import CHUNK, Run, job_at_work, once_each, one_chunk, own_jobs, same_chunks

pytestmark = pytest.mark.slurm

LAUNCH = "srun --overlap -n 2"
# What an engine does on several processes: its launcher starts them, each says that it is there.
PROCESSES = """
import json, os, shlex, subprocess
command = [*shlex.split(os.environ["DEFECTRA_GPAW_LAUNCH"]), "sh", "-c", "echo $SLURM_PROCID"]
done = subprocess.run(command, capture_output=True, text=True, check=False)
with open(snakemake.output[0], "w") as handle:
    json.dump({"ranks": sorted(done.stdout.split()), "said": done.stderr}, handle)
raise SystemExit
"""


def two_chunks(folder: Path, flags: tuple[str, ...] = SLURM) -> Run:
    return Run(
        folder, *(f"results/chunks/nmc-0{k}/calculations.parquet" for k in (0, 1)), flags=flags
    )


def test_a_job_array_ends_as_jobs_do(cluster: Cluster, tmp_path: Path) -> None:
    run = two_chunks(tmp_path / "array")
    run.start("--slurm-array-jobs", "calculate").finish()
    tasks = [job for job in own_jobs(cluster, run.campaign, "all") if "_" in job]
    assert len({job.split("_")[0] for job in tasks}) == 1, "one array"
    assert len(tasks) == 2
    assert {cluster.jobs()[job] for job in tasks} == {"COMPLETED"}
    local = two_chunks(tmp_path / "local", flags=("--no-report",))
    local.finish()
    same_chunks(run.campaign, local.campaign)
    once_each(run.campaign, local.campaign)


def test_a_job_of_several_processes_gets_a_task_for_each(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost model asks for the processes of the launcher; it finds them inside of the job."""
    monkeypatch.setenv("DEFECTRA_GPAW_LAUNCH", LAUNCH)
    out = "results/chunks/perovskites-00/counts.json"
    run = Run(tmp_path / "processes", out)
    run.campaign.others = {"studies": ["perovskites"], "perovskites": {"complete": True}}
    run.campaign.write_config()
    script = run.campaign.folder / "scripts/step.py"
    script.write_text(script.read_text().replace('"""\n\n', f'"""\n{PROCESSES}\n', 1))
    run.finish()
    (job,) = own_jobs(cluster, run.campaign, "all")
    asked = cluster.call("scontrol", "show", "job", job).stdout
    assert "NumTasks=2" in asked
    assert "CPUs/Task=1" in asked
    found = json.loads((run.campaign.folder / out).read_text())
    assert found["ranks"] == ["0", "1"], found["said"]


def test_a_job_that_the_controller_forgot_is_begun_again(cluster: Cluster, tmp_path: Path) -> None:
    """It dies before it has saved the job; the last test, since it forgets all the others too."""
    run = Run(tmp_path / "forgotten", CHUNK, gate=Gate(tmp_path / "gate"))
    one_chunk(run.campaign)
    run.campaign.edit(
        "workflow/defectra/campaign/left_behind.py", "every_s: float = 60.0", "every_s: float = 2.0"
    )
    run.start()
    assert run.gate is not None
    assert run.child is not None
    run.gate.let(2)
    first = job_at_work(cluster, run, 2)
    cluster.kill("slurmctld")
    shutil.rmtree(cluster.folder / "state")
    (cluster.folder / "state").mkdir()
    with (cluster.folder / "slurm.conf").open("a") as handle:
        handle.write("FirstJobId=1000\n")  # the saved state would have known what was given out
    cluster.start("slurmctld", "-D")
    wait_for(lambda: cluster.call("squeue").returncode == 0, "the new controller")
    assert first not in cluster.jobs()
    wait_for(lambda: own_jobs(cluster, run.campaign) - {first}, "a job in place of the lost one")
    run.gate.open()
    out, _ = run.child.communicate(timeout=GUARD_S)
    assert run.child.returncode == 0, out
    assert f"Slurm has lost job {first}" in out
    ids = run.campaign.computed()
    assert len(ids) == len(set(ids)), "nothing is computed twice"
