"""``defectra show``: from a number, a figure or a calculation back to what it was made of."""

from __future__ import annotations

import argparse
import base64
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defectra.cli.help import command
from defectra.cli.outcome import short
from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
from defectra.core.csvs import read_csv
from defectra.core.errors import DefectraError, TableError, meant
from defectra.core.journal import read_journal
from defectra.core.paths import PROJECT, after_damage, why_no_folder
from defectra.core.store import write_bytes

Row = Mapping[str, Any]
_IDENTITY = re.compile(r"[0-9a-f]{6,64}")
_ID_COLUMNS = ("calculation_id", "geometry_id", "structure_id")
_LONG = 100  # characters of a value that is shown


@dataclass(frozen=True)
class Record:
    """What Snakemake wrote down of a file when it was made.

    Attributes
    ----------
    rule, step
        Rule that made it, and the function of the package that the rule runs.
    inputs
        Files that it was made of.
    log
        Log of the job.
    """

    rule: str
    step: str
    inputs: Sequence[str]
    log: Sequence[str]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    text = "trace a file, an identity or a claim back to its inputs, settings and versions"
    parser = command(
        commands,
        "show",
        text,
        "defectra show results/nmc/figures/parity.png",
        "defectra show 3f2a9c --directory /scratch/mine",
        "defectra show 3f2a9c --raw raw/",
        aliases=("trace",),
    )
    text = (
        "a file below results/, the first characters (6 or more) of a calculation_id, geometry_id "
        "or structure_id, or the name of a claim or check"
    )
    parser.add_argument("what", help=text)
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="folder that contains results/"
    )
    text = "write the raw output files of the calculation into this folder"
    parser.add_argument("--raw", type=Path, metavar="FOLDER", help=text)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print what is known.

    Raises
    ------
    DefectraError
        If nothing of this name is known; the message says where it was looked for.
    """
    directory = chosen.directory.resolve()
    if not directory.is_dir():
        raise DefectraError(f"{directory}: {why_no_folder(directory)}")
    file = _relative(chosen.what, directory)
    if file is not None:
        print("\n".join(history(file, directory)))
        return 0
    lines = _of_claim(chosen.what, directory)
    if not lines and _IDENTITY.fullmatch(chosen.what):
        lines = list(_of_identity(chosen.what, directory))
        if chosen.raw is not None:
            lines += _write_raw(chosen.what, directory, chosen.raw)
    if not lines:
        raise DefectraError(
            f"nothing is known of {chosen.what!r}{_like(chosen.what, directory)}: "
            f"no file below {directory}, no claim or check of its scorecards, no identity in "
            f"its tables, journals or in the archive"
        )
    print("\n".join(lines))
    return 0


def _like(what: str, directory: Path) -> str:
    """The figure or table whose path is like what was asked for."""
    found = [p for kind in ("*/figures/*.png", "*/*.csv", "*.csv", "*.parquet", "*/*.parquet")
             for p in (directory / "results").glob(kind)]  # fmt: skip
    return meant(what, [os.path.relpath(path, directory) for path in found])


def _relative(what: str, directory: Path) -> str | None:
    """Path of an existing file as Snakemake names it."""
    for path in (Path(what), directory / what):
        if path.is_file():
            return os.path.relpath(path.resolve(), directory)
    return None


def record_of(file: str, directory: Path) -> Record | None:
    """What Snakemake wrote down of a file; None if nothing.

    Parameters
    ----------
    file
        Path relative to `directory`, in which Snakemake ran. Its records lie in
        ``.snakemake/metadata``, one JSON file for each output, named by base64 of its path.
    """
    name = base64.b64encode(file.encode()).decode()
    path = directory / ".snakemake" / "metadata" / name
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    steps = [str(p).strip("'\"") for p in found.get("params") or ()]
    step = next((s for s in steps if re.fullmatch(r"defectra(\.\w+)+", s)), "")
    return Record(found.get("rule") or "", step, found.get("input") or (), found.get("log") or ())


def history(file: str, directory: Path, depth: int = 8) -> list[str]:
    """Lines that lead from a file back to what it was made of, each file once.

    Parameters
    ----------
    depth
        Number of steps back.
    """
    lines: list[str] = []
    seen: set[str] = set()

    def walk(name: str, level: int) -> None:
        known = record_of(name, directory)
        mark = "  " * level + ("← " if level else "")
        if known is None:
            lines.append(f"{mark}{name}" + ("" if level else ": no record of how it was made"))
            return
        again = " (see above)" if name in seen else ""
        made = f"rule {known.rule}" + (f", {known.step}" if known.step else "")
        lines.append(f"{mark}{name}: {made}{again}")
        if name in seen or level == depth:
            return
        seen.add(name)
        shown = known.inputs if level == 0 else _few(known.inputs)
        for source in shown:
            walk(source, level + 1)
        if len(shown) < len(known.inputs):
            lines.append("  " * (level + 1) + f"← and {len(known.inputs) - len(shown)} more")

    walk(file, 0)
    return lines


def _few(files: Sequence[str], most: int = 6) -> Sequence[str]:
    return files[:most]


def _of_claim(name: str, directory: Path) -> list[str]:
    """A row of a scorecard or of checks, its file and what that was made of."""
    lines: list[str] = []
    columns = {"scorecard": SCORECARD_COLUMNS, "checks": CHECK_COLUMNS}
    for kind, names in columns.items():
        for path in sorted((directory / "results").glob(f"*/{kind}.csv")):
            for row in read_csv(path, names):
                if row[names[0]] == name:
                    lines += _shown(row)
                    lines += history(os.path.relpath(path, directory), directory)
    return lines


def _shown(row: Row) -> list[str]:
    """Columns of a row that hold something, one a line; long lists by their size."""
    lines = []
    for name, value in row.items():
        if value in (None, "") or (isinstance(value, float) and math.isnan(value)):
            continue
        text = f"{len(value)} values" if isinstance(value, list) and len(value) > 8 else str(value)
        lines.append(f"{name}: {text if len(text) <= _LONG else text[:_LONG] + ' …'}")
    return lines


def _of_identity(start: str, directory: Path) -> Iterator[str]:
    """Every row of results and archive whose identity begins so."""
    for path in _tables(directory):
        rows = _rows_of(path, start)
        for row in rows[:3]:
            yield f"— {_name(path, directory)}"
            yield from _shown(row)
        if len(rows) > 3:
            yield f"— {_name(path, directory)}: {len(rows) - 3} more rows"
    for path in _journals(directory):
        for row, raw in read_journal(path):
            if str(row.get("calculation_id", "")).startswith(start) and "files" in row:
                files = ", ".join(f"{name} ({size} bytes)" for name, size in row["files"])
                where = _name(path, directory)
                yield f"— {where}: raw outputs {files}; --raw FOLDER writes them ({len(raw)} bytes)"
                return
    if lines := _again(start, directory):
        yield "— raw outputs: the archive keeps tables alone; these commands make them again:"
        yield from lines


def _again(start: str, directory: Path) -> list[str]:
    """Commands that compute the spectrum of one site again; none if it is no single spectrum.

    The cell is written with all its digits, so that the input, and with it the calculation_id,
    is the same.
    """
    found = {
        row["calculation_id"]: row
        for path in _tables(directory)
        for row in _rows_of(path, start)
        if str(row.get("calculation_id")).startswith(start) and row.get("site")
    }
    if len(found) != 1:
        return []
    ((name, row),) = found.items()
    for path in _tables(directory):
        for cell in _rows_of(path, row["geometry_id"]):
            if cell.get("lattice") and row["site"] in (cell.get("site_labels") or ()):
                site = cell["site_labels"].index(row["site"])
                edge = f"{row['element']} {row['edge']}"
                return [
                    f"defectra structures {short(path)} --only {row['geometry_id']} "
                    "--out cell.extxyz",
                    f'defectra run {row["engine"]} cell.extxyz --edge "{edge}" --site {site} '
                    f"--protocol {row['protocol']} --out again",
                    f"ls again/{row['engine']}-{name[:16]}",
                ]
    return []


def _tables(directory: Path) -> Iterator[Path]:
    """Tables of results, then those of the archive."""
    results = directory / "results"
    yield from sorted(results.glob("*.parquet"))
    yield from sorted(results.glob("*/*.parquet"))
    yield from sorted((PROJECT / "resources" / "archive").rglob("part-*.parquet"))


def _journals(directory: Path) -> list[Path]:
    return sorted((directory / "results" / "store").glob("*.journal"))


def _name(path: Path, directory: Path) -> str:
    for root in (directory, PROJECT):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)


def _rows_of(path: Path, start: str) -> list[Row]:
    """Rows of a Parquet file one of whose identities begins so."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = [n for n in _ID_COLUMNS if n in file.schema_arrow.names]
            if not columns:
                return []
            ids = file.read(columns=columns)
            fits = [pc.fill_null(pc.starts_with(ids[n], start), False) for n in columns]
            chosen = fits[0]
            for other in fits[1:]:
                chosen = pc.or_(chosen, other)
            if not pc.any(chosen).as_py():
                return []
            found: list[Row] = file.read().filter(chosen).to_pylist()
            return found
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path}: cannot be read ({error}); {after_damage(path)}") from None


def _write_raw(start: str, directory: Path, folder: Path) -> list[str]:
    """Write the raw outputs of one calculation, as its journal keeps them.

    Raises
    ------
    DefectraError
        If several calculations begin so, or no journal holds any.
    """
    from defectra.campaign.ledger import unpacked

    found: dict[str, dict[str, bytes]] = {}
    for path in _journals(directory):
        for row, raw in read_journal(path):
            name = str(row.get("calculation_id", ""))
            if name.startswith(start) and "files" in row:
                found[name] = unpacked(row["files"], raw)
    if len(found) != 1:
        how = f"{len(found)} calculations begin with {start}: give more characters"
        lines = _again(start, directory)
        rest = (
            "\n".join(["these commands make them again:", *lines])
            if lines
            else ("compute it anew with `archive: resources/none` in a config")
        )
        none = (
            f"no journal below {directory / 'results' / 'store'} holds raw outputs of {start}; the "
            f"archive keeps tables alone: {rest}"
        )
        raise DefectraError(how if found else none)
    files = next(iter(found.values()))
    for name, data in files.items():
        write_bytes(folder / Path(name).name, data)
    return [f"wrote {', '.join(sorted(files))} to {folder}"]
