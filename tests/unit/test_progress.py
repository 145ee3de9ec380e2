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
from defectra.campaign.run_events import Event, RunEvents, Steps, read_steps
from defectra.cli.outcome import failures, meaningful
from defectra.cli.profiles import PROFILES, check_profile, executor, loggers, profile_folder
from defectra.core.errors import ConfigError

JOB = Event("job", 5, "calculate")
BEGUN = [
    Event("start"),
    Event("plan", jobs={"calculate": 2, "gather": 1, "all": 1}),
    JOB,
    Event("job", 7, "gather"),
    Event("finished", 7),
    Event("progress", done=1, total=4),
]
LOGS = ("results/logs/calculate/nmc-00.log",)
TRACEBACK = b"""Traceback (most recent call last):
  File "x.py", line 3, in <module>
    f()
defectra.core.errors.TableError: 5 of 6 calculations failed
"""
AFTER = b"""RuleException:
CalledProcessError in file "calculate.smk", line 3:
Command 'python x.py' returned non-zero exit status 1.
[Sat Nov 21 12:49:00 2026]
Error in rule calculate:
    jobid: 5
"""


def failed(*logs: str, job: int = 5, at: int = len(TRACEBACK)) -> Event:
    return Event("failed", job, "calculate", logs or LOGS, at=at)


def test_steps_of_events() -> None:
    steps = Steps().read(BEGUN)
    assert (steps.done, steps.total, steps.running) == (1, 4, ["calculate"])
    assert str(steps) == "step 1/4 (calculate)"
    assert str(Steps()) == "starting"
    steps.read([failed()])
    assert (steps.running, list(steps.failed)) == ([], [5])


@pytest.mark.parametrize(("then", "left"), [([JOB], []), ([JOB, failed(at=9)], [9])])
def test_only_the_last_attempt_of_a_job_counts(then: list[Event], left: list[int]) -> None:
    steps = Steps().read([*BEGUN, failed(), *then])
    assert [event.at for event in steps.failed.values()] == left
    assert Steps().read([failed(), Event("finished", 5)]).failed == {}


def test_a_snakemake_that_begins_again_begins_at_zero() -> None:
    again = Steps().read([*BEGUN, failed(), Event("error", text="killed"), *BEGUN])
    assert again == Steps().read(BEGUN)
    assert Steps().read([Event("start")]).is_up_to_date
    assert not again.is_up_to_date
    assert not Steps().is_up_to_date, "it may have stopped before it looked"


@pytest.mark.parametrize("cut", range(0, sum(len(e.to_line()) for e in BEGUN), 11))
def test_events_that_come_in_are_read_once(tmp_path: Path, cut: int) -> None:
    """Wherever a look cuts the file, between lines or within one."""
    path, lines = tmp_path / "run.events.jsonl", "".join(event.to_line() for event in BEGUN)
    events = RunEvents(path)
    assert events.look() == Steps(), "no file yet"
    path.write_text(lines[:cut])
    events.look()
    with path.open("a") as handle:
        handle.write(lines[cut:])
    assert events.look() == Steps().read(BEGUN) == read_steps(tmp_path / "run.log")
    assert events.look() == Steps().read(BEGUN)


def test_an_event_comes_back_as_it_was() -> None:
    for event in (*BEGUN, failed("a b.log", "c.log"), Event("error", text="two\nlines")):
        assert Event.from_line(event.to_line()) == event
        assert event.to_line().count("\n") == 1


def test_failure_from_the_log_of_the_rule_else_from_the_run(tmp_path: Path) -> None:
    steps = Steps().read([*BEGUN, failed()])
    for said in (TRACEBACK, TRACEBACK + AFTER):  # the plugin may look before Snakemake writes
        steps.failed[5] = failed(at=len(said))
        (reported,) = failures(steps, TRACEBACK + AFTER, tmp_path)
        assert reported.splitlines()[0].startswith("Rule calculate failed, log ")
        assert reported.splitlines()[1:] == [
            "  defectra.core.errors.TableError: 5 of 6 calculations failed"
        ]
    log = tmp_path / LOGS[0]
    log.parent.mkdir(parents=True)
    log.write_text("Traceback\n  File\nValueError: own log\n")
    assert failures(steps, TRACEBACK + AFTER, tmp_path)[0].endswith("  ValueError: own log")


def test_each_of_two_failures_has_its_own_text(tmp_path: Path) -> None:
    second = TRACEBACK.replace(b"5 of 6", b"1 of 2")
    written = TRACEBACK + AFTER + second + AFTER
    ends = [len(TRACEBACK), len(TRACEBACK + AFTER + second)]
    steps = Steps().read(failed(job=k, at=end) for k, end in zip((9, 2), ends))
    assert [text.rpartition(": ")[2] for text in failures(steps, written, tmp_path)] == [
        "5 of 6 calculations failed",
        "1 of 2 calculations failed",
    ]


def test_a_run_without_a_failed_job_shows_what_stopped_it(tmp_path: Path) -> None:
    steps = Steps().read([Event("error", text="MissingInputException in rule gather: a.csv")])
    (reported,) = failures(steps, b"other words", tmp_path)
    assert meaningful("MissingRuleException:\nNo rule to produce a.csv.") == [
        "  MissingRuleException: no rule makes a.csv; `defectra targets` lists what there is"
    ]
    assert reported == "Snakemake failed:\n  MissingInputException in rule gather: a.csv"
    (reported,) = failures(Steps(), b"snakemake: error: unrecognized arguments: -y\n", tmp_path)
    assert reported.endswith("unrecognized arguments: -y")


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
def test_the_log_that_explains_is_shown_on_a_cluster_too(
    tmp_path: Path, own: str | None, slurm: str | None, shown: str, line: str
) -> None:
    theirs = tmp_path / ".snakemake/slurm_logs/rule_calculate/4.log"
    ours = tmp_path / LOGS[0]
    for path, text in ((ours, own), (theirs, slurm)):
        path.parent.mkdir(parents=True)
        if text is not None:
            path.write_text(text)
    steps = Steps().read([failed(*LOGS, str(theirs))])
    (reported,) = failures(steps, TRACEBACK + AFTER, tmp_path)
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
    assert loggers(tmp_path) == []


def test_a_logger_that_is_not_installed_is_named(tmp_path: Path) -> None:
    check_profile(PROFILES / "default", ["defectra"])
    with pytest.raises(ConfigError, match="pip install snakemake-logger-plugin-nope"):
        check_profile(PROFILES / "default", ["nope"])
    (tmp_path / "config.yaml").write_text("logger: [none-such]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="snakemake-logger-plugin-none-such"):
        check_profile(tmp_path)


@pytest.mark.parametrize("text", ["logger: snkmt\n", "logger: [snkmt]\n"])
def test_loggers_of_a_profile(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    assert loggers(tmp_path) == ["snkmt"]


@pytest.mark.parametrize("text", ["executor: [\n", "- slurm\n", ""])
def test_a_profile_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "profile.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"profile\.yaml: "):
        check_profile(tmp_path)
