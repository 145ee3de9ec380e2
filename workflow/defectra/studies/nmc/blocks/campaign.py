"""The NMC campaign by blocks: computed in the background, resumable, exported at any time.

NMC: lithium nickel manganese cobalt oxide.
``python -m defectra.studies.nmc.blocks.campaign fill`` computes block after block of the seeded
order into one journal for each block; ``status`` says what is there; ``export`` adds it to an
archive. Several workers may share the folder: a block that another one holds is passed over.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from defectra.campaign.complete import Counts, complete, survey
from defectra.campaign.export import export_rows
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family, Item, Known, Request, Row, Waiting
from defectra.core.config import Config, load, own_or_shipped
from defectra.core.errors import BusyError, ConfigError, EngineError, reports_errors
from defectra.core.paths import PROJECT
from defectra.core.scratch import use_node_scratch
from defectra.core.store import Archive
from defectra.engines.relaxation import NO_GEOMETRY
from defectra.studies.nmc.blocks import images
from defectra.studies.nmc.blocks.design import Block, blocks, tasks
from defectra.studies.nmc.geometries import RELAXERS, Geometries
from defectra.studies.nmc.requests import KINDS, Settings, settings_of, task_families

SECOND_ARMS = ("pristine", "vacancy", "antisite")
OWN_CELL_ARMS = ("vacancy_own_cell", "pristine_volume")
CORE_HOLE = "gpaw_corehole"
CORE_HOLE_SITES = {"Li": 1, "O": 2}
BLOCKS_ARCHIVE = "nmc_blocks"  # below the archive


def journal_of(work: Path, block: Block) -> Path:
    """Journal of a block."""
    return work / f"block-{block.number:03d}.journal"


def block_settings(config: Config, engine: str, *, relax: bool = False) -> Settings:
    """Protocols of the blocks, with or without relaxations."""
    spec = config.nmc.blocks
    named = {"protocol": spec.protocol, "ladder": spec.converged, "engine": engine}
    study = config.nmc.model_copy(update=named)
    found = settings_of(config.model_copy(update={"nmc": study}), relax=relax)
    if spec.relaxer == "chgnet":
        return found
    return found.model_copy(update={spec.relaxer: dict(getattr(config.protocols, spec.relaxer))})


def second_relaxer(config: Config) -> Config:
    """The same blocks with cells of a second potential: pristine, vacancy and antisite alone."""
    changes = {"relaxer": "sevennet", "arms": list(SECOND_ARMS), "converged_every": 0}
    blocks = config.nmc.blocks.model_copy(update=changes)
    return config.model_copy(update={"nmc": config.nmc.model_copy(update={"blocks": blocks})})


def own_cells(config: Config) -> Config:
    """The same blocks with the cell of the vacancy relaxed, and the pristine one at its volume."""
    changes = {"arms": list(OWN_CELL_ARMS), "converged_every": 0}
    blocks = config.nmc.blocks.model_copy(update=changes)
    return config.model_copy(update={"nmc": config.nmc.model_copy(update={"blocks": blocks})})


def core_holes(config: Config) -> Config:
    """The same relaxed cells by a second code: Li K and O K with a core hole, three arms alone."""
    changes = {
        "arms": list(SECOND_ARMS),
        "edges": [f"{element} K" for element in CORE_HOLE_SITES],
        "sites": dict(CORE_HOLE_SITES),
        "protocol": "fast",
        "converged": "fast",
        "converged_every": 0,
    }
    study = {"engine": CORE_HOLE, "blocks": config.nmc.blocks.model_copy(update=changes)}
    return config.model_copy(update={"nmc": config.nmc.model_copy(update=study)})


def families_of_block(config: Config, block: Block) -> list[Family]:
    """What a block asks for: relaxed cells first, then spectra, structure after structure."""
    rows = list({row["structure_id"]: row for row in block.rows.values()}.values())
    engine = config.nmc.engine
    settings = block_settings(config, engine, relax=True)
    families = list(task_families(rows, tasks(block, config.nmc.blocks, engine), settings))
    if config.nmc.blocks.relaxer == "chgnet":
        return families
    return [_free_cells(block, settings), *families]


def _free_cells(block: Block, settings: Settings) -> Family:
    """Pristine arm and vacancy with cells that may change, by each potential."""
    arms = [block.rows[arm] for arm in ("pristine", "vacancy")]
    geometries = Geometries({r["structure_id"]: r for r in arms}, settings.relaxations, relax=True)

    def chain(known: Known) -> Iterator[Item]:
        for name in RELAXERS:
            for row in arms:
                yield from geometries.get(row["structure_id"], name, known)

    return Family(f"free cells of block {block.number}", chain, arms[0]["family"])


def drawn(config: Config) -> Iterator[Block]:
    """Blocks of a config, in their seeded order.

    Raises
    ------
    ConfigError
        If a protocol is unknown or a lithium content does not fit the cell.
    """
    study = config.nmc
    is_second_code = study.engine == CORE_HOLE
    known = config.protocols.gpaw_corehole if is_second_code else config.protocols.feff
    for key in ("protocol", "converged"):
        name = getattr(study.blocks, key)
        if name not in known:
            raise ConfigError(
                f"nmc.blocks.{key}: no protocol {name!r}; allowed: {', '.join(known)}"
            )
    if misfit := study.blocks.misfit(study.structures.metals):
        raise ConfigError(f"nmc.blocks.lithium: {misfit}")
    return blocks(study.blocks, study.structures.metals, config.seed)


def larger_cells(config: Config, block: Block) -> list[Family]:
    """A vacancy of the block in a cell of 80 atoms."""
    settings = block_settings(config, config.nmc.engine, relax=True)
    return list(images.families_of_block(block, config.nmc.blocks, settings))


@dataclass(frozen=True)
class Variant:
    """What is computed of the blocks.

    Attributes
    ----------
    families
        What a block asks for.
    source
        Archive below that of the config whose results need no computing; empty: that one itself.
    """

    families: Callable[[Config, Block], list[Family]] = families_of_block
    source: str = ""

    def archive(self, config: Config) -> Archive:
        """Results that need no computing."""
        return Archive(PROJECT / config.archive / self.source)


PLAIN = Variant(source=BLOCKS_ARCHIVE)
SECOND_RELAXER = Variant(source="nmc_sevennet")
OWN_CELLS = Variant(source="nmc_own_cells")
LARGER_CELLS = Variant(larger_cells, BLOCKS_ARCHIVE)


def fill(
    config: Config, work: Path, variant: Variant = PLAIN
) -> Iterator[tuple[Block, Request, Row]]:
    """Compute block after block; yields each calculation once it is durable.

    Raises
    ------
    EngineError
        ``engine_missing``, with the sentence that says how to get it.
    """
    archive = variant.archive(config)
    for block in drawn(config):
        journal, counts = journal_of(work, block), Counts()
        ledger = Ledger(KINDS, archive, [journal])
        try:
            with ledger.writing(journal):
                for request, row in complete(variant.families(config, block), ledger, work, counts):
                    yield block, request, row
        except BusyError:
            continue
        if counts.lacking:
            raise EngineError("engine_missing", next(iter(counts.lacking)))


@dataclass(frozen=True)
class Begun:
    """A block that has a journal.

    Attributes
    ----------
    ledger
        What its journal and the archive hold.
    items
        Everything that it asks for.
    """

    block: Block
    families: list[Family]
    ledger: Ledger
    items: list[Request | Waiting]

    @property
    def whole(self) -> bool:
        """Whether nothing of it needs more work."""
        return all(settled(item, self.ledger) for item in self.items)


def begun(config: Config, work: Path, variant: Variant = PLAIN) -> Iterator[Begun]:
    """Blocks that have a journal, with all that is in it."""
    archive = variant.archive(config)
    for block in drawn(config):
        journal = journal_of(work, block)
        if journal.exists():
            ledger, families = Ledger(KINDS, archive, [journal]), variant.families(config, block)
            found = [item for _, item in survey(families, ledger)]
            unique = {getattr(i, "calculation_id", "") or i.about["calculation_id"]: i
                      for i in found}  # fmt: skip
            yield Begun(block, families, ledger, list(unique.values()))


def settled(item: Request | Waiting, ledger: Ledger) -> bool:
    """Whether it needs no more work: it was run, or its geometry cannot be had."""
    if isinstance(item, Waiting):
        return item.error_class == NO_GEOMETRY
    return ledger.finished(item)


def export(config: Config, work: Path, into: Path, variant: Variant = PLAIN) -> dict[str, int]:
    """Add what the journals hold to the archive `into`; returns new rows by table.

    Only whole blocks are exported: half a block would not be balanced.
    """
    whole = [found for found in begun(config, work, variant) if found.whole]
    families = [family for found in whole for family in found.families]
    journals = [journal_of(work, found.block) for found in whole]
    ledger = Ledger(KINDS, variant.archive(config), journals)
    return export_rows(families, ledger, Archive(into))


def status(config: Config, work: Path, variant: Variant = PLAIN) -> Iterator[str]:
    """One line for each block that was begun, and one of all."""
    whole: Counter[str] = Counter()
    cpu, done, structures, size = 0.0, 0, 0, 0
    for found in begun(config, work, variant):
        block, states = found.block, _states(found)
        rows = (found.ledger.record(i.calculation_id) for i in found.items
                if isinstance(i, Request))  # fmt: skip
        seconds = sum(float(r.row["cpu_s"]) for r in rows if r is not None)
        whole.update(states)
        cpu += seconds
        done += found.whole
        structures += len(block.rows) * found.whole
        size += journal_of(work, block).stat().st_size
        first = block.table[0]
        yield (
            f"block {block.number:3d} {first['composition']} lithium {first['lithium']:.1f}: "
            f"{_counted(states)}; {seconds:.0f} CPU s"
        )
    yield (
        f"{done} whole blocks, {structures} arms; {_counted(whole) or 'nothing yet'}; "
        f"{cpu / 3600:.2f} CPU h, journals {size / 1e6:.1f} MB"
    )


def _states(found: Begun) -> Counter[str]:
    """Number of spectra in each state; relaxed cells are not counted."""
    states: Counter[str] = Counter()
    for item in found.items:
        if isinstance(item, Request) and item.kind != KINDS[0].name:
            continue
        row = None if isinstance(item, Waiting) else found.ledger(item)
        failed = "failed" if settled(item, found.ledger) else "open"
        states[failed if row is None else str(row["status"])] += 1
    return states


def _counted(states: Counter[str]) -> str:
    return ", ".join(f"{n} {s}" for s, n in sorted(states.items()))


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="The NMC campaign by blocks.")
    parser.add_argument("action", choices=["fill", "status", "export"])
    parser.add_argument("--config", type=Path, default=own_or_shipped())
    parser.add_argument("--work", type=Path, default=Path("results/archive"))
    parser.add_argument(
        "--into", type=Path, help="part of the archive that export adds to, e.g. .../nmc_blocks"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--second-relaxer", action="store_true", help="cells of SevenNet in place of CHGNet"
    )
    which.add_argument(
        "--core-hole", action="store_true", help="Li K and O K by GPAW with a core hole"
    )
    which.add_argument(
        "--larger-cells", action="store_true", help="a vacancy of each block in 80 atoms"
    )
    which.add_argument(
        "--own-cells", action="store_true", help="the vacancy of each block in a relaxed cell"
    )
    args = parser.parse_args()
    if args.action == "export" and args.into is None:
        parser.error("export needs --into, the part of the archive that it adds to")
    config, variant = load(args.config), PLAIN
    if args.second_relaxer:
        config, variant = second_relaxer(config), SECOND_RELAXER
    elif args.own_cells:
        config, variant = own_cells(config), OWN_CELLS
    elif args.core_hole:
        config, variant = core_holes(config), PLAIN
    elif args.larger_cells:
        variant = LARGER_CELLS
    if args.action == "export":
        print(export(config, args.work, args.into, variant))
    elif args.action == "status":
        for text in status(config, args.work, variant):
            print(text)
    else:
        use_node_scratch()
        start = time.time()
        for block, request, row in fill(config, args.work, variant):
            hours = (time.time() - start) / 3600
            what = f"{request.kind} {request.protocol}: {row['status']}"
            print(f"{hours:7.3f} h  block {block.number}: {what}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
