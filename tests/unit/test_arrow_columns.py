"""Columns from Python values: as pyarrow makes them, but strictly, and without pandas."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defectra.core.arrow_columns import arrow_array
from defectra.core.errors import TableError
from defectra.core.records import Column, Table
from defectra.core.store import read_table, to_arrow, write_table

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KINDS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): INTEGERS,
    pa.float64(): st.floats() | st.integers(-(2**53), 2**53),
    pa.bool_(): st.booleans(),
    pa.string(): TEXT,
    pa.binary(): st.binary(),
    pa.list_(pa.int64()): st.lists(INTEGERS),
    pa.list_(pa.float64()): st.lists(st.none() | st.floats()),
    pa.list_(pa.string()): st.lists(st.none() | TEXT),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_same_as_pyarrow_makes(kind: pa.DataType) -> None:
    @settings(deadline=None)
    @given(st.lists(st.none() | KINDS[kind]))
    def check(values: list[Any]) -> None:
        ours = arrow_array(values, kind)
        ours.validate(full=True)
        theirs = pa.array(values, kind)
        assert ours.type == theirs.type
        assert ours.null_count == theirs.null_count
        assert repr(ours.to_pylist()) == repr(theirs.to_pylist())  # NaN is itself

    check()


WRONG = [
    (pa.int64(), 1.5), (pa.int64(), math.nan), (pa.int64(), "1"), (pa.int64(), 2**63),
    (pa.int64(), math.inf), (pa.float64(), "1.5"), (pa.float64(), [1.0]), (pa.bool_(), 1),
    (pa.bool_(), "yes"), (pa.string(), 1), (pa.string(), b"x"), (pa.string(), "\ud800"),
    (pa.binary(), "x"), (pa.list_(pa.string()), "abc"), (pa.list_(pa.float64()), 1.0),
    (pa.list_(pa.int64()), [1, 2.5]), (pa.list_(pa.float64()), np.zeros((2, 2))),
    (pa.list_(pa.string()), {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), WRONG, ids=str)
def test_what_is_not_of_the_type_is_refused(kind: pa.DataType, value: Any) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        arrow_array([value], kind)


def test_numbers_of_numpy_and_whole_floats() -> None:
    assert arrow_array([np.int32(3), 4.0, True], pa.int64()).to_pylist() == [3, 4, 1]
    assert arrow_array([np.float32(0.5), np.int8(2)], pa.float64()).to_pylist() == [0.5, 2.0]
    assert arrow_array([np.bool_(True)], pa.bool_()).to_pylist() == [True]
    cell = arrow_array([np.array([1.0, 2.0])], pa.list_(pa.float64()))
    assert cell.to_pylist() == [[1.0, 2.0]]


def test_the_error_names_table_and_column(tmp_path: Path) -> None:
    table = Table("numbers", (Column("n", "int", "", ""), Column("v", "floats", "eV", "")))
    with pytest.raises(TableError, match=r"table numbers, column n: 1\.5 is no integer"):
        to_arrow([{"n": 1.5, "v": []}], table)
    rows = [{"n": 1, "v": [0.5]}, {"n": None, "v": []}]
    write_table(tmp_path / "t.parquet", rows, table)
    assert read_table(tmp_path / "t.parquet", table) == rows


def test_a_table_is_written_and_read_without_pandas(tmp_path: Path, root: Path) -> None:
    program = (
        "import sys; from defectra.core.records import Column, Table\n"
        "from defectra.core.store import read_table, write_table\n"
        "table = Table('t', (Column('n', 'strings', '', ''), Column('x', 'float', '', '')))\n"
        "write_table('t.parquet', [{'n': ['a'], 'x': 1.0}], table)\n"
        "assert read_table('t.parquet', table) == [{'n': ['a'], 'x': 1.0}]\n"
        "assert 'pandas' not in sys.modules"
    )
    environment = {"PYTHONPATH": str(root / "workflow")}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
