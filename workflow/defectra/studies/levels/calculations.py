"""What one run of the workflow does about the live set: recompute, complete, feed back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.errors import EngineError, TableError
from defectra.core.records import Status
from defectra.core.store import Archive
from defectra.engines.gpaw import run as gpaw
from defectra.studies.levels import campaign
from defectra.studies.levels import export as live_archive
from defectra.studies.levels.hosts import static_ratios
from defectra.studies.levels.requests import DefectSet, by_protocol, protocol_of, read_sets
from defectra.studies.levels.sets import Protocols, Tables, hosts_by_name, level_rows
from defectra.studies.levels.settings import Live
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS, cell_row, host_row, records_of

Row = dict[str, Any]
Properties = Mapping[str, Mapping[str, float]]

DRIFT_COLUMNS = [
    *("host", "site", "impurity", "q_from", "q_to", "archived_eV", "now_eV", "difference_eV"),
    *("cpu_s", "engine_version", "status", "message"),
]


def gpaw_version() -> str:
    """Version of GPAW, empty if there is none.

    A parameter of the rules, so that its coming and going is seen.
    """
    try:
        return gpaw.engine_version()
    except EngineError:
        return ""


def recompute(
    settings: Live,
    protocols: Protocols,
    properties: Properties,
    journal: Path,
    archived: Tables,
) -> list[Row]:
    """Compute the named sets anew, hosts included, past the archive; rows of the comparison.

    Bare levels are compared (image charges need a library that may not be there), not energies:
    the lattice constant is fitted anew as well. A level that either side lacks is a ``failed`` row
    with the reason; without GPAW all are.

    Raises
    ------
    TableError
        If a name is not among the sets.
    """
    known = {s.name: s for s in read_sets(settings.sets)}
    unknown = sorted(set(settings.recompute) - set(known))
    if unknown:
        raise TableError(f"levels.live.recompute: no set {unknown[0]!r} in {settings.sets}")
    chosen = [known[name] for name in settings.recompute]
    message = ""
    try:
        own = compute(chosen, protocols, properties, journal, {})
    except EngineError as error:
        own, message = Tables({}, {}, {}), str(error)
    before = level_rows(chosen, archived, protocols, 0.0, {})
    now = {_key(r): r for r in level_rows(chosen, own, protocols, 0.0, {})}
    cpu = sum(r["cpu_s"] for r in [*own.hosts.values(), *own.cells.values()])
    version = next((r["engine_version"] for r in own.cells.values()), "")
    return [compared(r, now.get(_key(r), {}), cpu, version, message) for r in before]


def compute(
    sets: Sequence[DefectSet],
    protocols: Protocols,
    properties: Properties,
    journal: Path,
    archived: Mapping[str, Any],
) -> Tables:
    """Complete sets in a journal; what journal and `archived` then hold.

    Raises
    ------
    EngineError
        If something is to be computed and there is no GPAW.
    """
    for some in by_protocol(sets).values():
        protocol = protocol_of(some[0], protocols)
        names = list(dict.fromkeys(s.host for s in some))
        hosts = campaign.host_requests(names, properties, protocol)
        for line in campaign.run(hosts, some, protocol, journal, archived):
            print(line, flush=True)
    found = {**archived, **campaign.known(journal)}.values()
    host_rows = [_as_row(r, host_row) for r in found if r["request"]["kind"] == "host"]
    cell_rows = [_as_row(r, cell_row) for r in found if r["request"]["kind"] == "run"]
    cells = {r["calculation_id"]: r for r in cell_rows}
    return Tables(hosts_by_name(host_rows), cells, {}, static_ratios(properties))


def _as_row(record: Mapping[str, Any], make: Any) -> Row:
    """A journal record as a row; what came from an archive is one already."""
    return dict(record) if "calculation_id" in record else make(record)


def archive_records(root: str | Path) -> dict[str, Row]:
    """Everything an archive of the live set holds, by id, as a campaign takes it."""
    archive = Archive(root)
    return records_of([*archive.read(HOST_RUNS), *archive.read(CELL_RUNS)])


def tables(root: str | Path, journal: Path, properties: Properties) -> Tables:
    """Archive and journal together."""
    return live_archive.merged(Archive(root), journal, static_ratios(properties))


def sets_of_next(ranked: Sequence[Mapping[str, Any]], settings: Live) -> list[DefectSet]:
    """The first rows of ``next.csv`` as sets, falling charges."""
    out = []
    for row in ranked[: settings.next_runs]:
        charges = tuple(sorted((int(q) for q in str(row["charges"]).split()), reverse=True))
        out.append(
            DefectSet(
                row["host"],
                row["site"],
                row["impurity"],
                charges,
                settings.next_atoms,
                settings.protocol,
            )
        )
    return out


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[k] for k in ("host", "site", "impurity", "q_from", "q_to"))


def compared(before: Row, now: Row, cpu: float, version: str, message: str) -> Row:
    """Row of the comparison of one level; ``failed`` with a reason if a side lacks it."""
    levels = {"archive": before["bare_eV"], "this run": now.get("bare_eV", math.nan)}
    why = {"archive": before["message"], "this run": message or now.get("message", "")}
    lacking = [name for name, level in levels.items() if not math.isfinite(level)]
    reasons = "; ".join(f"no level in {name}: {why[name] or 'not computed'}" for name in lacking)
    return {
        **{k: before[k] for k in ("host", "site", "impurity", "q_from", "q_to")},
        "archived_eV": before["bare_eV"],
        "now_eV": levels["this run"],
        "difference_eV": math.nan if lacking else levels["this run"] - before["bare_eV"],
        "cpu_s": cpu,
        "engine_version": version,
        "status": str(Status.FAILED if lacking else Status.OK),
        "message": reasons or why["this run"],
    }
