"""Hosts and charged cells as tables: what archive and journals hold; a sample computed anew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from defectra.campaign.complete import computed
from defectra.campaign.engine import engine_named
from defectra.campaign.ledger import Engines, Ledger
from defectra.core.errors import EngineError, TableError
from defectra.core.records import Status
from defectra.core.store import Archive
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.charged_cells import HOST
from defectra.studies.levels.inputs import DefectSet, read_sets
from defectra.studies.levels.requests import (
    REQUESTS,
    Properties,
    Protocols,
    set_families,
    typed,
)
from defectra.studies.levels.sets import CORRECTIONS, Tables, hosts_by_name, level_rows
from defectra.studies.levels.settings import ComputedSets
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS

Row = dict[str, Any]

DRIFT_COLUMNS = [
    *("host", "site", "impurity", "q_from", "q_to", "archived_eV", "now_eV", "difference_eV"),
    *("cpu_s", "engine_version", "status", "message"),
]


def gpaw_version() -> str:
    """Version of GPAW, empty if there is none.

    A parameter of the rules, so that its coming and going is seen.
    """
    return gpaw.version()


def own_rows(ledger: Ledger) -> tuple[list[Row], list[Row]]:
    """Rows of hosts and of cells that the journals hold as finished."""
    hosts: list[Row] = []
    cells: list[Row] = []
    for found in ledger.records().values():
        if ledger.engines("gpaw_levels").finished(found.row, found.files):
            kind, row = typed(found)
            (hosts if kind == HOST else cells).append(row)
    return hosts, cells


def tables_of(ledger: Ledger, archive: Archive, ratios: Mapping[str, float]) -> Tables:
    """What archive and journals know together; the journals win.

    Parameters
    ----------
    ratios
        Static over electronic dielectric constant, by host.
    """
    hosts, cells = own_rows(ledger)
    return Tables(
        hosts_by_name([*archive.read(HOST_RUNS), *hosts]),
        {r["calculation_id"]: r for r in [*archive.read(CELL_RUNS), *cells]},
        {r["calculation_id"]: r for r in archive.read(CORRECTIONS)},
        ratios,
    )


def recompute(
    settings: ComputedSets,
    protocols: Protocols,
    properties: Properties,
    journal: Path,
    archived: Tables,
    engines: Engines = engine_named,
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
    own, message = Tables({}, {}, {}, archived.ratios), ""
    try:
        families = set_families(chosen, protocols, properties)
        ledger = computed(families, Ledger(REQUESTS.kinds, engines=engines), journal)
        found = tables_of(ledger, Archive(journal.parent / "no archive"), archived.ratios)
        own = replace(found, corrections={})
    except EngineError as error:
        message = str(error)
    before = level_rows(chosen, archived, protocols, 0.0, {})
    now = {_key(r): r for r in level_rows(chosen, own, protocols, 0.0, {})}
    cpu = sum(r["cpu_s"] for r in [*own.hosts.values(), *own.cells.values()])
    version = next((r["engine_version"] for r in own.cells.values()), "")
    return [compared(r, now.get(_key(r), {}), cpu, version, message) for r in before]


def sets_of_next(ranked: Sequence[Mapping[str, Any]], settings: ComputedSets) -> list[DefectSet]:
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
