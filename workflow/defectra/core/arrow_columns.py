"""Columns of Arrow tables from Python values, strictly.

pyarrow's own conversion imports pandas, which takes a quarter of a second of CPU time in every job
that writes a table, and cuts 1.5 in a column of integers to 1. Here arrays are made of their
buffers (Arrow columnar format, physical memory layout), and what is not of the type is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_LARGEST = 2**31 - 1  # offsets are 32 bits


def arrow_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Array of a type of :meth:`defectra.core.records.Table.schema`; None is null.

    Parameters
    ----------
    values
        Numbers of Python or numpy, text, bytes, or for lists sequences of them.

    Raises
    ------
    TypeError, ValueError, OverflowError
        For a value that is not of the type, or too large for it.
    """
    import pyarrow as pa

    if pa.types.is_list(kind):
        parts = [() if v is None else _sequence(v) for v in values]
        inner = arrow_array([x for part in parts for x in part], kind.value_type)
        head = [_validity(values), _offsets(map(len, parts))]
        return pa.Array.from_buffers(kind, len(values), head, children=[inner])
    if kind in (pa.string(), pa.binary()):
        encode = _text if kind == pa.string() else _bytes
        data = [b"" if v is None else encode(v) for v in values]
        body = [_offsets(map(len, data)), pa.py_buffer(b"".join(data))]
        return pa.Array.from_buffers(kind, len(values), [_validity(values), *body])
    make: Callable[[Any], Any] = {pa.int64(): _integers, pa.float64(): _floats}.get(kind, _bits)
    return pa.Array.from_buffers(kind, len(values), [_validity(values), make(values)])


def _validity(values: Sequence[Any]) -> Any:
    """Bits that tell what is not null; None: nothing is."""
    if not any(v is None for v in values):
        return None
    return _packed([v is not None for v in values])


def _packed(bits: Sequence[bool]) -> Any:
    import numpy as np
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.array(bits, bool), bitorder="little").tobytes())


def _offsets(lengths: Iterable[int]) -> Any:
    import numpy as np
    import pyarrow as pa

    ends = np.cumsum([0, *lengths], dtype=np.int64)
    if ends[-1] > _LARGEST:
        raise OverflowError(f"{ends[-1]} items in one column of a row group; write fewer rows")
    return pa.py_buffer(ends.astype(np.int32))


def _need(values: Sequence[Any], *kinds: type) -> bool:
    """Whether there is no null; looks at types, of which there are few, instead of values.

    Raises
    ------
    TypeError
        If a value is of none of `kinds`.
    """
    there = set(map(type, values))
    for kind in there - {type(None)}:
        if not issubclass(kind, kinds):
            found = next(v for v in values if type(v) is kind)
            raise TypeError(f"expected {kinds[0].__name__}, got {found!r} ({kind.__name__})")
    return type(None) not in there


def _integers(values: Sequence[Any]) -> Any:
    import numpy as np
    import pyarrow as pa

    _need(values, int, float, np.number, np.bool_)
    whole = [0 if v is None else int(v) for v in values]
    for value, number in zip(values, whole):
        if value is not None and value != number:
            raise ValueError(f"{value!r} is no integer")
    return pa.py_buffer(np.array(whole, np.int64))


def _floats(values: Sequence[Any]) -> Any:
    import numpy as np
    import pyarrow as pa

    is_full = _need(values, float, int, np.number, np.bool_)
    there = values if is_full else [0.0 if v is None else v for v in values]
    return pa.py_buffer(np.array(there, np.float64))


def _bits(values: Sequence[Any]) -> Any:
    import numpy as np

    _need(values, bool, np.bool_)
    return _packed([bool(v) for v in values])


def _text(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"expected str, got {value!r} ({type(value).__name__})")
    return value.encode()


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"expected bytes, got {value!r} ({type(value).__name__})")
    return bytes(value)


def _sequence(value: Any) -> Sequence[Any]:
    """Items of a cell of a list column; of an array as Python's numbers."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.ndim != 1:
            raise TypeError(f"expected a list, got an array of {value.ndim} axes")
        found: list[Any] = value.tolist()
        return found
    if isinstance(value, str | bytes | dict):
        raise TypeError(f"expected a list, got {value!r} ({type(value).__name__})")
    return list(value)
