"""Arrays beside a table: an HDF5 file with a group for each calculation, a dataset for each array.

A row of the table names the file and its checksum, the arrays, their shapes, types, units and
digests. The file is checked before HDF5 sees it (a flipped byte in its own tables can hang the
library), so that an array of another run, or a damaged one, is an error and never a value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from defectra.core.errors import StoreError, TableError
from defectra.core.records import OUTCOME_COLUMNS, Column, Table
from defectra.core.store import Row, replacing, sha256_file

if TYPE_CHECKING:
    import h5py

Array = Any  # numpy array; numpy is not imported by every job of the workflow
Arrays = Mapping[str, Array]
Load = Callable[[], Arrays]

FORMAT = "defectra arrays 1"
_KINDS = "biufc"  # numbers of numpy; nothing that would be pickled
_CHUNK = 1 << 20  # bytes of a chunk, about
_SMALL = 1 << 12  # bytes; up to here filters gain nothing
_PART = re.compile(r"part-[0-9a-f]{16}\.h5")

_HEAD = (
    Column("calculation_id", "string", "", "SHA-256 of the canonical engine input"),
    Column("engine", "string", "", "engine"),
    Column("engine_version", "string", "", "version of the engine"),
    Column("protocol", "string", "", "fidelity"),
)
_ARRAYS = (
    Column("size", "int", "", "what the cost scales with"),
    Column("inputs_sha256", "string", "", "checksum of what the engine read"),
    Column("arrays", "strings", "", "names of the arrays; none of a failure"),
    Column("shapes", "strings", "", "numbers of elements along the axes, e.g. 100 65 65"),
    Column("dtypes", "strings", "", "types of the elements"),
    Column("units", "strings", "", "units of the elements"),
    Column("digests", "strings", "", "BLAKE2b of type, shape and elements"),
    Column("array_file", "string", "", "HDF5 file beside the table; empty without arrays"),
    Column("array_sha256", "string", "", "checksum of that file"),
)


def array_table(name: str, *labels: Column) -> Table:
    """Schema of a table whose rows carry arrays.

    Parameters
    ----------
    labels
        Columns of the study, which its requests give in ``about``.
    """
    return Table(name, (*_HEAD, *labels, *OUTCOME_COLUMNS, *_ARRAYS))


def labels_of(table: Table) -> list[str]:
    """Columns of the study in a table of :func:`array_table`."""
    own = {c.name for c in (*_HEAD, *OUTCOME_COLUMNS, *_ARRAYS)}
    return [name for name in table.names if name not in own]


def has_arrays(table: Table) -> bool:
    """Whether rows of a table carry arrays."""
    return "array_file" in table.names


def digest_of(array: Array) -> str:
    """Hexadecimal digest of type, shape and elements."""
    import numpy as np

    plain = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    head = f"{plain.dtype.str} {plain.shape}".encode()
    found = hashlib.blake2b(head, digest_size=16)
    found.update(plain.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def described(arrays: Arrays, units: Mapping[str, str]) -> Row:
    """Columns of a row that tell of its arrays, in the order of their names."""
    names = sorted(arrays)
    return {
        "arrays": names,
        "shapes": [" ".join(map(str, arrays[n].shape)) for n in names],
        "dtypes": [str(arrays[n].dtype) for n in names],
        "units": [units[n] for n in names],
        "digests": [digest_of(arrays[n]) for n in names],
    }


def no_arrays() -> Row:
    """Columns of a row without arrays."""
    lists: Row = {name: [] for name in ("arrays", "shapes", "dtypes", "units", "digests")}
    return lists | in_file("", "")


def in_file(name: str, sha256: str) -> Row:
    """Columns of a row that tell where its arrays are."""
    return {"array_file": name, "array_sha256": sha256}


def array_path(table_path: str | Path) -> Path:
    """HDF5 file of a table: ``patterns.h5`` beside ``patterns.parquet``."""
    return Path(table_path).with_suffix(".h5")


@contextmanager
def array_writer(path: str | Path) -> Iterator[Callable[[Row, Arrays], None]]:
    """Give a function that adds the arrays of a row; the file appears when the block ends well.

    One row is in memory at a time.

    Raises
    ------
    StoreError
        If the disk refuses, or the arrays are not those that the row names.
    """
    import h5py

    with (
        replacing(path) as temporary,
        h5py.File(temporary, "w", locking=False) as file,
    ):
        file.attrs["format"] = FORMAT  # for whoever opens it with another program
        yield lambda row, arrays: _add(file, row, arrays)


def _add(file: h5py.File, row: Row, arrays: Arrays) -> None:
    group = file.create_group(row["calculation_id"])
    for name, unit, digest in zip(row["arrays"], row["units"], row["digests"]):
        array = arrays[name]
        if digest_of(array) != digest:
            raise StoreError(
                f"calculation {row['calculation_id'][:16]}: array {name} is not the one that its "
                f"row names; the journal or archive changed meanwhile: rerun"
            )
        try:
            data = group.create_dataset(name, data=array, **_layout(array))
            data.attrs["unit"], data.attrs["digest"] = unit, digest
        except (RuntimeError, OSError) as error:  # HDF5 says so of a full disk
            raise StoreError(
                f"{file.filename}: array {name} cannot be written ({_text(error)}); make room and "
                f"rerun: what is finished is kept"
            ) from None


def _layout(array: Array) -> dict[str, Any]:
    """How HDF5 keeps an array: small ones in one piece, which costs a third, others compressed."""
    if array.nbytes <= _SMALL:
        return {}
    filters = {"compression": "gzip", "shuffle": True, "fletcher32": True}
    return {"chunks": _chunks(array), **filters}


def _chunks(array: Array) -> tuple[int, ...] | bool:
    """Whole items along the first axis; what HDF5 finds best where one item is large."""
    item = array.nbytes // len(array)
    return (min(len(array), _CHUNK // item), *array.shape[1:]) if item <= _CHUNK else True


def write_part(folder: Path, rows: list[Row], loads: Mapping[str, Load]) -> list[Row]:
    """Write the arrays of new rows of an archive as ``part-<hash>.h5``.

    Parameters
    ----------
    folder
        Of the table.
    loads
        Reads the arrays of a row, by `calculation_id`.

    Returns
    -------
    The rows, which name the file.
    """
    if not any(row["arrays"] for row in rows):
        return rows
    draft = folder / f".arrays-{rows[0]['calculation_id'][:16]}.h5"
    with array_writer(draft) as add:
        for row in rows:
            if row["arrays"]:
                add(row, loads[row["calculation_id"]]())
    sha256 = sha256_file(draft)
    name = f"part-{sha256[:16]}.h5"
    draft.replace(folder / name)
    return [row | in_file(name, sha256) if row["arrays"] else row for row in rows]


def storable(name: str, array: Any) -> str:
    """Empty, or why an array cannot be kept."""
    import numpy as np

    if not isinstance(array, np.ndarray) or array.dtype.kind not in _KINDS:
        return f"array {name} holds no numbers ({getattr(array, 'dtype', type(array).__name__)})"
    if not array.ndim or not array.size:
        return f"array {name} is empty or has no axis (shape {array.shape})"
    return ""


class ArrayReader:
    """Arrays of the rows of one table, read when asked for.

    Parameters
    ----------
    folder
        Where the files are that the rows name: the folder of the table.

    Files stay open until the block ends: ``with ArrayReader(folder) as arrays: ...``. Each is
    checked against the checksum of the row when it is opened.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._files: dict[tuple[str, str], h5py.File] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._files:
            self._files.popitem()[1].close()

    def read(self, row: Row, name: str, where: slice | int | None = None) -> Array:
        """One array of a row.

        Parameters
        ----------
        row
            Of the table, with all its columns about arrays.
        name
            Of the array.
        where
            Part along the first axis; None: all, which is checked against the digest of the row.

        Raises
        ------
        StoreError
            If the file is missing, damaged, or of another run.
        TableError
            If the row has no such array.
        """
        if name not in row["arrays"]:
            known = ", ".join(row["arrays"]) or "none"
            raise TableError(
                f"calculation {row['calculation_id'][:16]} ({row['status']}) has no array {name}; "
                f"it has: {known}"
            )
        path = self.folder / row["array_file"]
        digest = row["digests"][list(row["arrays"]).index(name)]
        try:
            data = self._file(row)[row["calculation_id"]][name]
            same = data.attrs["digest"] == digest
            array: Array = data[...] if where is None else data[where]
        except (OSError, RuntimeError, KeyError) as error:
            raise StoreError(
                f"{path}: array {name} of calculation {row['calculation_id'][:16]} cannot be read "
                f"({_text(error)}); {_cure(path)}"
            ) from None
        if not same or (where is None and digest_of(array) != digest):
            raise StoreError(
                f"{path}: array {name} of calculation {row['calculation_id'][:16]} is not the one "
                f"that its table describes; {_cure(path)}"
            )
        return array

    def of(self, row: Row) -> dict[str, Array]:
        """All arrays of a row."""
        return {name: self.read(row, name) for name in row["arrays"]}

    def each(self, rows: Iterable[Row], name: str) -> Iterator[Array]:
        """One array of each row, in their order; one is in memory at a time."""
        for row in rows:
            yield self.read(row, name)

    def stack(self, rows: Iterable[Row], name: str) -> Array:
        """One array of all rows, joined along the first axis.

        Returns
        -------
        Array of the sum of the first axes; it is allocated once and filled row by row.
        """
        import numpy as np

        rows = list(rows)
        if not rows:
            raise TableError(f"no row to take array {name} of; was nothing computed?")
        first = self.read(rows[0], name, slice(0, 1))
        counts = [_length(row, name) for row in rows]
        out = np.empty((sum(counts), *first.shape[1:]), first.dtype)
        start = 0
        for row, count in zip(rows, counts):
            array = self.read(row, name)
            if array.shape[1:] != first.shape[1:] or array.dtype != first.dtype:
                raise TableError(
                    f"array {name}: shape {array.shape} and type {array.dtype} of calculation "
                    f"{row['calculation_id'][:16]} do not go with {first.shape}, {first.dtype}"
                )
            out[start : start + count] = array
            start += count
        return out

    def _file(self, row: Row) -> h5py.File:
        import h5py

        name, sha256 = row["array_file"], row["array_sha256"]
        if (name, sha256) in self._files:
            return self._files[name, sha256]
        path = self.folder / name
        if not path.is_file():
            raise StoreError(f"{path}: no such file of arrays; {_cure(path)}")
        if sha256_file(path) != sha256:
            raise StoreError(
                f"{path}: not the file that the table describes (its checksum does not agree): it "
                f"is damaged, or of another run; {_cure(path)}"
            )
        file = self._files[name, sha256] = h5py.File(path, "r", locking=False)
        return file


def _length(row: Row, name: str) -> int:
    return int(row["shapes"][list(row["arrays"]).index(name)].split()[0])


def _cure(path: Path) -> str:
    if _PART.fullmatch(path.name):
        return f"`git checkout {path}` brings it back"
    return "delete it with its table and rerun: what is finished is in the journal"


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
