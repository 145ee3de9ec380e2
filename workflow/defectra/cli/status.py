"""``defectra status``: what runs, how far it is, and what failed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from defectra.campaign.chunk_state import ChunkState, read_state
from defectra.campaign.progress import duration, read_work
from defectra.campaign.run_events import events_of, read_steps
from defectra.cli.help import command
from defectra.cli.outcome import failures
from defectra.core.errors import DefectraError
from defectra.core.paths import own_directory, why_no_folder
from defectra.core.results_lock import holder
from defectra.core.studies import study_names


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = command(
        commands,
        "status",
        "what is running, its progress, and what failed",
        "defectra status",
        "defectra status --directory /scratch/mine",
    )
    parser.add_argument(
        "--directory", type=Path, default=own_directory(), help="folder that contains results/"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print all that is known; 1 if a rule of the last run failed.

    Raises
    ------
    DefectraError
        If nothing was ever run here.
    """
    results = chosen.directory / "results"
    if not chosen.directory.is_dir():
        raise DefectraError(f"{chosen.directory}: {why_no_folder(chosen.directory)}")
    logs = sorted((results / "logs").glob("run-*.log"))
    states = dict(_states(results / "store"))
    if not logs and not states:
        raise DefectraError(f"{results}: nothing was run here; `make run`, or name --directory")
    process = holder(results)
    print(f"at work: process {process}" if process else "at work: nothing")
    failed = _of_log(logs[-1], chosen.directory, is_running=bool(process)) if logs else []
    print("\n".join([*_of_chunks(states), *_of_tables(results), *failed]))
    return int(bool(failed))


def _states(store: Path) -> Iterator[tuple[str, ChunkState]]:
    for path in sorted(store.glob("*.progress")):
        try:
            yield path.stem, read_state(path)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # its worker is just replacing it


def _of_log(log: Path, directory: Path, *, is_running: bool) -> list[str]:
    """Tell how far the last run came; its failures."""
    steps = read_steps(log)
    began = time.mktime(time.strptime(log.stem, "run-%Y%m%d-%H%M%S"))
    if not events_of(log).is_file() and not is_running:
        print(f"last run: {time.ctime(began)}: by an earlier version, its steps are not recorded")
        return []
    end = time.time() if is_running else log.stat().st_mtime
    is_whole = is_running or steps.is_up_to_date or 0 < steps.total == steps.done
    where = "nothing to do" if steps.is_up_to_date and not is_running else str(steps)
    where += "" if is_whole else ", stopped before its end"
    print(f"last run: {time.ctime(began)}, {duration(max(end - began, 0))}: {where}")
    work = str(read_work(directory / "results" / "store", began))
    if is_running and work:
        print(f"  {work}")
    return [] if is_whole else failures(steps, log.read_bytes(), directory)


def _of_chunks(states: dict[str, ChunkState]) -> list[str]:
    """A line for each study, and one for each chunk that is at work or not finished."""
    lines = []
    for study in sorted({name.rpartition("-")[0] for name in states}):
        own = {n: s for n, s in states.items() if n.rpartition("-")[0] == study}
        done, total = (sum(getattr(s, k) for s in own.values()) for k in ("done", "total"))
        cannot = sum(s.impossible for s in own.values())
        more = f", {cannot} cannot be computed here" if cannot else ""
        lines.append(f"{study}: {done} of {total} calculations in {len(own)} chunks{more}")
        lines += [f"  {n}: {s.done} of {s.total}" for n, s in own.items() if s.done < s.total]
    return lines


def _of_tables(results: Path) -> list[str]:
    """Calculations that failed, by kind."""
    from defectra.report.calculations import summary
    from defectra.report.of_run import OfRun

    _, kinds = summary(OfRun(results), study_names())
    return [f"{k['study']}: {k['count']} calculations failed: {k['error_class']}" for k in kinds]
