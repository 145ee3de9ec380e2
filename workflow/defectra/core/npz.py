"""Arrays of an npz (numpy's archive) without pickled objects, and never more than fit in memory.

An npz of zeros holds a thousand times its own size: what it will be is read from its directory
before anything is unpacked.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.paths import why_no_file
from defectra.core.textfiles import MOST


def read_npz(source: str | Path | bytes, most: int = MOST) -> dict[str, NDArray[Any]]:
    """Arrays by name.

    Parameters
    ----------
    source
        File, or the bytes of one.
    most
        Bytes of all arrays together, above which it is refused.

    Raises
    ------
    DataError
        If it is no npz, damaged, holds objects, or is larger.
    """
    name = "npz" if isinstance(source, bytes) else str(source)
    try:
        return _read(io.BytesIO(source) if isinstance(source, bytes) else source, name, most)
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{name}: {why_no_file(Path(name))}") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, MemoryError) as error:
        raise DataError(f"{name}: {_why_no_npz(source, error)}") from None


def _read(source: str | Path | io.BytesIO, name: str, most: int) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(source) as book:
        total = sum(item.file_size for item in book.infolist())
        packed = sum(item.compress_size for item in book.infolist())
    if total > most:
        raise DataError(f"{name}: {packed:,} bytes, unpacked {total:,}; at most {most:,} are read")
    if isinstance(source, io.BytesIO):
        source.seek(0)
    with np.load(source, allow_pickle=False) as data:
        return {key: data[key] for key in data.files}


def _why_no_npz(source: str | Path | bytes, error: Exception) -> str:
    """What a file is instead; numpy's own words speak of pickle whenever a file is no npz."""
    try:
        begins = source[:2] if isinstance(source, bytes) else Path(source).read_bytes()[:2]
    except OSError as refused:
        return f"cannot be read ({refused.strerror})"
    if begins != b"PK":
        return "no npz file; a model of Defectra ends in .npz or .safetensors"
    if "pickle" in str(error):
        return (
            "holds pickled objects, which could run code and are not read: save the numbers alone"
        )
    return f"a damaged npz ({' '.join(str(error).split())})"
