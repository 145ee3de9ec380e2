"""What each chunk of the plan will take, and what a cluster is asked for.

The plan is weighed once for each plan, archive and table of costs, and kept in
``results/plan/costs.json``; a run that finds it does not read a table. Resources are no trigger
of Snakemake: other numbers rerun nothing. ``python -m defectra.campaign.workload`` prints them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from defectra.campaign.costs import ALONE, OTHER_EDGE, SAME_EDGE, Key, Law, load
from defectra.core.errors import DefectraError
from defectra.core.paths import PROJECT
from defectra.core.protocols import spectra_engines
from defectra.studies.nmc.computable import (
    Cell,
    cells_wanted,
    journal_cells,
    why_no_engine,
    why_no_relaxation,
)

Row = dict[str, Any]

SAFETY = 2.0  # asked for over expected time: slower nodes, second attempts, busy memory buses
START_MINUTES = 10  # a job's own start and its tables, on a slow file system
BASE_MB = 1000  # Snakemake (twice, as a job) and the worker without its engine
MEMORY_MARGIN = 1.25
SHOWN = 20
CANNOT = "Cannot be computed"  # begins a line of the log that the launcher shows
_SITE_KEY = ("structure_id", "geometry_protocol", "protocol", "element", "edge", "site")
_POTENTIALS = ("scf_radius", "scf_iterations", "mixing", "basis")


def doubled(amount: int) -> Callable[[Any, int], int]:
    """Resource of a rule: `amount` in the first attempt, twice as much in each one after it."""
    return lambda wildcards, attempt: amount * 2 ** (attempt - 1)  # noqa: ARG005


def need(mb: int, minutes: int) -> dict[str, Callable[[Any, int], int]]:
    """Memory and time of a rule, doubled with each attempt."""
    return {"mem_mb": doubled(mb), "runtime": doubled(minutes)}


@dataclass(frozen=True)
class Load:
    """One chunk: calculations, those to compute, what they take (one core, MB).

    `impossible` counts, by what would help, those that cannot be computed: not among `missing`.
    """

    tasks: int = 0
    missing: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    heaviest_s: float = 0.0
    memory_mb: float = 0.0
    unmeasured: tuple[str, ...] = ()
    impossible: Mapping[str, int] = field(default_factory=dict)

    @property
    def minutes(self) -> int:
        """Time limit of a first attempt."""
        return START_MINUTES + math.ceil(SAFETY * self.wall_s / 60)

    @property
    def megabytes(self) -> int:
        """Memory limit of a first attempt."""
        return math.ceil(BASE_MB + MEMORY_MARGIN * self.memory_mb)


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


class Workload:
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
    """

    def __init__(
        self,
        plan: Plan,
        settings: str,
        archive: Path,
        costs: Path,
        code: str = "",
        store: Path = Path("results/store"),
    ) -> None:
        self.store = store
        self.plan = plan
        self.settings: dict[str, Any] = json.loads(settings)
        self.archive = archive
        self.costs = costs
        self.code = code
        self._loads: dict[str, Load] = {}

    def runtime(self, chunk: str, attempt: int = 1) -> int:
        """Minutes to ask for, doubled with every attempt."""
        return int(self[chunk].minutes * 2 ** (attempt - 1))

    def memory(self, chunk: str, attempt: int = 1) -> int:
        """Megabytes to ask for, doubled with every attempt."""
        return int(self[chunk].megabytes * 2 ** (attempt - 1))

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


