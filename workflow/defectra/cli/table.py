"""``defectra table``: finished runs in, a training table out."""

from __future__ import annotations

import argparse
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.cli.help import command
from defectra.core.errors import DefectraError
from defectra.core.number_types import number
from defectra.core.outputs import check_out

if TYPE_CHECKING:
    from defectra.spectra.finished_runs import Fidelity
    from defectra.spectra.finished_table import Built
    from defectra.spectra.grid import Grid

NO_STRUCTURE, NO_SITE = "no structure", "no site"  # how such a reason begins


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    text = "make a training table from finished runs: site-averaged spectra, labels, groups"
    parser = command(
        commands,
        "table",
        text,
        "defectra table runs/ --out table.parquet",
        "defectra table results/import --edge 'Ni K' --out table.parquet",
    )
    text = "finished runs, or the tables of `defectra import` or `defectra run`"
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help=text)
    parser.add_argument("--out", type=Path, default=Path("results/own/training.parquet"),
                        help="the table (default: results/own/training.parquet)")  # fmt: skip
    text = 'e.g. "Ni K"; with several, a row needs all of them; default: all edges found'
    parser.add_argument("--edge", nargs="+", default=[], metavar="EDGE", help=text)
    text = 'choose one if the runs have several, e.g. "vasp parsed-1a2b3c4d parsed"'
    parser.add_argument("--fidelity", help=text)
    text = "energy grid, START:STOP:STEP in eV; default: the range covered by all spectra"
    parser.add_argument("--grid", help=text)
    text = "energies relative to the threshold of each run, not on the axis of the engine"
    parser.add_argument("--from-edge", action="store_true", help=text)
    text = "table of `make structures` with the cells of the runs: it gives defects and families"
    parser.add_argument("--structures", type=Path, help=text)
    parser.add_argument(
        "--absorber", help='element and edge of runs whose files do not name them, e.g. "Ti K"'
    )
    parser.set_defaults(run=run_table)


def run_table(chosen: argparse.Namespace) -> int:
    """Read, average, write the table, and what was left out beside it; 0."""
    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table, write_table
    from defectra.engines.edges import edge_name
    from defectra.spectra.finished_runs import read_finished
    from defectra.spectra.finished_table import Asked, build
    from defectra.structures.table import FACTORY

    check_out(chosen.out, _inputs(chosen), (".parquet",))
    edges = tuple(" ".join(edge_name(edge)) for edge in chosen.edge)
    runs = read_finished(chosen.folders, edge_name(chosen.absorber) if chosen.absorber else None)
    if not runs.calculations and not runs.left_out:
        folders = ", ".join(map(str, chosen.folders))
        raise DefectraError(f"{folders}: no finished run found (what is read: docs/spectra.md)")
    if not runs.calculations:
        raise DefectraError(no_structure(runs.left_out))
    grids = _grids(chosen.grid, edges or _edges_of(runs.calculations)) if chosen.grid else {}
    asked = Asked(edges, _fidelity(chosen.fidelity), grids, chosen.from_edge)
    factory = read_table(chosen.structures, FACTORY) if chosen.structures else []
    built = build(runs, asked, factory)
    write_table(chosen.out, built.rows, built.table)
    beside = chosen.out.with_name(f"{chosen.out.stem}_left_out.csv")
    write_csv(beside, built.left_out, ["source", "reason"])
    print("\n".join(sentences(built, chosen.out, beside)))
    return 0


def _inputs(chosen: argparse.Namespace) -> Iterator[Path]:
    """What is read and may be meant by --out: tables of the folders, not a training table there."""
    from defectra.core.store import name_of_table
    from defectra.spectra.finished_table import TRAINING

    yield from [chosen.structures] if chosen.structures else []
    inside = any(chosen.out.resolve().is_relative_to(one.resolve()) for one in chosen.folders)
    if inside and chosen.out.is_file() and name_of_table(chosen.out) != TRAINING:
        yield chosen.out


def no_structure(left_out: Sequence[Mapping[str, Any]]) -> str:
    """Why there is no table: the commonest reason, an example of it, and what to add."""
    from defectra.engines.finished.missing import NEARBY

    reasons = Counter(row["reason"] for row in left_out)
    reason, number = reasons.most_common(1)[0]
    example = next(row["source"] for row in left_out if row["reason"] == reason)
    text = (
        f"no calculation with a spectrum, a structure and a site: {len(left_out)} left out; "
        f"{number} of them because: {reason} (e.g. {example})"
    )
    for word, brings in ((NO_STRUCTURE, NEARBY), (NO_SITE, "the input of the run beside it")):
        text += f"; missing: {brings}" if reason.startswith(word) else ""
    return text


def _edges_of(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({f"{r['element']} {r['edge']}" for r in rows})


def _fidelity(words: str | None) -> Fidelity | None:
    from defectra.core.errors import TableError

    if not words:
        return None
    parts = words.split()
    if len(parts) != 3:
        raise TableError("--fidelity: engine, protocol and geometry protocol, three words")
    return parts[0], parts[1], parts[2]


def _grids(text: str, edges: tuple[str, ...] | list[str]) -> dict[str, Grid]:
    from pydantic import ValidationError

    from defectra.core.errors import TableError
    from defectra.spectra.finished_table import FWHM
    from defectra.spectra.grid import Grid

    if len(edges) != 1:
        raise TableError(f"--grid is that of one edge, and there are {', '.join(edges)}: --edge")
    how = "START:STOP:STEP in eV, e.g. 8330:8375:0.25"
    try:
        start, stop, step = (number(word) for word in text.split(":"))
    except (ValueError, ArgumentTypeError):
        raise TableError(f"--grid {text}: {how}") from None
    try:
        return {edges[0]: Grid(start=start, stop=stop, step=step, fwhm=FWHM)}
    except ValidationError as error:
        wrong = error.errors()[0]
        key = "".join(f"{part}: " for part in wrong["loc"])
        why = wrong["msg"].removeprefix("Value error, ")
        raise TableError(f"--grid {text}: {key}{why} ({how})") from None


def sentences(built: Built, out: Path, beside: Path) -> list[str]:
    """What the table holds, for people."""
    rows = built.rows
    edges = [c.name.removeprefix("raw: ") for c in built.table.columns if c.name[:5] == "raw: "]
    groups, fams = ({row[k] for row in rows} for k in ("group", "family"))
    lines = [
        f"{out}: {len(rows)} structures, {', '.join(edges)}, {' '.join(built.fidelity)}",
        f"  {len(groups)} groups (column group), {len(fams)} families (column family)",
    ]
    lines += [
        f"  {edge}: {rows[0][f'first_eV: {edge}']:g} eV on, in steps of "
        f"{rows[0][f'step_eV: {edge}']:g} eV, {len(rows[0][f'raw: {edge}'])} points"
        for edge in edges
    ]
    lines += [
        f"  {edge}: {n} spectra begin at zero more than 2 eV above the grid: zeros stand before"
        for edge, n in built.continued.items()
    ]
    few = sum(row[f"n_unconverged: {edge}"] > 0 for row in rows for edge in edges)
    if few:
        lines.append(f"  {few} averages hold a site that is not (known to be) self-consistent")
    if built.fidelity[1] == "parsed":
        lines.append("  the runs do not say their settings: that they are equal is not checked")
    if built.left_out:
        lines.append(f"  left out: {len(built.left_out)}, with reasons in {beside}")
    return lines
