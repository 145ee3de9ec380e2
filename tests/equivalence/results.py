"""Two results folders side by side: tables, figures, calculations, journals."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from defectra.core.journal import read_journal
from tests.equivalence.declared import Declared

# Columns that tell how long something took on this machine, in csv and Parquet files.
TIMED = {"wall_s", "cpu_s", "max_rss_mb"}
# Of the run and not of the result; the last three carry hashes of code or dates of files.
PASSED_OVER = ("logs/", "plan/state.json", "plan/costs.json", "plan/archived.json")
SUFFIXES = {".csv", ".png", ".parquet", ".json", ".npz"}
ID = "calculation_id"


@dataclass
class Counts:
    """One line of the table: how many of a kind there are, and how they compare."""

    before: int = 0
    after: int = 0
    equal: int = 0
    different: int = 0
    gone: int = 0
    new: int = 0


@dataclass
class Comparison:
    """Counts by kind, and every difference in words."""

    counts: dict[str, Counts] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def table(self) -> str:
        """The counts for people."""
        names = list(vars(Counts()))
        head = f"{'':<22}" + "".join(f"{n:>11}" for n in names)
        lines = [
            f"{kind:<22}" + "".join(f"{v:>11}" for v in vars(found).values())
            for kind, found in self.counts.items()
        ]
        return "\n".join([head, *lines])


def compare(before: Path, after: Path, declared: Declared) -> Comparison:
    """Compare two ``results`` folders.

    Raises
    ------
    SystemExit
        If one of them is none: nothing may pass for equal because it is not there.
    """
    for folder in (before, after):
        if not any(files_in(folder)):
            raise SystemExit(f"{folder}: no results there (a folder with tables or figures)")
    out = Comparison()
    _files(out, before, after, declared)
    _sets(out, "calculations", *(_ids_of_tables(folder) for folder in (before, after)))
    _journals(out, before, after)
    return out


def files_in(folder: Path) -> Iterator[str]:
    """Results below a folder, by their path in it."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in SUFFIXES and not hidden and not name.startswith(PASSED_OVER):
            yield name


def _files(out: Comparison, before: Path, after: Path, declared: Declared) -> None:
    old = {declared.path(f"results/{n}").removeprefix("results/"): n for n in files_in(before)}
    new = set(files_in(after))
    for name in sorted(old.keys() | new):
        suffix = Path(name).suffix
        counts = out.counts.setdefault(suffix[1:], Counts())
        counts.before += name in old
        counts.after += name in new
        if name not in new or name not in old:
            counts.gone += name not in new
            counts.new += name not in old
            out.differences.append(f"{name} is {'gone' if name not in new else 'new'}")
            continue
        said = HOW.get(suffix, _bytes)(before / old[name], after / name)
        counts.equal += not said
        counts.different += bool(said)
        out.differences += [f"{name}: {said}"] if said else []


def _bytes(old: Path, new: Path) -> str:
    if old.read_bytes() == new.read_bytes():
        return ""
    return f"other bytes ({old.stat().st_size} before, {new.stat().st_size} now)"


def _csv(old: Path, new: Path) -> str:
    """Bytes; where a file has timed columns, the bytes of all its other cells."""
    if old.read_bytes() == new.read_bytes():
        return ""
    rows = [list(csv.reader(p.read_text(encoding="utf-8").splitlines(True))) for p in (old, new)]
    if not TIMED & {name for found in rows for name in (found[0] if found else [])}:
        return _of_rows(*rows) or _bytes(old, new)
    return _of_rows(*(_untimed(found) for found in rows))


def _untimed(rows: list[list[str]]) -> list[list[str]]:
    keep = [k for k, name in enumerate(rows[0]) if name not in TIMED]
    return [[row[k] if k < len(row) else "" for k in keep] for row in rows]


def _parquet(old: Path, new: Path) -> str:
    """Schema, then rows as text: there NaN is equal to itself, and no digit is lost."""
    tables = [pq.read_table(p) for p in (old, new)]
    schemas = [{f.name: str(f.type) for f in t.schema} for t in tables]
    if list(schemas[0].items()) != list(schemas[1].items()):
        return f"columns or types differ: {_changed(*schemas)}"
    return _of_rows(*(_text_rows(table) for table in tables))


def _text_rows(table: pa.Table) -> list[list[str]]:
    names = [n for n in table.column_names if n not in TIMED]
    rows = table.select(names).to_pylist()
    return [names, *([repr(v) for v in row.values()] for row in rows)]


def _changed(old: dict[str, str], new: dict[str, str]) -> str:
    names = [n for n in {**old, **new} if old.get(n) != new.get(n)]
    said = [f"{n} {old.get(n, 'was not there')} -> {new.get(n, 'gone')}" for n in names]
    return ", ".join(said) or "their order"


def _of_rows(old: list[list[str]], new: list[list[str]]) -> str:
    """Difference of two tables with a head, in words; empty if there is none."""
    if old == new:
        return ""
    if old[:1] != new[:1]:
        return f"columns differ: {old[:1]} -> {new[:1]}"
    counts = [Counter(map(tuple, rows[1:])) for rows in (old, new)]
    gone, more = counts[0] - counts[1], counts[1] - counts[0]
    if not gone and not more:
        return "the same rows in another order"
    text = f"{gone.total()} of {len(old) - 1} rows are gone, {more.total()} are new"
    if gone and more:
        first, then = min(gone), min(more)
        cells = [f"{n}: {a} -> {b}" for n, a, b in zip(old[0], first, then) if a != b]
        text += f"; e.g. {', '.join(cells)}"[:300]
    return text


def _ids_of_tables(folder: Path) -> set[str]:
    """Every calculation that a table names, alone or in a list."""
    found: set[str] = set()
    for name in files_in(folder):
        if not name.endswith(".parquet"):
            continue
        columns = pq.read_schema(folder / name).names
        wanted = [c for c in (ID, f"{ID}s") if c in columns]
        for column in pq.read_table(folder / name, columns=wanted).columns if wanted else ():
            for value in column.to_pylist():
                found |= set(value) if isinstance(value, list) else {value}
    return {str(x) for x in found}


def _sets(out: Comparison, kind: str, old: set[str], new: set[str]) -> None:
    out.counts[kind] = Counts(
        len(old), len(new), len(old & new), 0, len(old - new), len(new - old)
    )  # fmt: skip
    for word, names in (("gone", old - new), ("new", new - old)):
        out.differences += [f"{kind}: {len(names)} {word}, e.g. {min(names)}"] if names else []


def _journals(out: Comparison, before: Path, after: Path) -> None:
    """What was computed: the same, and nothing twice."""
    old, new = (_computed(folder) for folder in (before, after))
    _sets(out, "computed in journals", set(old), set(new))
    for name, number in sorted(new.items()):
        if number > max(1, old[name]):
            out.differences.append(f"computed in journals: {name} stands there {number} times")


def _computed(folder: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.journal")):
        for row, _ in read_journal(path):
            found[
                f"{row.get('kind', '?')} {row.get(ID) or row.get('geometry_id') or _key(row)}"
            ] += 1
    return found


def _key(row: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in row.items() if k not in TIMED}, sort_keys=True)[:200]


HOW: dict[str, Callable[[Path, Path], str]] = {".csv": _csv, ".parquet": _parquet}
