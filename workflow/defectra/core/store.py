"""Files that survive: atomic writes, checked tables, checksummed archives.

Nothing here knows what a row means; the schemas live in :mod:`defectra.core.records`.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import platform
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.core.arrow_columns import arrow_array
from defectra.core.errors import StoreError, TableError
from defectra.core.paths import after_damage, why_no_file
from defectra.core.records import SCHEMA_VERSION, Table

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Row = dict[str, Any]

_REFUSED = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
    *(errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG),
}


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed to disk and renamed.

    What a killed process of this machine left half written is removed on the way.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written.
    """
    path = Path(path)
    made(path.parent)
    with disk_errors(path):
        temporary = _draft(path)
    try:
        with disk_errors(path):
            yield temporary
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    """A path beside `path` that is this process's own; those of killed ones are removed.

    ``.<name>.<host>.<processes>-<token>.<process>.part``, before without the fourth part: numbers
    of processes say something among those alone that share them (containers of one host may not).
    """
    begin, own = f".{path.name}.{platform.node()}.", _shared_processes()
    for old in path.parent.glob(f"{glob.escape(begin)}*.part"):
        *where, process = old.name.removeprefix(begin).removesuffix(".part").split(".")
        known = not where or (len(where) == 1 and where[0].partition("-")[0] == own)
        if known and not _alive(process):
            old.unlink(missing_ok=True)
    return path.with_name(f"{begin}{own}-{secrets.token_hex(4)}.{os.getpid()}.part")


@cache
def _shared_processes() -> str:
    """Number of the PID namespace; empty where there is none."""
    try:
        return "".join(filter(str.isdigit, str(Path("/proc/self/ns/pid").readlink())))
    except OSError:
        return ""


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a refusal of the disk (full, read-only, no permission) into an error for people.

    Raises
    ------
    StoreError
        With the file and the reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        raise _refusal(path, error) from None


def made(folder: Path) -> Path:
    """Make a folder, and those above it.

    Raises
    ------
    StoreError
        Where there can be none: the disk refuses, or a file is in the way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(folder, error) from None
    return folder


def _refusal(path: Path, error: OSError) -> StoreError:
    if error.errno == errno.EISDIR:
        return StoreError(f"{path}: cannot be written: {why_no_file(path)}")
    if error.errno == errno.ENAMETOOLONG:
        return StoreError(f"{path}: cannot be written: the name is too long")
    return StoreError(
        f"{path}: cannot be written ({error.strerror}); make room, make it writable or name "
        f"another folder, and rerun: what is finished is kept"
    )


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Wait until the disk holds the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file, hex."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def to_arrow(rows: Iterable[Mapping[str, Any]], table: Table) -> pa.Table:
    """Rows as an Arrow table of the schema; a missing or unknown column is an error."""
    import pyarrow as pa

    rows = list(rows)
    names = set(table.names)
    for row in rows[:1]:
        if set(row) != names:
            missing, unknown = sorted(names - set(row)), sorted(set(row) - names)
            raise TableError(f"table {table.name}: missing columns {missing}, unknown {unknown}")
    schema, arrays = table.schema(), []
    for field in schema:
        try:
            arrays.append(arrow_array([row.get(field.name) for row in rows], field.type))
        except (TypeError, ValueError, OverflowError) as error:
            raise TableError(f"table {table.name}, column {field.name}: {error}") from None
    return pa.Table.from_arrays(arrays, schema=schema)


def write_table(path: str | Path, rows: Iterable[Mapping[str, Any]], table: Table) -> None:
    """Write rows as a Parquet file of schema `table`, atomically."""
    with table_writer(path, table) as add:
        add(rows)


@contextmanager
def table_writer(
    path: str | Path, table: Table
) -> Iterator[Callable[[Iterable[Mapping[str, Any]] | pa.Table], None]]:
    """Give a function that adds rows (or an Arrow table) as one row group of a Parquet file.

    The file appears when the block ends well; what was added is not held in memory.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def add(rows: Iterable[Mapping[str, Any]] | pa.Table) -> None:
        data = rows if isinstance(rows, pa.Table) else to_arrow(rows, table)
        if data.num_rows:
            writer.write_table(data)

    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary, table.schema(), compression="zstd", write_page_checksum=True
        ) as writer,
    ):
        yield add


def read_table(path: str | Path, table: Table, columns: list[str] | None = None) -> list[Row]:
    """Rows of a Parquet file that was checked against the schema, see :func:`read_arrow`."""
    return list(read_arrow(path, table, columns).to_pylist())


