"""Run the workflow, here or on a cluster, with one line of progress.

``python -m defectra.cli.launcher run`` checks the config, locks the results folder, starts
Snakemake with a profile, shows its progress, and makes the report. Exit codes: 0 done, 1 a job
failed, 2 the config cannot be used, 3 another launcher is running, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from defectra.campaign.left_behind import WAITING, LostJobs
from defectra.campaign.loads import CANNOT
from defectra.campaign.node import little_room, no_room
from defectra.campaign.progress import Line, duration, read_work
from defectra.campaign.run_events import Growing, RunEvents, Steps, events_of, read_steps
from defectra.cli import child as children
from defectra.cli import outcome
from defectra.cli.cluster_jobs import ClusterJobs
from defectra.cli.help import Parser
from defectra.cli.looks import UNLOCK, reads
from defectra.cli.profiles import PROFILES, check_profile, executor, loggers, profile_folder
from defectra.core.config import of_command_line
from defectra.core.cores import THREADS, usable_cores
from defectra.core.errors import ConfigError, StoreError
from defectra.core.number_types import positive
from defectra.core.paths import PROJECT, need_checkout
from defectra.core.results_lock import VARIABLE, ResultsLock, take
from defectra.core.studies import study_names
from defectra.core.watchdog import refuse_at_work

ROOT = PROJECT
KEPT_LOGS = 10
_RESTARTS, _LOST = 5, -1000  # of a Snakemake that waits for a job that Slurm has lost; its code
LOGGER = "defectra"  # our plugin: workflow/snakemake_logger_plugin_defectra


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    targets: tuple[str, ...]
    config: Path | None
    configfiles: tuple[Path, ...]
    keys: tuple[str, ...]
    directory: Path
    cores: int
    report: bool
    extra: tuple[str, ...]
    profile: Path = PROFILES / "default"
    loggers: tuple[str, ...] = ()
    lock: ResultsLock | None = None

    @property
    def is_reading(self) -> bool:
        """Whether Snakemake is asked to look, and not to make anything."""
        return any(map(reads, self.extra))

    @property
    def is_unlocking(self) -> bool:
        """Whether Snakemake is asked to remove its lock, and not to make anything."""
        return UNLOCK in self.extra

    @property
    def results(self) -> Path:
        """Folder that everything is written to."""
        return self.directory / "results"

    @property
    def report_folder(self) -> Path | None:
        """Folder of the report of everything, or of the one study asked for; None: none wanted."""
        if not self.report or len(self.targets) > 1:
            return None
        if set(self.targets) <= {"all"}:
            return self.results
        study = self.targets[0]
        return self.results / study if study in study_names() else None

    @property
    def wanted(self) -> tuple[str, ...]:
        """Targets for Snakemake: a study comes with its page (that of everything is in `all`)."""
        if self.report_folder in (None, self.results):
            return self.targets
        return (*self.targets, f"results/{self.targets[0]}/report.html")

    @property
    def snakemake_report(self) -> Path | None:
        """Snakemake's own report, which our page links; None if none is wanted."""
        return self.report_folder and self.report_folder / "snakemake_report.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of ``make run``."""
    options = _options(arguments)
    try:
        check_config(options)
        check_profile(options.profile, options.loggers)
    except ConfigError as error:
        print(f"The configuration cannot be used.\n{error}", file=sys.stderr)
        return 2
    try:
        if options.is_reading:
            return _plain(options)
        with take(options.results) as lock:
            if options.is_unlocking:
                return _plain(options)
            if sentence := little_room(options.results):
                print(sentence, file=sys.stderr, flush=True)
            return run(replace(options, lock=lock))
    except StoreError as error:
        print(error, file=sys.stderr)
    except OSError as error:  # a full disk, a file system without locks
        print(
            f"{error.filename or options.results}: {error.strerror}; correct that", file=sys.stderr
        )
    return 3


def _plain(options: Options) -> int:
    """Snakemake as it is asked for, with its own output: no log, no report."""
    asked = ["--logger", *options.loggers] if options.loggers else []
    command = _snakemake(options, *options.targets, *asked)
    return subprocess.run(command, env=_environment(options), check=False).returncode


