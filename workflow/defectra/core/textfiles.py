"""Text of files that may be gzipped, cut off or damaged."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from defectra.core.errors import EngineError

_GZIP = b"\x1f\x8b"


def read_bytes(path: str | Path, limit: int | None = None) -> bytes:
    """Bytes of a file, unpacked if it is gzipped (by its first bytes, whatever its name).

    Parameters
    ----------
    limit
        Read at most this many bytes; a pack that is cut off later is then no error.

    Raises
    ------
    EngineError
        ``missing_output`` if it is not there, ``truncated_output`` if the pack is cut off or
        damaged, ``unreadable`` if the system refuses it.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            packed = handle.read(2) == _GZIP
        opener = gzip.open if packed else open
        with opener(path, "rb") as handle:
            return handle.read() if limit is None else handle.read(limit)
    except FileNotFoundError:
        raise EngineError("missing_output", f"{path.name} was not written") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise EngineError("truncated_output", f"{path.name}: the gzip file is cut off") from None
    except OSError as error:
        raise EngineError("unreadable", f"{path.name}: {error.strerror}") from None


def read_text(path: str | Path, limit: int | None = None) -> str:
    """Text of a file, unpacked if it is gzipped; bytes that are no UTF-8 are replaced."""
    return read_bytes(path, limit).decode("utf-8", errors="replace")


def plain_name(path: str | Path) -> str:
    """Name without ``.gz``."""
    return Path(path).name.removesuffix(".gz")
