"""Rungs of the fidelity ladder: the same sites in every engine and protocol, kept in an archive.

``python -m defectra.studies.xanes.rungs`` computes what the archive lacks; stop it at any time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from defectra.campaign.worker import is_archived
from defectra.core.errors import DefectraError, EngineError
from defectra.core.protocols import Protocols
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, Status
from defectra.core.store import Archive
from defectra.engines import verdict
from defectra.engines.node import Guard
from defectra.engines.single import SingleEngine, compute
from defectra.engines.sites import engine, protocol_of
from defectra.studies.xanes.settings import Ladder

Row = dict[str, Any]
Site = tuple[str, str, str]  # geometry, site, edge


def sites(archive: Archive) -> list[Site]:
    """Sites of which an archive holds a rung."""
    return sorted({(r["geometry_id"], r["site"], r["edge"]) for r in archive.read(CALCULATIONS)})


def missing(
    settings: Ladder, known: Protocols, archive: Archive, wanted: Sequence[Site], work: Path
) -> Iterator[tuple[Site, str, Row]]:
    """Compute rungs that `archive` lacks and add them; yields (site, rung, calculations row) each.

    A rung that fails, as GPAW where it is not installed, is told and left out; the machine's
    failures in a row end the work (:class:`defectra.engines.node.NodeError`).

    Parameters
    ----------
    wanted
        Sites; their geometries are in the archive.
    work
        Folder in which a killed run of GPAW goes on.
    """
    cells, guard = {g["geometry_id"]: g for g in archive.read(GEOMETRIES)}, Guard()
    for site in wanted:
        for rung in settings.rungs:
            cell = cells[site[0]]
            found = _compute(rung, site, cell, known, archive, work)
            if found is not None:
                yield site, rung, found
                if found["error_class"] != verdict.MACHINE + "engine_missing":  # not this node's
                    guard.see(found)


def _chosen(rung: str, site: Site, cell: Row, known: Protocols) -> tuple[SingleEngine, int, Any]:
    """Engine of a rung, number of the site, and the settings of the protocol as they are now."""
    name, protocol = rung.split()
    index = cell["site_labels"].index(site[1])
    return engine(name), index, protocol_of(name, protocol, cell["species"][index], known)


def _compute(
    rung: str, site: Site, cell: Row, known: Protocols, archive: Archive, work: Path
) -> Row | None:
    """One rung; None if the archive has it."""
    name, protocol = rung.split()
    chosen, index, settings = _chosen(rung, site, cell, known)
    asked = chosen.site(cell, index).identity(site[2], settings)
    if asked in {r["calculation_id"] for r in archive.read(CALCULATIONS, keep=is_archived)}:
        return None
    folder = work / f"{name}-{asked[:16]}"
    row, spectrum = compute(chosen, cell, index, site[2], (protocol, settings), folder)
    if spectrum is not None and is_archived(row):
        archive.add([spectrum], SPECTRA)
        archive.add([row], CALCULATIONS, is_archived)
    elif not is_archived(row):
        row |= {"error_class": verdict.machine_class(row["error_class"], row["message"])}
    return row


def collect(settings: Ladder, known: Protocols, work: Path) -> tuple[list[Row], list[Row]]:
    """Calculations and spectra of the ladder, as `live` asks: archived, completed, or all anew."""
    shipped = Archive(settings.archive)
    if settings.live == "no":
        return _of_now(settings, known, shipped), shipped.read(SPECTRA)
    own = Archive(work / "archive")
    for table in (GEOMETRIES,) if settings.live == "all" else (GEOMETRIES, SPECTRA, CALCULATIONS):
        own.add(shipped.read(table), table)
    for site, rung, row in missing(settings, known, own, sites(shipped), work):
        print(f"{' '.join(site)}: {rung}: {row['status']} {row['message']}", flush=True)
    return _of_now(settings, known, own), own.read(SPECTRA)


def _of_now(settings: Ladder, known: Protocols, archive: Archive) -> list[Row]:
    """Calculations; of a rung that is there several times the one of the protocols of now."""
    cells = {g["geometry_id"]: g for g in archive.read(GEOMETRIES)}
    rows = archive.read(CALCULATIONS)
    found: dict[tuple[Site, str], list[Row]] = {}
    for row in rows:
        site = (row["geometry_id"], row["site"], row["edge"])
        found.setdefault((site, f"{row['engine']} {row['protocol']}"), []).append(row)
    old = set()
    for (site, rung), several in found.items():
        if len(several) > 1 and rung in settings.rungs:
            cell = cells[site[0]]
            chosen, index, protocol = _chosen(rung, site, cell, known)
            now = chosen.site(cell, index).identity(site[2], protocol)
            old |= {r["calculation_id"] for r in several} - {now}
    return [r for r in rows if r["calculation_id"] not in old]


def main(arguments: Sequence[str] | None = None) -> int:
    """Add what is missing to the archive of the ladder itself."""
    from defectra.core.config import load

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--work", type=Path, default=Path("results/store/rungs"))
    chosen = parser.parse_args(arguments)
    config = load(chosen.config)
    archive = Archive(config.xanes.ladder.archive)
    failed = 0
    try:
        found = missing(config.xanes.ladder, config.protocols, archive, sites(archive), chosen.work)
        for site, rung, row in found:
            failed += row["status"] == Status.FAILED
            print(f"{' '.join(site)}: {rung}: {row['status']} {row['message']}", flush=True)
    except (DefectraError, EngineError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