def _options(arguments: Sequence[str] | None) -> Options:
    args, extra = _parser().parse_known_args(arguments)
    while extra and not extra[0].startswith("-"):  # words behind options: argparse leaves them
        args.targets.append(extra.pop(0))
    keys = [word for word in args.config if "=" in word]
    # the file is the first word; what stands after it is a target, as without a dash
    files, more = [Path(w).resolve() for w in args.config[:1] if "=" not in w], args.config[1:]
    targets = [*args.targets, *(word for word in more if "=" not in word)]
    mirror = [f"mirror={args.mirror.resolve()}"] if args.mirror else []
    return Options(
        tuple(targets),
        files[0] if files else None,
        tuple(path.resolve() for path in args.configfile or ()),
        (*keys, *mirror),
        args.directory.resolve(),
        args.cores,
        not args.no_report,
        tuple(extra),
        profile_folder(args.profile),
        tuple(args.logger),
    )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m defectra.cli.launcher",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["run"])
    parser.add_argument("targets", nargs="*", help="rules or files; default: everything")
    text = "your file (default: config/config.yaml); or key=value, which overrides every file"
    parser.add_argument("--config", nargs="+", action="extend", default=[], help=text)
    text = "your files; the last one wins, and all override --config FILE"
    parser.add_argument(
        "--configfile", "--configfiles", type=Path, nargs="+", action="extend", help=text
    )
    parser.add_argument(
        "--mirror", type=Path, help="folder of the published data; overrides the config"
    )
    parser.add_argument(
        "--directory", type=Path, default=ROOT, help="folder that contains results/"
    )
    parser.add_argument(
        "--cores", type=positive, default=usable_cores(), help="default: all usable ones"
    )
    parser.add_argument("--no-report", action="store_true", help="no report of the target")
    parser.add_argument(
        "--profile", default="default", help="name in workflow/profiles, or a folder"
    )
    parser.add_argument("--logger", nargs="+", default=[], help="more logger plugins of Snakemake")
    return parser


def check_config(options: Options) -> None:
    """Refuse a config that cannot be used, as the Snakefile will.

    Raises
    ------
    ConfigError
        In one sentence.
    """
    need_checkout()
    keys: dict[str, Any] = {}
    if options.keys:
        from snakemake.cli import parse_config  # half a second

        try:
            keys = parse_config(list(options.keys))
        except ValueError as error:
            inner = next((k for k in options.keys if "." in k.partition("=")[0]), "")
            how = "; keys of a study go into a file, --configfile mine.yaml" if inner else ""
            raise ConfigError(
                f"--config {' '.join(options.keys)}: {str(error).rstrip('.')}{how}"
            ) from None
    file = {"file": str(options.config)} if options.config else {}
    of_command_line({**file, **keys}, options.configfiles, Path.cwd(), run=options.directory)


def run(options: Options) -> int:
    """Run Snakemake to its end, then the report; returns the exit code."""
    start = time.time()
    log = _new_log(options.results / "logs")
    if any((options.directory / ".snakemake" / "locks").glob("*")):
        refuse_at_work(options.directory)
        _unlock(options, log)
    code = _watched(options, log, start)
    for _ in range(_RESTARTS):
        if code != _LOST:
            break
        _unlock(options, log)
        code = _watched(options, log, start)
    steps, begin = read_steps(log), 0
    report = options.snakemake_report
    is_old = report and outcome.is_old(report, options.results)
    if code == 0 and steps.is_up_to_date and not is_old:
        print(f"Nothing to do: everything below {outcome.short(options.results)} is up to date.")
        return 0
    if code == 0 and report:
        begin = log.stat().st_size
        code = _report(options, report, log)
    _summary(options, code, steps, log, begin, time.time() - start)
    return code


def _unlock(options: Options, log: Path) -> None:
    """Remove the lock that a killed Snakemake left; only the holder of our own comes here."""
    if options.lock is not None:
        options.lock.check()
    with log.open("ab") as handle:
        subprocess.run(
            _snakemake(options, UNLOCK),
            stdout=handle,
            stderr=handle,
            env=_environment(options),
            pass_fds=_handed(options),
            check=False,
        )


def _snakemake(options: Options, *more: str) -> list[str]:
    file = [f"file={options.config}"] if options.config else []
    return [
        *(sys.executable, "-m", "snakemake"),
        *("--snakefile", str(ROOT / "workflow" / "Snakefile")),
        *("--directory", str(options.directory)),
        # as the profile of the workflow: the default one, which lies there, would win over another
        *("--workflow-profile", str(options.profile)),
        # on a cluster, `--cores` would limit the sum over all jobs; there the profile says `jobs`
        *("--local-cores" if executor(options.profile) else "--cores", str(options.cores)),
        *more,
        *options.extra,
        *(["--configfile", *map(str, options.configfiles)] if options.configfiles else []),
        *(["--config", *file, *options.keys] if file or options.keys else []),
    ]