class Scale:
    """Weighs chunks: what is not in the archive, by the law of its kind.

    Parameters
    ----------
    settings
        The worker's settings.
    laws, archive
        Table of costs, and folder of the calculations done earlier.
    no_engine, no_relaxation
        Why calculations, or relaxations, cannot run here; empty if they can.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        laws: Mapping[Key, Law],
        archive: Path,
        no_engine: str = "",
        no_relaxation: str = "",
    ) -> None:
        self.protocols: dict[str, Any] = settings[spectra_engines()[settings["engine"]]]
        self.geometries: dict[str, Any] = settings["chgnet"]
        self.laws = laws
        self.no_engine, self.no_relaxation = no_engine, no_relaxation
        self.free = settings["engine"] == "synthetic"
        self._cells_of = cells_wanted(self.geometries)
        self.archived, self.relaxed = _archived(archive, self.protocols)

    def weigh(self, structures: Sequence[Row], tasks: Sequence[Row]) -> Load:
        """Load of one chunk; its tasks in the order of the worker."""
        atoms = {row["structure_id"]: len(row["species"]) for row in structures}
        family: dict[str, str] = {row["structure_id"]: row["family"] for row in structures}
        lacking = [t for t in tasks if tuple(t[k] for k in _SITE_KEY) not in self.archived]
        reasons = [self._why_not(task, family) for task in lacking]
        todo = [task for task, why in zip(lacking, reasons) if not why]
        work: list[tuple[str, Key]] = []
        if not self.free:
            work += [(t["structure_id"], self._key(t, kind)) for t, kind in self._kinds(todo)]
        work += [(name, ("chgnet", p, ALONE)) for name, p in self._cells(todo, family)]
        cpu = wall = memory = 0.0
        families: dict[str, float] = defaultdict(float)
        for name, key in work:
            seconds, longer, mb = self._cost(key, atoms.get(name, 0))
            cpu, wall, memory = cpu + seconds, wall + longer, max(memory, mb)
            families[family.get(name, name)] += longer
        unknown = tuple(sorted({" ".join(key[:2]) for _, key in work if key not in self.laws}))
        heaviest = max(families.values(), default=0.0)
        impossible = dict(Counter(filter(None, reasons)))
        return Load(len(tasks), len(todo), cpu, wall, heaviest, memory, unknown, impossible)

    def _why_not(self, task: Row, family: Mapping[str, str]) -> str:
        """Why a task that is not in the archive can not be computed here; empty if it can."""
        cell = self._cells_of(task, family)
        if cell and cell not in self.relaxed and self.no_relaxation:
            return self.no_relaxation
        return self.no_engine

    def _kinds(self, todo: Iterable[Row]) -> Iterable[tuple[Row, str]]:
        """Each task with the way it will come by its potentials."""
        site: tuple[Any, ...] = ()
        known: dict[tuple[Any, ...], str] = {}
        for task in todo:
            here = (task["structure_id"], task["geometry_protocol"], task["site_index"])
            if here != site:
                site, known = here, {}
            protocol = self.protocols[task["protocol"]]
            hole = protocol["core_hole"].get(task["element"], "")
            key = (*(protocol[k] for k in _POTENTIALS), "" if hole == "RPA" else task["edge"])
            first = known.setdefault(key, "")
            if not first:
                known[key] = task["edge"]
                yield task, ALONE
            else:
                yield task, SAME_EDGE if first == task["edge"] else OTHER_EDGE

    def _cells(self, todo: Iterable[Row], family: Mapping[str, str]) -> set[tuple[str, str]]:
        """Cells that will be relaxed: (structure, protocol)."""
        wanted = {self._cells_of(task, family) for task in todo} - self.relaxed - {None}
        return {cell[:2] for cell in wanted if cell}

    def _key(self, task: Row, kind: str) -> Key:
        key = (task["engine"], task["protocol"], kind)
        return key if key in self.laws else (task["engine"], task["protocol"], ALONE)

    def _cost(self, key: Key, atoms: int) -> tuple[float, float, float]:
        """CPU seconds, wall seconds, megabytes; unmeasured: cost not known, limit asked for."""
        law = self.laws.get(key)
        if law is not None:
            seconds = law.cpu(atoms or 36)
            return seconds, seconds * law.wall, law.memory_mb
        limit = float(self.protocols.get(key[1], {}).get("timeout_s", 0.0))
        return 0.0, limit, max(known.memory_mb for known in self.laws.values())


def _archived(root: Path, protocols: Mapping[str, Any]) -> tuple[set[tuple[Any, ...]], set[Cell]]:
    """Places of archived calculations that the settings of today would find again, and cells.

    Ids are not known before geometries are, so sites are compared; that a protocol of the same
    name still means the same is seen by one id of each kind. A damaged archive counts as empty
    here: the job that reads it tells which part it is.
    """
    from defectra.core.records import CALCULATIONS, GEOMETRIES
    from defectra.core.store import Archive

    archive = Archive(root)
    try:
        rows, cells = archive.read(CALCULATIONS), archive.read(GEOMETRIES)
    except DefectraError:
        return set(), set()
    by_id = {cell["geometry_id"]: cell for cell in cells}
    kinds: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row["geometry_id"] in by_id and row["protocol"] in protocols:
            kinds[tuple(row[k] for k in _SITE_KEY[1:5])].append(row)
    good = [k for k, found in kinds.items() if _still(found[0], by_id, protocols)]
    keys = {tuple(row[k] for k in _SITE_KEY) for kind in good for row in kinds[kind]}
    return keys, {(c["structure_id"], c["protocol"], c["settings"]) for c in cells}


def _still(row: Row, cells: Mapping[str, Row], protocols: Mapping[str, Any]) -> bool:
    """Whether the settings of today give this archived calculation its name."""
    from defectra.campaign.engine import engine_named
    from defectra.core.protocols import protocols_model

    cell = cells[row["geometry_id"]]
    where = [k for k, label in enumerate(cell["site_labels"]) if label == row["site"]]
    if not where:
        return False
    table = spectra_engines()[row["engine"]]
    known = getattr(protocols_model()(**{table: dict(protocols)}), table)
    engine: Any = engine_named(row["engine"])
    asked = (row["protocol"], known[row["protocol"]])
    request = engine.site(cell, where[0]).request(row["edge"], asked)
    return bool(request.calculation_id == row["calculation_id"])


def describe(loads: Mapping[str, Load], shards: int, minutes: float) -> str:
    """Table of the chunks, and the number of shards for jobs of about `minutes`."""
    head = f"{'chunk':12}{'calculations':>13}{'to compute':>11}{'CPU h':>8}{'minutes':>9}"
    lines = [head + f"{'limit min':>11}{'limit MB':>10}"]
    for name, x in sorted(loads.items(), key=lambda item: -item[1].wall_s)[:SHOWN]:
        text = f"{name:12}{x.tasks:13}{x.missing:11}{x.cpu_s / 3600:8.2f}{x.wall_s / 60:9.1f}"
        lines.append(f"{text}{x.minutes:11}{x.megabytes:10}")
    if len(loads) > SHOWN:
        lines.append(f"... and {len(loads) - SHOWN} lighter ones")
    total = sum(x.wall_s for x in loads.values()) / 60
    heaviest = max((x.heaviest_s for x in loads.values()), default=0.0) / 60
    missing, cpu = sum(x.missing for x in loads.values()), sum(x.cpu_s for x in loads.values())
    lines.append(f"In all {missing} calculations to compute, {cpu / 3600:.2f} CPU hours.")
    unknown = sorted({n for x in loads.values() for n in x.unmeasured})
    lines += [
        f"Nothing was measured for {n}: its cost is not known and not counted." for n in unknown
    ]
    lines += impossible(loads)
    if missing:
        number = max(1, round(total / minutes))
        lines.append(
            f"For jobs of about {minutes:g} minutes: nmc.shards: {number} (now {shards}); "
            f"the heaviest family, which stays together, takes {heaviest:.1f} minutes. "
            "Choose before the campaign begins: other shards are other chunks."
        )
    return "\n".join(lines)


def impossible(loads: Mapping[str, Load]) -> list[str]:
    """Sentences for people: how many calculations cannot be computed, and what would help."""
    reasons: Counter[str] = Counter()
    for each in loads.values():
        reasons.update(each.impossible)
    total = sum(each.tasks for each in loads.values())
    return [f"{CANNOT}: {n} of {total} calculations ({why})." for why, n in reasons.items()]


def main() -> int:
    """Print what the chunks of a campaign will take."""
    from defectra.campaign.parameters import worker_settings
    from defectra.campaign.planned import Planned
    from defectra.campaign.studies import studies_with_requests
    from defectra.campaign.study_load import chunk_load, load_sentence
    from defectra.core.archive_paths import archive_folder
    from defectra.core.config import of_command_line
    from defectra.core.fingerprint import fingerprint
    from defectra.core.store import Archive

    parser = argparse.ArgumentParser(
        prog="python -m defectra.campaign.workload", description=main.__doc__
    )
    parser.add_argument("--config", type=Path)
    parser.add_argument("--directory", type=Path, default=PROJECT, help="holds results/")
    parser.add_argument("--minutes", type=float, default=20.0, help="wanted length of a job")
    args = parser.parse_args()
    try:
        named = {"file": args.config} if args.config else {}
        config = of_command_line(named, [], Path.cwd())
        archive = Path(args.directory, archive_folder(config, PROJECT, args.directory.resolve()))
        code = fingerprint("defectra.campaign.plan")
        plan = Planned(config, args.directory / "results", Archive(archive), lambda: False, code)
        settings, costs = worker_settings(config), PROJECT / "workflow" / "costs.yaml"
        store = args.directory / "results" / "store"
        code = fingerprint("defectra.campaign.workload")
        loads = Workload(plan, settings, archive, costs, code, store).all()
    except DefectraError as error:
        print(error, file=sys.stderr)
        return 2
    print(describe(loads, config.nmc.shards, args.minutes))
    results = args.directory / "results"
    for study in studies_with_requests():
        if study != "nmc" and study in config.studies:
            print(load_sentence(config, study, chunk_load(config, study, None, results, costs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
