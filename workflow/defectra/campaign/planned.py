"""The plan as one call of Snakemake sees it: a run writes it, a reading command does not.

While the Snakefile is parsed, nothing separates a run from ``-n``, ``--summary`` or ``--report``:
Snakemake (9.27) names the executor after that, before it builds the graph of jobs. So parsing
writes nothing: a plan that does not stand in ``results/plan`` is drafted in a temporary folder.
When the graph asks for a file of it, the executor is known. A run takes the lock of the results
folder and installs the draft. A reading command is shown ``results/plan`` where that holds the same
rows, and the draft where not: there the name of the input differs, and with it the jobs that a
run would do are shown, as the run would rewrite just these files.
"""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from defectra.campaign import archived, kept_records, plan
from defectra.campaign.left_behind import wait_for_left_behind
from defectra.core.config import Config, config_model
from defectra.core.errors import StoreError, TableError
from defectra.core.results_lock import ResultsLock, is_handed_over, take
from defectra.core.store import Archive, write_bytes

CONFIG = "config.json"  # resolved, beside the plan: what the jobs of a cluster go by


class Planned:
    """The plan of a config, for the main process.

    Parameters
    ----------
    config, archive
        What the plan is made of, and which calculations were done earlier.
    results
        Folder that holds ``plan/``.
    executes
        Tells, once the graph of jobs is built, whether this call runs jobs.
    code
        Fingerprint of what makes the plan.
    """

    def __init__(
        self,
        config: Config,
        results: Path,
        archive: Archive,
        executes: Callable[[], bool],
        code: str = "",
    ) -> None:
        self.config, self.results, self.archive, self.code = config, results, archive, code
        self._executes = executes
        self._lock: ResultsLock | None = None
        self._settled = False
        self._draft: tempfile.TemporaryDirectory[str] | None = None
        self.chunks = self._standing() or self._make_draft()

    @property
    def folder(self) -> Path:
        """Where the manifests of this config are: ``results/plan``, or the draft."""
        root = self.results if self._draft is None else Path(self._draft.name)
        return root / "plan"

    @property
    def is_written(self) -> bool:
        """Whether this call is a run, which may write beside the plan."""
        return self._settled and self._executes()

    def path(self, chunk: str, name: str) -> str:
        """File `name` of a chunk, as an input of a rule."""
        self.settle()
        installed = self.results / "plan" / chunk / name
        drafted = self.folder / chunk / name
        is_installed = drafted == installed or _same(drafted, installed)
        return as_input(chunk, name) if is_installed else str(drafted)

    def may_write(self) -> bool:
        """Whether this call is a run; if it is, it holds the results folder from here on."""
        self.settle()
        return self.is_written

    def settle(self) -> None:
        """Take the lock and install the plan, if this call runs jobs.

        Raises
        ------
        SystemExit
            With one sentence, if another run is at work here.
        """
        if self._settled or not self._executes():
            return
        try:
            if not is_handed_over(self.results):
                self._lock = take(self.results)  # until this process ends
                atexit.register(self._lock.close)
        except StoreError as error:
            raise SystemExit(str(error)) from None
        wait_for_left_behind(Path(".snakemake"))
        self._install()
        self._settled = True
        keep = partial(_keep_records, self.results, Path(".snakemake").resolve(), Path().resolve())
        keep()  # of a run that was killed
        atexit.register(keep)

    def _standing(self) -> list[str]:
        """Chunks of ``results/plan``, if it is the plan of this config and this archive."""
        chunks = plan.standing(self.config, self.results / "plan", self.code) or []
        store = self.results / "store"
        return chunks if archived.stands(self.results, chunks, self.archive, store) else []

    def _make_draft(self) -> list[str]:
        self._draft = tempfile.TemporaryDirectory(prefix="defectra-plan-")
        root, there = Path(self._draft.name), self.results / "plan"
        if plan.standing(self.config, there, self.code):  # only the archive is another one
            shutil.copytree(there, root / "plan", dirs_exist_ok=True)
        chunks = plan.write_plan_apart(self.config, root, self.code)
        archived.write_archived(root, chunks, self.archive, self.results / "store")
        return chunks

    def _install(self) -> None:
        """Bring the draft to ``results/plan``; files with the same rows are left alone."""
        there = self.results / "plan"
        if not self._standing():
            if self._draft is None:  # another run was here since the Snakefile was parsed
                self._make_draft()
            # a plan without its state is none: a crash from here on leaves nothing half true
            (there / "state.json").unlink(missing_ok=True)
            files = [p for p in self.folder.rglob("*") if p.is_file() and p.name != "costs.json"]
            for path in sorted(files, key=lambda p: p == self.folder / "state.json"):
                target = there / path.relative_to(self.folder)
                if not _same(path, target):
                    write_bytes(target, path.read_bytes())
        if self._draft is not None:
            self._draft.cleanup()
            self._draft = None
        text = self.config.model_dump_json(indent=1).encode()
        if not (there / CONFIG).exists() or (there / CONFIG).read_bytes() != text:
            write_bytes(there / CONFIG, text)


class OfMain:
    """The plan that the main process installed, for the jobs that it sends to other processes."""

    is_written = False

    def __init__(self, results: Path) -> None:
        self.folder = results / "plan"
        state = (self.folder / "state.json").read_text(encoding="utf-8")
        self.chunks: list[str] = json.loads(state)["chunks"]
        text = (self.folder / CONFIG).read_text(encoding="utf-8")
        self.config = config_model().model_validate_json(text)

    def path(self, chunk: str, name: str) -> str:
        """File `name` of a chunk, as an input of a rule."""
        return as_input(chunk, name)

    def may_write(self) -> bool:
        """No: the main process has written all."""
        return False

    def settle(self) -> None:
        """Nothing: the main process has done it."""


def as_input(chunk: str, name: str) -> str:
    """A file of the plan as a rule names it: Snakemake puts the prefix of a module before it."""
    return f"results/plan/{chunk}/{name}"


def inputs(plan: Planned | OfMain) -> Callable[[str], Callable[[Any], str | list[str]]]:
    """Function that makes an input of a rule: one file of a chunk; without a wildcard, of all."""

    def planned(name: str) -> Callable[[Any], str | list[str]]:
        def of(wildcards: Any) -> str | list[str]:
            if "chunk" in wildcards.keys():  # noqa: SIM118  no mapping
                return plan.path(wildcards.chunk, name)
            return [plan.path(chunk, name) for chunk in plan.chunks]

        return of

    return planned


def _keep_records(results: Path, snakemake: Path, home: Path) -> None:
    """Copy Snakemake's records to the results; a run does not fail for it, but says so."""
    try:
        kept_records.keep(results, snakemake, home)
    except StoreError as error:
        print(f"Snakemake's records are not kept with the results: {error}", file=sys.stderr)


def _same(path: Path, other: Path) -> bool:
    """Whether two files hold the same: bytes, or rows that another release wrote otherwise."""
    if not other.exists():
        return False
    if path.read_bytes() == other.read_bytes():
        return True
    if path.suffix != ".parquet":
        return False
    from defectra.core.records import STRUCTURES, TASKS
    from defectra.core.store import read_table

    table = {t.name: t for t in (STRUCTURES, TASKS)}[path.stem]
    try:
        return bool(read_table(path, table) == read_table(other, table))
    except TableError:
        return False