def _environment(options: Options) -> dict[str, str]:
    """The tree beside this file is what runs, wherever the package was installed from."""
    path = os.pathsep.join([str(ROOT / "workflow"), os.environ.get("PYTHONPATH", "")])
    single = dict.fromkeys(THREADS, "1")  # of Snakemake itself; a step follows its rule's threads
    lock = {} if options.lock is None else {VARIABLE: str(options.lock.fileno())}
    return {**os.environ, **single, **lock, "PYTHONPATH": path.rstrip(os.pathsep)}


def _logged(options: Options, log: Path) -> list[str]:
    """Words that make Snakemake report its events to us, and to the loggers that were asked for."""
    names = dict.fromkeys([LOGGER, *(options.loggers or loggers(options.profile))])
    return [f"--logger-{LOGGER}-events", str(events_of(log)), "--logger", *names]


def _handed(options: Options) -> tuple[int, ...]:
    """Open files that Snakemake inherits: the lock of the results, which it then holds, too."""
    return () if options.lock is None else (options.lock.fileno(),)


def _watched(options: Options, log: Path, start: float) -> int:
    """Run the workflow under a live line; Ctrl-C and SIGTERM reach every child."""
    command = _snakemake(options, *options.wanted, *_logged(options, log))
    line, shown, written, events = Line(), set[str](), Growing(log), RunEvents(events_of(log))
    is_slurm = executor(options.profile) == "slurm"
    lost = LostJobs(options.directory / ".snakemake" / "incomplete")
    jobs = ClusterJobs(options.directory / ".snakemake")
    with children.stop_signals() as stopped:
        child = children.start(command, log, _environment(options), _handed(options))
        while child.poll() is None:
            if stopped:
                line.clear()
                print("Stopping: what is finished is kept, `make run` goes on from there.")
                _stop(child, options, stopped, jobs)
                return 130
            _print_notes(written.look(), shown, line)
            work = read_work(options.results / "store", start)
            line.show([str(events.look()), str(work), duration(time.time() - start)])
            if is_slurm and (numbers := lost.look(time.monotonic())):
                line.clear()
                print(f"Slurm has lost job {', '.join(numbers)}: what it was to do is begun again.")
                child.kill()  # without a word to its other jobs: they go on and are waited for
                child.wait()
                return _LOST
            with suppress(subprocess.TimeoutExpired):
                child.wait(1.0)
        line.clear()
    _print_notes(written.look(), shown, line)
    return 130 if stopped else child.returncode


def _stop(
    child: subprocess.Popen[bytes], options: Options, stopped: Sequence[int], jobs: ClusterJobs
) -> None:
    """End Snakemake, and cancel the jobs that a batch system still has then."""
    if not executor(options.profile):
        children.stop(child, children.GRACE_S, stopped)
        return
    print("The jobs of the batch system are cancelled; Ctrl-C again leaves them as they are.")
    known = len(stopped)
    children.stop(child, children.CLUSTER_GRACE_S, stopped)
    if len(stopped) == known:
        jobs.cancel()


def _print_notes(lines: Sequence[str], shown: set[str], line: Line) -> None:
    """Print, once each, what our own jobs say: what cannot be computed, or is waited for."""
    new = [text for text in lines if text.startswith((CANNOT, WAITING)) and text not in shown]
    if new:
        line.clear()
        print("\n".join(new), flush=True)
        shown.update(new)


def _new_log(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("run-*.log"))[: -KEPT_LOGS + 1]:
        old.unlink()
        events_of(old).unlink(missing_ok=True)
    path = folder / f"run-{time.strftime('%Y%m%d-%H%M%S')}.log"
    path.touch()
    events_of(path).touch()
    return path


def _report(options: Options, path: Path, log: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(".report.part.html")
    command = _snakemake(options, "--report", str(draft), *options.wanted)
    with children.stop_signals() as stopped:
        child = children.start(command, log, _environment(options), _handed(options))
        while child.poll() is None and not stopped:
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.2)
        if stopped:
            children.stop(child, children.GRACE_S, stopped)
            return 130
    if child.returncode == 0:
        draft.replace(path)
    else:
        print("All tables and figures are made, but the report is not.", file=sys.stderr)
    return child.returncode


def _summary(
    options: Options, code: int, steps: Steps, log: Path, begin: int, seconds: float
) -> None:
    """Say what was made; or what failed, from the steps or the log from byte `begin` on."""
    if code == 0:
        print("\n".join(outcome.done(steps.done, options.results, seconds)))
    elif code != 130:
        written = log.read_bytes()[begin:]
        for failure in outcome.failures(Steps() if begin else steps, written, options.directory):
            print(failure, file=sys.stderr)
        if sentence := no_room(options.results):
            print(sentence, file=sys.stderr)
        where = outcome.short(log)
        print(f"Not everything was made; the full log is in {where}.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
