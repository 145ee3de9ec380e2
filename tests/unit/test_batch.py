"""What PBS and LSF answer, and what Snakemake learns."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from defectra.cli.batch import SYSTEMS, record, status, submit
from defectra.cli.cluster_jobs import ClusterJobs


def answers(
    out: str, error: str = "", code: int = 0, asked: list[Sequence[str]] | None = None
) -> Callable[[Sequence[str]], subprocess.CompletedProcess[str]]:
    def call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        if asked is not None:
            asked.append(command)
        return subprocess.CompletedProcess(list(command), code, out, error)

    return call


# In the words of PBS Professional, Torque and IBM Spectrum LSF.
@pytest.mark.parametrize(
    ("system", "out", "error", "code", "expected"),
    [
        ("pbs", "Job Id: 1.s\n    job_state = R\n", "", 0, "running"),
        ("pbs", "Job Id: 1.s\n    job_state = Q\n", "", 0, "running"),
        ("pbs", "Job Id: 1.s\n    job_state = E\n    Exit_status = 0\n", "", 0, "running"),
        ("pbs", "Job Id: 1.s\n    job_state = F\n    Exit_status = 0\n", "", 0, "success"),
        ("pbs", "Job Id: 1.s\n    job_state = C\n    exit_status = 0\n", "", 0, "success"),
        ("pbs", "Job Id: 1.s\n    job_state = F\n    Exit_status = 271\n", "", 0, "failed"),
        ("pbs", "Job Id: 1.s\n    job_state = F\n", "", 0, "failed"),  # deleted before its start
        ("pbs", "", "qstat: Unknown Job Id 1.s\n", 153, "failed"),
        ("pbs", "", "Connection refused\nqstat: cannot connect to server s\n", 111, "running"),
        ("lsf", "PEND\n", "", 0, "running"),
        ("lsf", "RUN\n", "", 0, "running"),
        ("lsf", "SSUSP\n", "", 0, "running"),
        ("lsf", "DONE\n", "", 0, "success"),
        ("lsf", "EXIT\n", "", 0, "failed"),
        ("lsf", "", "Job <1> is not found\n", 255, "failed"),
        ("lsf", "", "LSF is down. Please wait ...\n", 255, "running"),
    ],
)
def test_status(system: str, out: str, error: str, code: int, expected: str) -> None:
    assert status(SYSTEMS[system], "1", answers(out, error, code)) == expected


@pytest.mark.parametrize(
    ("system", "out", "number", "words"),
    [
        ("pbs", "17.server\n", "17.server", ["select=1:ncpus=2:mem=1500mb", "walltime=1:30:00"]),
        ("lsf", "Job <17> is submitted to queue <normal>.\n", "17", ["-W", "90", "-M", "1500"]),
    ],
)
def test_submission(system: str, out: str, number: str, words: list[str]) -> None:
    asked: list[Sequence[str]] = []
    call = answers(out, asked=asked)
    assert submit(SYSTEMS[system], ["2", "1500", "90", "job.sh"], call) == number
    assert set(words) <= set(asked[0])
    assert asked[0][-1] == "job.sh"


def test_a_refused_job_is_told() -> None:
    with pytest.raises(SystemExit, match="qsub: illegal"):
        submit(SYSTEMS["pbs"], ["1", "1", "1", "job.sh"], answers("", "illegal limit\n", 1))


def test_jobs_that_a_stopped_run_still_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of an earlier run, and those that were seen to end, are left alone."""
    folder, calls = tmp_path / ".snakemake", list[Sequence[str]]()
    monkeypatch.chdir(tmp_path)
    incomplete, logs = folder / "incomplete", folder / "slurm_logs" / "rule_calculate"
    incomplete.mkdir(parents=True)
    logs.mkdir(parents=True)
    (incomplete / "a").write_text(json.dumps({"external_jobid": "7"}))
    states = {"7": "RUNNING", "8": "RUNNING", "9": "PENDING"}
    jobs = ClusterJobs(folder, lambda: states, calls.append)
    assert jobs.cancel() == []
    (incomplete / "b").write_text(json.dumps({"external_jobid": "9"}))
    (logs / "8.log").touch()
    (logs / "6.log").touch()  # has ended: not in the queue
    for number in range(60):
        record("pbs", f"{number}.server", "running")
    record("pbs", "3.server", "success")
    assert len(jobs.cancel()) == 2 + 59
    assert calls[0] == ["scancel", "8", "9"]
    assert [c[0] for c in calls[1:]] == ["qdel", "qdel"]
    assert not any("3.server" in c for c in calls)


def test_a_job_that_cannot_be_cancelled_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(command: Sequence[str]) -> None:
        raise subprocess.TimeoutExpired(list(command), 300)

    monkeypatch.chdir(tmp_path)
    jobs = ClusterJobs(tmp_path / ".snakemake", dict, silent)
    record("lsf", "17", "running")
    assert jobs.cancel() == ["17"]
    assert "bkill 17" in capsys.readouterr().err