def read_arrow(path: str | Path, table: Table, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file and check it against the schema.

    Raises
    ------
    TableError
        If the file is missing, damaged, of another table, or of another version.
    """
    with _opened(path, table, columns) as file:
        data = file.read(columns=columns)
        if columns is not None:
            data = data.select([c for c in table.names if c in columns])
        return data


def read_groups(
    path: str | Path, table: Table, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """Row groups of a Parquet file, one in memory at a time; checked as :func:`read_arrow`."""
    with _opened(path, table, columns) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=columns)


@contextmanager
def _opened(path: str | Path, table: Table, columns: list[str] | None) -> Iterator[pq.ParquetFile]:
    """Parquet file of schema `table`; an error of ours for whatever is wrong with it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_schema(path, file.schema_arrow, table, columns)
            yield file
    except FileNotFoundError:
        raise TableError(
            f"{path}: no such table; a run makes it (`make`, with the study), or name another"
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno in _REFUSED:
            reason = os.strerror(error.errno)
            raise TableError(f"{path}: cannot be read ({reason}); make it readable") from None
        text = " ".join(str(error).split())
        if Path(path).suffix != ".parquet":
            raise TableError(f"{path}: no Parquet file, as tables here are ({text})") from None
        raise TableError(f"{path}: damaged Parquet file ({text}); {after_damage(path)}") from None


def name_of_table(path: str | Path) -> str:
    """Name of the table that a file holds; empty if it is no Parquet file of ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        meta = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError):
        return ""
    return bytes(meta.get(b"table", b"")).decode()


def _check_schema(
    path: str | Path, schema: pa.Schema, table: Table, columns: list[str] | None
) -> None:
    meta = schema.metadata or {}
    found = (meta.get(b"table", b"?").decode(), meta.get(b"version", b"?").decode())
    if found != (table.name, SCHEMA_VERSION):
        raise TableError(
            f"{path}: holds table {found[0]} version {found[1]}, "
            f"expected {table.name} version {SCHEMA_VERSION}"
        )
    wanted = [(f.name, f.type) for f in table.schema() if columns is None or f.name in columns]
    have = [(f.name, f.type) for f in schema if columns is None or f.name in columns]
    if have != wanted:
        old, new = dict(have), dict(wanted)
        other = sorted(n for n in old | new if old.get(n) != new.get(n)) or ["their order"]
        raise TableError(
            f"{path}: columns or types differ from schema {table.name} ({', '.join(other)}): "
            "another version wrote it; repeat the step that makes it, or export the part again"
        )


class Archive:
    """A folder of immutable Parquet parts, read as their union.

    Parameters
    ----------
    root
        Folder with one sub-folder for each table, holding ``part-<hash>.parquet``; the hash is
        that of the file, and a part that does not agree with its name is refused.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def parts(self, table: Table) -> list[Path]:
        """Files of a table, in a stable order."""
        return sorted((self.root / table.name).glob("part-*.parquet"))

    def read(
        self,
        table: Table,
        columns: list[str] | None = None,
        keep: Callable[[Row], bool] | None = None,
    ) -> list[Row]:
        """All rows of a table that `keep` takes; doubles (same first column) are returned once."""
        rows: dict[Any, Row] = {}
        for part in self.parts(table):
            if sha256_file(part)[:16] != part.stem.removeprefix("part-"):
                raise StoreError(
                    f"{part}: the archive part is damaged (its checksum does not agree with its "
                    f"name); `git checkout {part}` brings it back"
                )
            for row in read_table(part, table, columns):
                if keep is None or keep(row):
                    rows.setdefault(row[table.names[0]], row)
        return list(rows.values())

    def add(
        self,
        rows: Iterable[Mapping[str, Any]],
        table: Table,
        keep: Callable[[Row], bool] | None = None,
        arrays: Callable[[Path, list[Row]], list[Row]] | None = None,
    ) -> Path | None:
        """Write rows that are not there yet as one new part; None if there are none.

        What `keep` does not take of the old rows counts as not there.

        Parameters
        ----------
        arrays
            Writes the arrays of new rows into a folder and gives the rows that name their file.
        """
        key = table.names[0]
        known = {row[key] for row in self.read(table, None if keep else [key], keep)}
        new = sorted((dict(r) for r in rows if r[key] not in known), key=lambda r: str(r[key]))
        if not new:
            return None
        folder = made(self.root / table.name)
        with disk_errors(folder):
            new = new if arrays is None else arrays(folder, new)
            draft = _draft(folder / "part")  # others may add at the same time
            write_table(draft, new, table)
            final = folder / f"part-{sha256_file(draft)[:16]}.parquet"
            draft.replace(final)
        return final

    def digest(self) -> str:
        """Digest of the names of all parts, which carry their checksums."""
        names = sorted(str(p.relative_to(self.root)) for p in self.root.glob("*/part-*.parquet"))
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
