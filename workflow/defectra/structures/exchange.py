"""Cells of our tables in the formats of the field: CIF, POSCAR, extended XYZ, a database of ASE."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.core.errors import StoreError, StructureError, TableError, meant
from defectra.core.store import made, replacing
from defectra.structures.geometry import to_pymatgen

if TYPE_CHECKING:
    from ase import Atoms

Row = Mapping[str, Any]
# Columns that place the atoms; all others are kept as information about the cell.
_CELL = ("lattice", "species", "coords", "site_labels")
_IDENTITIES = ("structure_id", "geometry_id", "parent_id", "family")
_NEEDED = ("structure_id", *_CELL)


def read_cells(path: Path) -> list[Row]:
    """Rows of a table of structures or geometries.

    Raises
    ------
    TableError
        If the file is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            rows: list[Row] = file.read().to_pylist()
            names = file.schema_arrow.names
    except FileNotFoundError:
        raise TableError(f"{path}: no such table") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise TableError(f"{path}: no Parquet table ({str(error).splitlines()[0]})") from None
    lacking = [name for name in _NEEDED if name not in names]
    if lacking:
        raise TableError(
            f"{path}: no table of structures or geometries: column {lacking[0]} is not there"
        )
    return rows


def name_of(row: Row) -> str:
    """Name of the file of a cell: its geometry_id, or, of an ideal one, its structure_id."""
    return str(row.get("geometry_id") or row["structure_id"])


def atoms_of(row: Row) -> Atoms:
    """A cell as ASE has it; its columns in `info`, names of its sites in an array.

    Returns
    -------
    Atoms with positions in Å. Site labels of the ideal lattice, e.g. ``Ni17``, are the array
    ``site_labels``. Identities begin with ``id_``: hexadecimal digits alone can read as a number.
    """
    import numpy as np
    from ase import Atoms

    cell = np.asarray(row["lattice"], float).reshape(3, 3)
    coords = np.asarray(row["coords"], float).reshape(-1, 3)
    atoms = Atoms(list(row["species"]), scaled_positions=coords, cell=cell, pbc=True)
    atoms.new_array("site_labels", np.array(row["site_labels"], dtype=str))
    filled = {k: v for k, v in row.items() if k not in _CELL and _has_value(v)}
    atoms.info.update({k: f"id_{v}" if k in _IDENTITIES else v for k, v in filled.items()})
    return atoms


def _has_value(value: Any) -> bool:
    """Whether a column says something: no empty text, no list, no NaN."""
    return isinstance(value, str | int | float | bool) and value != "" and value == value  # noqa: PLR0124


def write_xyz(rows: Sequence[Row], out: Path) -> None:
    """All cells in one file of extended XYZ."""
    from ase.io import write

    with replacing(out) as temporary:
        write(str(temporary), [atoms_of(row) for row in rows], format="extxyz")


def write_database(rows: Sequence[Row], out: Path) -> None:
    """All cells in one database of ASE (SQLite).

    Numbers and words of a row are keys that can be selected, e.g. ``structure_id=id_36e225d1``;
    the whole row is its `data`. `charge`, a name that ASE keeps for itself, is ``net_charge``.
    """
    from ase.db import connect

    try:
        with replacing(out) as temporary, connect(str(temporary), type="db") as database:
            for row in rows:
                atoms = atoms_of(row)
                data = {k: v for k, v in row.items() if k not in _CELL}
                database.write(atoms, data=data, **_selectable(atoms.info))
    except sqlite3.OperationalError as error:  # a full disk, a folder that cannot be written
        raise StoreError(
            f"{out}: cannot be written ({error}); make room, make it writable or name another file"
        ) from None


def _selectable(info: Mapping[str, Any]) -> dict[str, Any]:
    """What ASE takes as a key: it keeps some names for itself and refuses words like numbers."""
    from ase.db.core import check

    taken: dict[str, Any] = {}
    for key, value in info.items():
        name = "net_charge" if key == "charge" else key
        plain = int(value) if isinstance(value, bool) else value
        try:
            check({name: plain})
        except ValueError:
            continue
        taken[name] = plain
    return taken


def write_folder(rows: Sequence[Row], folder: Path, ending: str) -> None:
    """A file for each cell, named by its identity.

    Parameters
    ----------
    ending
        ``cif`` or ``vasp`` (POSCAR).
    """
    kind: Any = "cif" if ending == "cif" else "poscar"
    made(folder)
    for row in rows:
        with replacing(folder / f"{name_of(row)}.{ending}") as temporary:
            temporary.write_text(to_pymatgen(row).to(fmt=kind), encoding="utf-8")


_WRITERS: Mapping[str, Callable[[Sequence[Row], Path], None]] = {
    ".xyz": write_xyz,
    ".extxyz": write_xyz,
    ".db": write_database,
}


def check_ending(out: Path, *, with_table: bool) -> None:
    """Refuse a name whose ending is that of no format.

    Parameters
    ----------
    with_table
        Whether a table (Parquet) can be written, too: of a request, not of a table.

    Raises
    ------
    StructureError
        If it is none; the message lists those that are.
    """
    tables = (".parquet",) if with_table else ()
    if out.name in ("*.cif", "*.vasp") or out.suffix in (*_WRITERS, *tables):
        return
    if out.suffix == ".parquet":
        raise StructureError(f"{out}: the source is a table already; copy it")
    known = ("NAME.parquet, " if with_table else "") + "NAME.extxyz, NAME.xyz, NAME.db"
    raise StructureError(
        f"{out}: no format of this ending{meant(out.suffix, (*_WRITERS, *tables))}; write {known}, "
        f"'FOLDER/*.cif' or 'FOLDER/*.vasp'"
    )


def write_cells(rows: Sequence[Row], out: Path) -> str:
    """Write cells as the name of `out` says; what was written, for people.

    Parameters
    ----------
    out
        ``*.extxyz`` or ``*.xyz``, ``*.db``; or a folder of one file each: ``FOLDER/*.cif``,
        ``FOLDER/*.vasp``.

    Raises
    ------
    StructureError
        For another ending.
    """
    if out.name in ("*.cif", "*.vasp"):
        write_folder(rows, out.parent, out.suffix.removeprefix("."))
        return f"{len(rows)} files {out}"
    check_ending(out, with_table=False)
    _WRITERS[out.suffix](rows, out)
    return f"{len(rows)} cells in {out}"


def chosen(rows: Sequence[Row], start: str) -> Iterator[Row]:
    """Rows whose structure_id or geometry_id begins so."""
    return (r for r in rows if r["structure_id"].startswith(start) or name_of(r).startswith(start))
