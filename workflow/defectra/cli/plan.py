"""``defectra plan``: what would run, what it costs, and what cannot run, without writing."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from defectra.cli.help import command
from defectra.core.config import Config, of_command_line
from defectra.core.errors import ConfigError
from defectra.core.paths import PROJECT, need_checkout
from defectra.core.studies import study_names

_STATS = re.compile(r"^Job stats:\n(job +count\n-+ +-+\n(?:\w+ +\d+\n)+)", re.MULTILINE)
_NOTHING = "Nothing to be done"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = command(
        commands,
        "plan",
        "what would run, what it costs, what cannot run; nothing is written",
        "defectra plan",
        "defectra plan --config my.yaml --directory /scratch/mine",
        "defectra plan xanes --mirror /data/published",
    )
    parser.add_argument("targets", nargs="*", help="studies or files; default: those of the config")
    parser.add_argument("--config", type=Path, help="your file; default: as `make run`")
    parser.add_argument("--mirror", type=Path, help="folder of the published data")
    parser.add_argument("--directory", type=Path, default=PROJECT, help="holds results/")
    parser.add_argument("--minutes", type=float, default=20.0, help="wanted length of a job")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print costs, then jobs; 1 if something is missing that stops the run.

    Raises
    ------
    ConfigError
        If the config cannot be used, or a target is unknown.
    """
    from defectra.campaign.workload import costs_of

    need_checkout()
    config = _config(chosen)
    print("\n".join(costs_of(config, chosen.directory / "results", chosen.minutes)), flush=True)
    code, text = _dry_run(chosen)
    print(jobs(text) if code == 0 else _why_not(text, chosen.directory))
    return int(code != 0)


def _config(chosen: argparse.Namespace) -> Config:
    given: dict[str, object] = {"file": str(chosen.config.resolve())} if chosen.config else {}
    if asked := [name for name in chosen.targets if name in study_names()]:
        given["studies"] = asked
    if chosen.mirror and not chosen.mirror.is_dir():
        raise ConfigError(f"--mirror {chosen.mirror}: no such folder")
    mirror = {"mirror": str(chosen.mirror.resolve())} if chosen.mirror else {}
    return of_command_line({**given, **mirror}, [], Path.cwd())


def _dry_run(chosen: argparse.Namespace) -> tuple[int, str]:
    """Snakemake's own look at what is to do: exit code, and what it printed."""
    words = [sys.executable, "-m", "defectra.cli.launcher", "run", *chosen.targets]
    words += ["--directory", str(chosen.directory), "--dry-run", "--no-report"]
    words += ["--config", str(chosen.config)] if chosen.config else []
    words += ["--mirror", str(chosen.mirror)] if chosen.mirror else []
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def jobs(text: str) -> str:
    """The jobs that a dry run of Snakemake found, by rule; or that there is nothing to do."""
    if _NOTHING in text:
        return "Nothing to do: every file is there and up to date."
    found = _STATS.search(text)
    return "Jobs that would run, by rule:\n" + found.group(1).rstrip() if found else text.strip()


def _why_not(text: str, directory: Path) -> str:
    from defectra.cli.outcome import failures

    return "It cannot run as it stands.\n" + "\n".join(failures(text, directory))
