"""The live line and the errors that a person reads."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from defectra.campaign.progress import Line, Work, duration, read_work
from defectra.campaign.run_log import RunLog, read_steps
from defectra.cli.outcome import failures, meaningful
from defectra.cli.profiles import PROFILES, check_profile, executor, profile_folder
from defectra.core.errors import ConfigError

LOG = """\
Job stats:
job            count
-----------  -------
calculate          2
total              4

[Sat Nov 21 12:48:52 2026]
localrule calculate:
    input: a, b
    output: c
    log: results/logs/calculate/nmc-00.log
    jobid: 5
    reason: Missing output files: c
[Sat Nov 21 12:48:52 2026]
localrule gather:
    input: a
    jobid: 7
[Sat Nov 21 12:48:59 2026]
Finished jobid: 7 (Rule: gather)
1 of 4 steps (25%) done
"""
FAILED = (
    LOG
    + """\
Traceback (most recent call last):
  File "x.py", line 3, in <module>
    f()
defectra.core.errors.TableError: 5 of 6 calculations failed
RuleException:
CalledProcessError in file "calculate.smk", line 3:
Command 'python x.py' returned non-zero exit status 1.
[Sat Nov 21 12:49:00 2026]
Error in rule calculate:
    message: None
    jobid: 5
    log: results/logs/calculate/nmc-00.log (check log file(s) for error details)
"""
)
GROUP = (
    LOG
    + """\
[Sat Nov 21 12:50:00 2026] Group job tables (jobs in lexicogr. order):

    [Sat Nov 21 12:50:00 2026]
    rule average_sites:
        input: a
        output: b
        jobid: 8
        resources: mem_mb=1000
    [Sat Nov 21 12:50:00 2026]
    rule build_training:
        input: b
        jobid: 9
Job 797930f0 has been submitted with SLURM jobid 4 (log: /x/4.log).
"""
)


def test_members_of_a_group_are_running_until_they_end() -> None:
    assert read_steps(GROUP).running == ["calculate", "average_sites", "build_training"]
    assert read_steps(f"{GROUP}Finished jobid: 8 (Rule: x)\n").running[1:] == ["build_training"]


def test_steps_of_a_log() -> None:
    steps = read_steps(LOG)
    assert (steps.done, steps.total, steps.running) == (1, 4, ["calculate"])
    assert read_steps(FAILED).running == []
    assert str(read_steps("")) == "starting"


@pytest.mark.parametrize("cut", range(0, len(LOG), 7))
def test_a_log_that_grows_is_read_once(tmp_path: Path, cut: int) -> None:
    """Wherever a look cuts it, between lines or within one."""
    path = tmp_path / "run.log"
    path.write_text(LOG[:cut])
    log = RunLog(path)
    lines = log.look()
    with path.open("a") as handle:
        handle.write(LOG[cut:])
    lines += log.look()
    assert lines == LOG.splitlines()
    assert log.look() == []
    assert log.steps == read_steps(LOG)


def test_failure_from_the_log_of_the_rule_else_from_the_run(tmp_path: Path) -> None:
    (reported,) = failures(FAILED, tmp_path)
    assert reported.splitlines()[0].startswith("Rule calculate failed, log ")
    assert reported.splitlines()[1:] == [
        "  defectra.core.errors.TableError: 5 of 6 calculations failed"
    ]
    log = tmp_path / "results/logs/calculate/nmc-00.log"
    log.parent.mkdir(parents=True)
    log.write_text("Traceback\n  File\nValueError: own log\n")
    assert failures(FAILED, tmp_path)[0].endswith("  ValueError: own log")


SLURM = FAILED.replace("nmc-00.log (check", "nmc-00.log, {slurm} (check")


@pytest.mark.parametrize(
    ("own", "slurm", "shown", "line"),
    [
        ("ValueError: own\n", "JobError: 4 failed\n", "nmc-00.log", "ValueError: own"),
        ("", "MemoryError: killed\n", "4.log", "MemoryError: killed"),
        ("  \n", "MemoryError: killed\n", "4.log", "MemoryError: killed"),
        (None, "slurmstepd: error: time limit\n", "4.log", "slurmstepd: error: time limit"),
        ("starting\n", "x.TableError: bad part\n", "4.log", "x.TableError: bad part"),
        ("starting\n", "", "nmc-00.log", "starting"),
        (None, None, "nmc-00.log", "5 of 6 calculations failed"),
    ],
)
def test_the_log_that_tells_is_shown_on_a_cluster_too(
    tmp_path: Path, own: str | None, slurm: str | None, shown: str, line: str
) -> None:
    theirs = tmp_path / ".snakemake/slurm_logs/rule_calculate/4.log"
    ours = tmp_path / "results/logs/calculate/nmc-00.log"
    for path, text in ((ours, own), (theirs, slurm)):
        path.parent.mkdir(parents=True)
        if text is not None:
            path.write_text(text)
    (reported,) = failures(SLURM.format(slurm=theirs), tmp_path)
    first, *rest = reported.splitlines()
    assert first.endswith(f"{shown}:")
    assert rest[-1].endswith(line)


STEP = """
import os, subprocess, sys
from defectra.core.joblog import logged

