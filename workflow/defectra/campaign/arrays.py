"""Arrays as a kind of result: a row of a table, and its arrays in the HDF5 file beside it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from defectra.campaign.complete import survey
from defectra.campaign.costs import ALONE, Measured, measured_row
from defectra.campaign.engine import Engine, engine_named
from defectra.campaign.ledger import Finished, Kind, Ledger, Result
from defectra.campaign.request import Family, Request, Row, Waiting
from defectra.core.arrays import (
    Arrays,
    array_path,
    array_writer,
    described,
    in_file,
    labels_of,
    no_arrays,
    storable,
)
from defectra.core.errors import DataError, EngineError, TableError
from defectra.core.records import Origin, Status, Table
from defectra.core.store import Archive, sha256_file, write_table

SMALL = 1 << 18  # bytes of arrays that are read once, for the row and for the table
RESULT = "arrays.npz"  # raw output of an engine of arrays: numpy's archive, without pickle


@dataclass(frozen=True)
class ArraySpec:
    """One array that an engine gives.

    Attributes
    ----------
    name, unit, doc
        Name, unit of the elements, meaning.
    axes
        Names of the axes, the first that along which rows are joined, e.g. pattern, qy, qx.
    dtype
        Type of the elements, e.g. float32.
    missing
        Whether an element may be NaN.
    """

    name: str
    unit: str
    axes: tuple[str, ...]
    doc: str
    dtype: str = "float32"
    missing: bool = False

    def wrong(self, array: Any) -> str:
        """Empty, or what is wrong with an array."""
        import numpy as np

        if bad := storable(self.name, array):
            return bad
        if str(array.dtype) != self.dtype or array.ndim != len(self.axes):
            axes = ", ".join(self.axes)
            return (
                f"array {self.name} has type {array.dtype} and {array.ndim} axes, not "
                f"{self.dtype} and {axes}"
            )
        if array.dtype.kind in "fc" and not self.missing and not np.isfinite(array).all():
            return f"array {self.name} holds values that are not finite"
        return ""


class ArrayEngine(Engine, Protocol):
    """An engine whose results are arrays; :mod:`defectra.engines.function` makes one."""

    @property
    def ARRAYS(self) -> Sequence[ArraySpec]:  # noqa: N802
        """What it gives."""

    def read(self, files: Mapping[str, bytes]) -> Arrays:
        """Arrays of kept raw outputs."""


def packed(arrays: Arrays) -> bytes:
    """Arrays as one raw output, which :func:`unpacked` reads; the journal compresses it."""
    import numpy as np

    handle = io.BytesIO()
    np.savez(handle, allow_pickle=False, **dict(sorted(arrays.items())))
    return handle.getvalue()


def unpacked(files: Mapping[str, bytes], specs: Sequence[ArraySpec]) -> Arrays:
    """Arrays of a raw output, checked against what the engine gives.

    Raises
    ------
    EngineError
        ``no_output`` or ``bad_output``.
    """
    from defectra.core.npz import read_npz

    if RESULT not in files:
        raise EngineError("no_output", f"no {RESULT} was kept")
    try:
        arrays = read_npz(files[RESULT])
    except DataError as error:
        raise EngineError("bad_output", f"{RESULT} cannot be read ({error})") from None
    check(arrays, specs)
    return arrays


def check(arrays: Arrays, specs: Sequence[ArraySpec]) -> None:
    """Refuse arrays that are not what an engine gives.

    Raises
    ------
    EngineError
        ``bad_output``.
    """
    known = {spec.name: spec for spec in specs}
    if set(arrays) != set(known):
        problem = (
            f"arrays {', '.join(sorted(arrays)) or 'none'}, expected {', '.join(sorted(known))}"
        )
        raise EngineError("bad_output", problem)
    for name, spec in known.items():
        if wrong := spec.wrong(arrays[name]):
            raise EngineError("bad_output", wrong)


def array_kind(
    name: str,
    table: Table,
    exported: Callable[[Row], bool] = lambda row: True,  # noqa: ARG005
    engines: Callable[[str], Engine] = engine_named,
) -> Kind:
    """Kind of result of engines of arrays.

    Parameters
    ----------
    name
        As requests name it.
    table
        Of :func:`defectra.core.arrays.array_table`; its labels stand in ``about`` of a request.
    exported
        Whether a row goes into the archive.
    """

    def make(request: Request, found: Finished) -> Result:
        engine: ArrayEngine = engines(request.engine)  # type: ignore[assignment]
        return _result(request, found, engine, table)

    return Kind(name, table, make, relabelled=partial(_relabelled, table=table), exported=exported)


def _result(request: Request, found: Finished, engine: ArrayEngine, table: Table) -> Result:
    """Row of one calculation; without arrays that can be read it is a failed one."""
    own = {k: v for k, v in found.row.items() if k in table.names}
    row = _labels(request, table) | own | no_arrays() | {"origin": str(Origin.RUN)}
    if row["status"] == Status.FAILED:
        return Result(row)
    try:
        arrays = engine.read(found.files)
    except EngineError as error:
        bad = {"error_class": error.error_class, "message": str(error)}
        return Result(row | bad | {"status": str(Status.FAILED)})
    units = {spec.name: spec.unit for spec in engine.ARRAYS}
    row |= described(arrays, units)
    if sum(array.nbytes for array in arrays.values()) <= SMALL:
        return Result(row, arrays=lambda: arrays)
    return Result(row, arrays=lambda: engine.read(found.files))


def _labels(request: Request, table: Table) -> Row:
    labels = labels_of(table)
    missing = [name for name in labels if name not in request.about]
    if missing:
        raise TableError(
            f"a request of kind {request.kind} does not give {', '.join(missing)} in `about`: "
            f"columns of table {table.name}"
        )
    own = {"calculation_id": request.calculation_id, "engine": request.engine,
           "protocol": request.protocol, "size": request.atoms}  # fmt: skip
    return own | {name: request.about[name] for name in labels}


def _relabelled(request: Request, row: Row, table: Table) -> Row:
    return row | _labels(request, table)


def known_results(families: Iterable[Family], ledger: Ledger) -> Iterator[tuple[Request, Result]]:
    """What is known of the calculations of chains, each once, in their order."""
    seen: set[str] = set()
    for _, item in survey(families, ledger):
        if isinstance(item, Waiting) or item.calculation_id in seen:
            continue
        seen.add(item.calculation_id)
        result = ledger.result(item)
        if result is not None:
            yield item, result


def write_arrays(path: str | Path, found: Iterable[Result], table: Table) -> int:
    """Write rows as a Parquet file and their arrays as the HDF5 file beside it.

    Parameters
    ----------
    path
        Of the table; the arrays go to :func:`defectra.core.arrays.array_path`.
    found
        Results; one is in memory at a time.

    Returns
    -------
    Number of rows. The table appears after its arrays and holds their checksum: where a kill left
    the old table beside new arrays, they are refused.
    """
    file = array_path(path)
    rows: list[Row] = []
    with array_writer(file) as add:
        for result in found:
            rows.append(result.row)
            if result.row["arrays"]:
                if result.arrays is None:
                    name = result.row["calculation_id"][:16]
                    raise TableError(f"calculation {name} has a row and no arrays")
                add(result.row, result.arrays())
    place = in_file(file.name, sha256_file(file))
    write_table(path, [row | place if row["arrays"] else row for row in rows], table)
    return len(rows)


def project(families: Iterable[Family], ledger: Ledger, kind: str, path: str | Path) -> int:
    """Write what is known of one kind of result; see :func:`write_arrays`."""
    results = (r for q, r in known_results(families, ledger) if q.kind == kind)
    return write_arrays(path, results, ledger.kinds[kind].table)


def measured_arrays(archive: Archive, *tables: Table) -> Iterator[Measured]:
    """What archived calculations took, for the cost model."""
    for table in tables:
        for row in archive.read(table):
            if row["status"] == Status.OK:
                key = (row["engine"], row["protocol"], ALONE)
                yield measured_row(key, row["size"], row)
