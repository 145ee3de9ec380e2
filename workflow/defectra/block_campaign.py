"""The NMC campaign by blocks: computed in the background, resumable, exported at any time.

``python -m defectra.block_campaign fill`` computes block after block of the seeded order into one
journal for each block; ``status`` tells what is there; ``export`` adds it to an archive. Several
workers may share the folder: a block that another one holds is passed over. What failed is a row.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from defectra.archive import finished, settings_of
from defectra.config import Config, load
from defectra.engines.worker import Chunk
from defectra.errors import BusyError, ConfigError, reports_errors
from defectra.records import CALCULATIONS, GEOMETRIES, SPECTRA, Origin
from defectra.store import Archive
from defectra.structures.nmc_blocks import Block, blocks, tasks

Row = dict[str, Any]


def chunk_of(config: Config, block: Block, work: Path, archive: Archive, live: bool) -> Chunk:
    """Chunk of one block, with its own journal."""
    rows = list({row["structure_id"]: row for row in block.rows.values()}.values())
    asked = tasks(block, config.nmc.blocks, config.nmc.engine)
    return Chunk(rows, asked, settings_of(config, live), journal_of(work, block), archive)


def journal_of(work: Path, block: Block) -> Path:
    """Journal of a block."""
    return work / f"block-{block.number:03d}.journal"


def drawn(config: Config) -> Iterator[Block]:
    """Blocks of a config, in their seeded order.

    Raises
    ------
    ConfigError
        If a protocol is unknown or a lithium content does not fit the cell.
    """
    study, known = config.nmc, config.protocols.feff
    for key in ("protocol", "converged"):
        name = getattr(study.blocks, key)
        if name not in known:
            raise ConfigError(
                f"nmc.blocks.{key}: no protocol {name!r}; allowed: {', '.join(known)}"
            )
    metals = study.structures.metals
    for x in study.blocks.lithium:
        for content in (x, x + study.blocks.step):
            if abs(content * metals - round(content * metals)) > 1e-6 or not 0 < content < 1 + 1e-6:
                raise ConfigError(
                    f"nmc.blocks.lithium: {x} with step {study.blocks.step} gives {content:g}, "
                    f"which does not fit {metals} lithium sites"
                )
    return blocks(study.blocks, study.structures.metals, config.seed)


def fill(config: Config, work: Path) -> Iterator[tuple[Block, int, int]]:
    """Compute block after block; yields (block, tasks so far, computed) after each task."""
    archive = Archive(config.archive)
    for block in drawn(config):
        try:
            chunk = chunk_of(config, block, work, archive, live=True)
            computed = 0
            for number, fresh in enumerate(chunk.complete(), 1):
                computed += fresh
                if fresh or number == len(chunk.tasks):
                    yield block, number, computed
        except BusyError:
            continue


def begun(config: Config, work: Path) -> Iterator[tuple[Block, Chunk]]:
    """Blocks that have a journal, with all that is in it."""
    archive = Archive(config.archive)
    for block in drawn(config):
        if journal_of(work, block).exists():
            yield block, chunk_of(config, block, work, archive, live=False)


def export(config: Config, work: Path, into: Path) -> dict[str, int]:
    """Add what the journals hold to the archive `into`; returns new rows by table.

    Only whole blocks are exported: half a block would not be balanced.
    """
    archive = Archive(into)
    new: dict[str, list[Row]] = {t.name: [] for t in (GEOMETRIES, SPECTRA, CALCULATIONS)}
    for _, chunk in begun(config, work):
        _, calculations, spectra = chunk.project()
        if not all(settled(row) for row in calculations):
            continue
        own = [row for row in calculations if finished(row)]
        names = {row["calculation_id"] for row in own}
        origin = {"origin": str(Origin.ARCHIVE)}
        found = chunk.geometries.rows.values()  # the cells of the parents among them
        known = [g for g in found if g["structure_id"] in chunk.structures and g["geometry_id"]]
        new["geometries"] += [g | origin for g in known]
        new["spectra"] += [s for s in spectra if s["calculation_id"] in names]
        new["calculations"] += [row | origin for row in own]
    counts = {}
    for table in (GEOMETRIES, SPECTRA, CALCULATIONS):  # a calculation comes after the others
        before = len(archive.read(table, [table.names[0]]))
        unique = {row[table.names[0]]: row for row in new[table.name]}
        archive.add(unique.values(), table)
        counts[table.name] = len(archive.read(table, [table.names[0]])) - before
    return counts


def settled(row: Row) -> bool:
    """Whether a task needs no more work: it was run, or its geometry cannot be had."""
    return finished(row) or row["error_class"] == "relaxation_failed"


def status(config: Config, work: Path) -> Iterator[str]:
    """One line for each block that was begun, and one of all."""
    whole: Counter[str] = Counter()
    cpu, done, structures, size = 0.0, 0, 0, 0
    for block, chunk in begun(config, work):
        _, calculations, _ = chunk.project()
        states = Counter(row["status"] if settled(row) else "open" for row in calculations)
        own = [g for g in chunk.geometries.rows.values() if g["structure_id"] in chunk.structures]
        seconds = sum(row["cpu_s"] for row in (*calculations, *own))
        whole.update(states)
        cpu += seconds
        done += not states["open"]
        structures += len(block.rows) * (not states["open"])
        size += journal_of(work, block).stat().st_size
        text = ", ".join(f"{n} {s}" for s, n in sorted(states.items()))
        first = block.table[0]
        yield (
            f"block {block.number:3d} {first['composition']} lithium {first['lithium']:.1f}: "
            f"{text}; {seconds:.0f} CPU s"
        )
    text = ", ".join(f"{n} {s}" for s, n in sorted(whole.items())) or "nothing yet"
    yield (
        f"{done} whole blocks, {structures} arms; {text}; {cpu / 3600:.2f} CPU h, "
        f"journals {size / 1e6:.1f} MB"
    )


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="The NMC campaign by blocks.")
    parser.add_argument("action", choices=["fill", "status", "export"])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--work", type=Path, default=Path("results/archive"))
    parser.add_argument("--into", type=Path, help="archive that export adds to")
    args = parser.parse_args()
    config = load(args.config)
    if args.action == "export":
        print(export(config, args.work, args.into or Path(config.archive)))
    elif args.action == "status":
        for text in status(config, args.work):
            print(text)
    else:
        start = time.time()
        for block, number, computed in fill(config, args.work):
            hours = (time.time() - start) / 3600
            print(
                f"{hours:7.3f} h  block {block.number}: task {number}, {computed} computed",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
