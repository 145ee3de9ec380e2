"""``defectra plan``: what would run, what it costs, and what cannot run, without writing."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from defectra.campaign.run_events import Steps, events_of, read_steps
from defectra.cli.doctor import SHARED
from defectra.cli.help import command
from defectra.core.config import Config, of_command_line
from defectra.core.errors import ConfigError, meant
from defectra.core.number_types import number_above_0
from defectra.core.paths import PROJECT, need_checkout
from defectra.core.studies import study_names


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = command(
        commands,
        "plan",
        "what would run, its cost, and what cannot run; writes nothing",
        "defectra plan",
        "defectra plan --config my.yaml --directory /scratch/mine",
        "defectra plan xanes --mirror /data/published",
    )
    parser.add_argument(
        "targets", nargs="*", help="studies or files; default: the studies of the config"
    )
    parser.add_argument("--config", type=Path, help="your config file; default: as `make run`")
    parser.add_argument("--mirror", type=Path, help="folder of the published data")
    parser.add_argument(
        "--directory", type=Path, default=PROJECT, help="folder that contains results/"
    )
    parser.add_argument(
        "--minutes", type=number_above_0, default=20.0, help="wanted length of a job, minutes"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print costs, then jobs; 1 if something is missing that stops the run.

    Raises
    ------
    ConfigError
        If the config cannot be used, or a target is unknown.
    """
    need_checkout()
    for target in chosen.targets:
        _check_target(target)
    config = _config(chosen)
    print("\n".join(costs(config, chosen.directory / "results", chosen.minutes)), flush=True)
    code, steps, text = _dry_run(chosen)
    print(jobs(steps) if code == 0 else _why_not(steps, text, chosen.directory))
    return int(code != 0)


def costs(config: Config, results: Path, minutes: float) -> list[str]:
    """What the studies of a config lack, what that costs, and what cannot be computed.

    Parameters
    ----------
    results
        Folder of what was computed before.
    minutes
        Wanted length of a job.
    """
    from defectra.campaign.studies import studies_with_requests
    from defectra.campaign.study_load import chunk_load, load_sentence
    from defectra.studies.nmc.workload import cost_table

    laws = PROJECT / "workflow" / "costs.yaml"
    lines = [cost_table(config, results, laws, minutes)] if "nmc" in config.studies else []
    others = [s for s in studies_with_requests() if s != "nmc" and s in config.studies]
    loads = ((s, chunk_load(config, s, None, results, laws)) for s in others)
    lines += [load_sentence(config, study, load) for study, load in loads]
    return lines


def _check_target(target: str) -> None:
    """Refuse a word that is neither a target nor a file.

    Raises
    ------
    ConfigError
        With the nearest target.
    """
    known = [*study_names(), *SHARED]
    if target not in known and "/" not in target and "." not in target:
        near = meant(target, known) or "."
        raise ConfigError(f"no target {target}{near} `defectra targets` lists all")


def _config(chosen: argparse.Namespace) -> Config:
    given: dict[str, object] = {"file": str(chosen.config.resolve())} if chosen.config else {}
    if asked := [name for name in dict.fromkeys(chosen.targets) if name in study_names()]:
        given["studies"] = asked
    if chosen.mirror and not chosen.mirror.is_dir():
        raise ConfigError(f"--mirror {chosen.mirror}: no such folder")
    mirror = {"mirror": str(chosen.mirror.resolve())} if chosen.mirror else {}
    return of_command_line({**given, **mirror}, [], Path.cwd(), run=chosen.directory.resolve())


def _dry_run(chosen: argparse.Namespace) -> tuple[int, Steps, bytes]:
    """Snakemake's own look at what is to do: exit code, what it reported, what it printed."""
    words = [sys.executable, "-m", "defectra.cli.launcher", "run", *chosen.targets]
    words += ["--dry-run", "--no-report"]
    words += ["--config", str(chosen.config)] if chosen.config else []
    words += ["--mirror", str(chosen.mirror)] if chosen.mirror else []
    with tempfile.TemporaryDirectory() as folder:
        # Snakemake would make a folder that is not there
        where = chosen.directory if chosen.directory.is_dir() else Path(folder)
        words += ["--directory", str(where)]
        log = Path(folder) / "plan.log"
        words += ["--logger", "defectra", "--logger-defectra-events", str(events_of(log))]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, read_steps(log), done.stdout


def jobs(steps: Steps) -> str:
    """The jobs that a dry run of Snakemake found, by rule; or that there is nothing to do."""
    if steps.is_up_to_date:
        return "Nothing to do: every file is there and up to date."
    counts = {**steps.jobs, "total": steps.total}
    width = max(map(len, counts)) + 2
    lines = [f"{rule:{width}}{count:7}" for rule, count in counts.items()]
    return "\n".join(["Jobs that would run, by rule:", *lines])


def _why_not(steps: Steps, text: bytes, directory: Path) -> str:
    from defectra.cli.outcome import failures

    return "It cannot run as it stands.\n" + "\n".join(failures(steps, text, directory))
