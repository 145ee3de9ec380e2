"""Weighs chunks of the plan: what is not in the archive, by the law of its kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.campaign.costs import ALONE, OTHER_EDGE, SAME_EDGE, Key, Law
from defectra.campaign.loads import Load
from defectra.core.errors import DefectraError
from defectra.core.protocols import spectra_engines
from defectra.studies.nmc.computable import Cell, cells_wanted

Row = dict[str, Any]

_SITE_KEY = ("structure_id", "geometry_protocol", "protocol", "element", "edge", "site")
_POTENTIALS = ("scf_radius", "scf_iterations", "mixing", "basis")


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
    here: the job that reads it states which part it is.
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
