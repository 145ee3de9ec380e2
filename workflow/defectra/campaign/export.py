"""Export: what the journals of a study hold as finished becomes parts of its archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from defectra.campaign.complete import survey
from defectra.campaign.ledger import Ledger, Result
from defectra.campaign.request import Family, Request, Row, Waiting
from defectra.campaign.studies import archive_of, families_of, requests_of
from defectra.core.arrays import Load, has_arrays, write_part
from defectra.core.config import Config
from defectra.core.records import Origin, Table
from defectra.core.store import Archive


def own_results(families: Iterable[Family], ledger: Ledger) -> Iterable[tuple[Request, Result]]:
    """Finished calculations of the journals, each once, in the order of the chains."""
    seen: set[str] = set()
    for _, request in survey(families, ledger):
        if isinstance(request, Waiting) or request.calculation_id in seen:
            continue
        seen.add(request.calculation_id)
        result = ledger.result(request) if ledger.own(request) else None
        if result is not None and ledger.kinds[request.kind].exported(result.row):
            yield request, result


def export_rows(families: Iterable[Family], ledger: Ledger, archive: Archive) -> dict[str, int]:
    """Add finished calculations to an archive, one part for each table.

    Returns
    -------
    Number of new rows by the name of their table.
    """
    tables: dict[str, Table] = {}
    rows: dict[str, list[Row]] = {}
    loads: dict[str, Load] = {}
    for kind in ledger.kinds.values():  # a calculation comes after what it refers to
        for table in (*kind.beside, kind.table):
            tables[table.name], rows[table.name] = table, []
    for request, result in own_results(families, ledger):
        for name, row in result.beside.items():
            rows[name].append(_as_archive(row, tables[name]))
        table = ledger.kinds[request.kind].table
        rows[table.name].append(_as_archive(result.row, table))
        if result.arrays is not None:
            loads[request.calculation_id] = result.arrays
    keeps = {kind.table.name: partial(ledger.final, kind) for kind in ledger.kinds.values()}
    before = {name: len(archive.read(table)) for name, table in tables.items()}
    for name, table in tables.items():
        write = partial(write_part, loads=loads) if has_arrays(table) else None
        archive.add(rows[name], table, keeps.get(name), write)
    return {name: len(archive.read(table)) - before[name] for name, table in tables.items()}


def _as_archive(row: Row, table: Table) -> Row:
    return row | {"origin": str(Origin.ARCHIVE)} if "origin" in table.names else row


def export(study: str, config: Config, journals: Sequence[Path]) -> dict[str, int]:
    """Add to the archive of a study what journals hold; see :func:`export_rows`."""
    archive, kinds = archive_of(study, config), requests_of(study).kinds
    ledger = Ledger(kinds, archive, journals)
    counts = export_rows(families_of(study, config), ledger, archive)
    requests_of(study).derived(config, archive)
    return counts
