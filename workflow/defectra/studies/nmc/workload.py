"""What each chunk of the plan will take, kept for the run that the plan belongs to.

The plan is weighed once for each plan, archive and table of costs, and kept in
``results/plan/costs.json``; a run that finds it does not read a table. Resources are no trigger
of Snakemake: other numbers rerun nothing. ``defectra plan`` prints them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from defectra.campaign.costs import load
from defectra.campaign.loads import Asking, Load, describe
from defectra.core.config import Config
from defectra.core.paths import PROJECT
from defectra.studies.nmc.computable import journal_cells, why_no_engine, why_no_relaxation
from defectra.studies.nmc.scale import Scale


class Plan(Protocol):
    """Where the manifests are, and whether what is worked out may be kept beside them."""

    @property
    def folder(self) -> Path:
        """Folder of the manifests."""

    @property
    def is_written(self) -> bool:
        """Whether this process may write there."""


@dataclass(frozen=True)
class Written:
    """The plan in a folder that this process may write to."""

    folder: Path
    is_written: bool = True


def in_job_arrays(workflow: Any) -> bool:
    """Whether jobs of a rule are tasks of one job array, which share their limits (Slurm)."""
    return bool(getattr(workflow.executor_settings, "array_jobs", None))


class Workload(Asking[Load]):
    """Loads of all chunks of a plan, read or worked out when they are first asked for.

    Parameters
    ----------
    plan
        The plan that is weighed.
    settings
        JSON of the worker's settings (:func:`defectra.campaign.parameters.worker_settings`).
    archive
        Folder of the calculations done earlier.
    costs
        Table of :mod:`defectra.campaign.costs`.
    code
        Fingerprint of what works the loads out.
    store
        Folder of the journals: cells that were relaxed in an earlier run are there.
    are_alike
        Tells whether all chunks ask for as much as the longest and the largest: tasks of a job
        array share the limits of its first (Slurm plugin 2.8).
    """

    def __init__(
        self,
        plan: Plan,
        settings: str,
        archive: Path,
        costs: Path,
        code: str = "",
        store: Path = Path("results/store"),
        are_alike: Callable[[], bool] = lambda: False,
    ) -> None:
        self.store, self._are_alike = store, are_alike
        self.plan = plan
        self.settings: dict[str, Any] = json.loads(settings)
        self.archive = archive
        self.costs = costs
        self.code = code
        self._loads: dict[str, Load] = {}

    def _asked(self, chunk: str) -> Iterable[Load]:
        """Loads whose largest a chunk asks for."""
        return [self[chunk], *(self.all().values() if self._are_alike() else ())]

    def __getitem__(self, chunk: str) -> Load:
        if not self._loads:
            self._loads = self._read() or self._weigh()
        return self._loads.get(chunk, Load())

    def all(self) -> dict[str, Load]:
        """Loads by chunk."""
        self[""]
        return self._loads

    def _read(self) -> dict[str, Load]:
        try:
            data = json.loads((self.plan.folder / "costs.json").read_text(encoding="utf-8"))
            if data["digest"] != self._digest():
                return {}
            return {
                name: Load(**{**row, "unmeasured": tuple(row["unmeasured"])})
                for name, row in data["chunks"].items()
            }
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _digest(self) -> str:
        parts = sorted(path.name for path in self.archive.glob("*/part-*.parquet"))
        state = (self.plan.folder / "state.json").read_text(encoding="utf-8")
        digest = json.loads(state)["digest"]
        known = [digest, self.costs.read_text(encoding="utf-8"), *parts, *self._unable()]
        text = "|".join([json.dumps(self.settings, sort_keys=True), self.code, *known])
        return hashlib.sha256(text.encode()).hexdigest()

    def _unable(self) -> tuple[str, str]:
        """Why neither the engine nor a relaxation can run here; empty if it can."""
        return why_no_engine(self.settings["engine"]), why_no_relaxation(
            self.settings["live_geometries"]
        )

    def _weigh(self) -> dict[str, Load]:
        from defectra.core.store import write_bytes

        names = json.loads((self.plan.folder / "state.json").read_text(encoding="utf-8"))["chunks"]
        scale = Scale(self.settings, load(self.costs), self.archive, *self._unable())
        out = {name: self._weigh_chunk(name, scale) for name in names}
        if any(found.impossible for found in out.values()):
            scale.relaxed |= set(journal_cells(self.store))
            out = {name: self._weigh_chunk(name, scale) for name in names}
        rows = {name: asdict(found) for name, found in out.items()}
        text = json.dumps({"digest": self._digest(), "chunks": rows}, indent=1)
        if self.plan.is_written:
            write_bytes(self.plan.folder / "costs.json", text.encode())
        return out

    def _weigh_chunk(self, name: str, scale: Scale) -> Load:
        from defectra.core.records import STRUCTURES, TASKS
        from defectra.core.store import read_table

        columns = ["structure_id", "family", "species"]
        folder = self.plan.folder / name
        structures = read_table(folder / "structures.parquet", STRUCTURES, columns)
        return scale.weigh(structures, read_table(folder / "tasks.parquet", TASKS))


def cost_table(config: Config, results: Path, costs: Path, minutes: float) -> str:
    """What each chunk of the plan lacks, what that costs, and what cannot be computed.

    Parameters
    ----------
    results
        Folder of what was computed before.
    costs
        Table of :mod:`defectra.campaign.costs`.
    minutes
        Wanted length of a job.
    """
    from defectra.campaign.parameters import worker_settings
    from defectra.campaign.plan import code_of_plan
    from defectra.campaign.planned import Planned
    from defectra.core.fingerprint import fingerprint
    from defectra.core.store import Archive

    archive = PROJECT / config.archive
    plan = Planned(config, results, Archive(archive), lambda: False, code_of_plan())
    settings, code = worker_settings(config, limits=True), fingerprint(__name__)
    loads = Workload(plan, settings, archive, costs, code, results / "store").all()
    return describe(loads, config.nmc.shards, minutes)