print("before")
try:
    with logged(sys.argv[1]):
        print("of Python")
        subprocess.run([sys.executable, "-c", "print('of a child')"], check=True)
        raise ValueError("no such edge")
except ValueError as error:
    print("raised again:", error)
with logged(sys.argv[2]):
    print("again")
print("after", len(os.listdir("/proc/self/fd" if os.path.exists("/proc") else "/dev/fd")))
"""


def test_a_logged_block_leaves_all_it_prints_and_its_traceback_in_the_log(tmp_path: Path) -> None:
    logs = [tmp_path / "logs/first.log", tmp_path / "logs/second.log"]
    command = [sys.executable, "-c", STEP, *map(str, logs)]
    env = {**os.environ, "PYTHONPATH": str(PROFILES.parent)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("before\nraised again: no such edge\nafter")
    assert int(done.stdout.split()[-1]) <= 4, "files were left open"
    assert done.stderr == ""
    text = logs[0].read_text()
    assert "of a child" in text
    assert text.index("of Python") < text.index("Traceback (most recent call last)")
    assert meaningful(text) == ["  ValueError: no such edge"]
    assert logs[1].read_text() == "again\n"


def test_text_without_an_error_shows_its_end() -> None:
    assert meaningful("a\n\nb\nc\nd\ne\n") == ["  b", "  c", "  d", "  e"]


def test_work_adds_chunks_and_leaves_out_those_of_earlier_runs(tmp_path: Path) -> None:
    state = {"done": 5, "total": 20, "fresh": 4, "started": 940.0, "updated": 1000.0}
    for name, when in (("a", 1000), ("b", 1000), ("old", 10)):
        path = tmp_path / f"{name}.progress"
        path.write_text(json.dumps(state | {"expected_s": 19.0, "left_s": 15.0}))
        os.utime(path, (when, when))
    (tmp_path / "torn.progress").write_text("{")
    work = read_work(tmp_path, since=500, now=1000.0)
    assert (work.done, work.total, work.fresh, work.seconds) == (10, 40, 8, 60.0)
    assert str(work) == "calculations 10/40, 8.0 a minute, 4 min left"


def test_no_rate_before_anything_was_computed() -> None:
    assert str(Work(done=3, total=9)) == "calculations 3/9"
    assert str(Work()) == ""
    apart = Work(done=143, total=143, impossible=198)
    assert str(apart) == "calculations 143/143, 198 cannot be computed"


def test_durations() -> None:
    assert [duration(s) for s in (40, 720, 12600)] == ["40 s", "12 min", "3.5 h"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminal_has_one_line_that_is_rewritten() -> None:
    out = Terminal()
    line = Line(out)
    line.show(["step 1/4", "", "3 s"])
    line.show(["step 2/4", "", "4 s"])
    line.clear()
    assert "\n" not in out.getvalue()
    assert out.getvalue().endswith("step 2/4 · 4 s\r\x1b[2K")


def test_file_has_a_line_from_time_to_time() -> None:
    out = io.StringIO()
    line = Line(out, every_s=0.0)
    line.show(["step 1/4"])
    line.show(["step 1/4"])
    assert out.getvalue() == "step 1/4\n"
    quiet = io.StringIO()
    Line(quiet, every_s=1000.0).show(["step 1/4"])
    assert quiet.getvalue() == ""


def test_profiles_are_checked_before_anything_starts(tmp_path: Path) -> None:
    check_profile(PROFILES / "default")
    with pytest.raises(ConfigError, match="ours are: default, lsf, pbs, slurm"):
        check_profile(tmp_path / "none")
    own = tmp_path / "own"
    own.mkdir()
    (own / "config.yaml").write_text("executor: not-there\njobs: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="pip install snakemake-executor-plugin-not-there"):
        check_profile(own)


@pytest.mark.parametrize(
    "text",
    [
        "executor: slurm\n",
        'executor: "slurm"\n',
        "{executor: slurm, jobs: 3}\n",
        "jobs: 3\n'executor' : slurm  # mine\n",
    ],
)
@pytest.mark.parametrize("name", ["config.yaml", "profile.yaml", "profile.v9+.yaml"])
def test_profiles_are_read_as_yaml(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert executor(tmp_path) == "slurm"
    assert profile_folder(str(tmp_path / name)) == tmp_path


@pytest.mark.parametrize("text", ["executor: [\n", "- slurm\n", ""])
def test_a_profile_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "profile.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"profile\.yaml: "):
        check_profile(tmp_path)
