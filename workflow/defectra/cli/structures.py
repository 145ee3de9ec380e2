"""``defectra structures``: make cells, or write those of a table as CIF, extended XYZ, ASE db."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.cli.help import command
from defectra.core.errors import StructureError
from defectra.core.outputs import check_out

_TABLE = ".parquet"
Row = Mapping[str, Any]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = command(
        commands,
        "structures",
        "make cells from a request, or convert a table of cells to CIF, POSCAR, xyz, ASE db",
        "defectra structures request.yaml --out cells.parquet 'cifs/*.cif'",
        "defectra structures results/structures.parquet --out cells.extxyz cells.db",
        "defectra structures results/geometries.parquet --only 3f2a --out 'cells/*.vasp'",
    )
    text = "request (yaml, docs/structures.md), or a table of structures or geometries (Parquet)"
    parser.add_argument("source", type=Path, help=text)
    text = "NAME.extxyz, NAME.db, 'FOLDER/*.cif', 'FOLDER/*.vasp'; of a request also NAME.parquet"
    parser.add_argument("--out", type=Path, nargs="+", required=True, help=text)
    parser.add_argument("--only", default="", help="only cells whose identity begins with this")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Make or read cells and write them in each format.

    Raises
    ------
    StructureError
        If there is none, or a format is not known.
    """
    from defectra.structures import request, table
    from defectra.structures.exchange import check_ending, chosen, read_cells, write_cells

    is_table = asked.source.suffix == _TABLE
    wanted = None if is_table else request.load(asked.source)
    inputs = [asked.source, *([wanted.file] if wanted and wanted.file else [])]
    for out in asked.out:
        check_out(out, inputs)
        check_ending(out, with_table=not is_table)
    rows: Sequence[Row]
    if wanted is None:
        rows = read_cells(asked.source)
    else:
        rows = table.merged(request.rows_of_file(asked.source, wanted))
    kept = list(chosen(rows, asked.only))
    if not kept:
        raise StructureError(f"{asked.source}: no cell whose identity begins with {asked.only!r}")
    for out in asked.out:
        if out.suffix == _TABLE:
            table.write(out, kept)
            print(f"{len(kept)} cells in {out}")
        else:
            print(write_cells(kept, out))
    return 0
