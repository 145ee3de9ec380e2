"""Text of files that may be packed, cut off or damaged."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import IO, cast

from defectra.core.errors import EngineError

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".lzma")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip


def _packed(path: Path) -> str:
    with path.open("rb") as handle:
        start = handle.read(6)
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "")


def _open(path: Path) -> IO[bytes]:
    """The unpacked file, by its first bytes, whatever its name."""
    kind = _packed(path)
    if kind == "zstd":
        import pyarrow as pa

        return cast(IO[bytes], pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
    if kind == "gzip":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if kind == "bz2":
        return cast(IO[bytes], bz2.open(path, "rb"))
    return cast(IO[bytes], lzma.open(path, "rb")) if kind == "xz" else path.open("rb")


def read_bytes(path: str | Path, limit: int | None = None) -> bytes:
    """Bytes of a file, unpacked if it is packed (gzip, bzip2, xz, zstd), by its first bytes.

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
        with _open(path) as handle:
            return handle.read() if limit is None else handle.read(limit)
    except FileNotFoundError:
        raise EngineError("missing_output", f"{path.name} was not written") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError):
        raise EngineError("truncated_output", f"{path.name}: the packed file is cut off") from None
    except OSError as error:
        if error.errno is None:  # what bz2 and pyarrow say of a damaged pack
            text = f"{path.name}: the packed file is damaged"
            raise EngineError("truncated_output", text) from None
        raise EngineError("unreadable", f"{path.name}: {error.strerror}") from None


def read_text(path: str | Path, limit: int | None = None) -> str:
    """Text of a file, unpacked if it is packed, by its byte order mark, else UTF-8.

    Bytes that are none of it are replaced.
    """
    return decoded(read_bytes(path, limit))


def decoded(data: bytes) -> str:
    """Text of bytes: UTF-8, UTF-16 or UTF-32 with a mark, or UTF-16 whose every other byte is 0."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, errors="replace")
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(data) > 3 and not any(data[first:400:2]) and all(data[1 - first : 400 : 2]):
            return data.decode(name, errors="replace")
    return data.decode("utf-8", errors="replace")


def plain_name(path: str | Path) -> str:
    """Name without the ending of a packed file, such as ``.gz`` or ``.xz``."""
    name = Path(path).name
    return next((name.removesuffix(e) for e in _ENDINGS if name.lower().endswith(e)), name)


class Ending(io.StringIO):
    """Text for readers that take as many lines as the text itself says.

    Such a reader asks for a line 10^18 times where a damaged count says so. Lines that are asked
    for after the end are an EOFError, once there were a thousand of them.
    """

    _after = 0

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        """The next line; empty at the end.

        Raises
        ------
        EOFError
            If the end was met a thousand times.
        """
        line = super().readline(-1 if size is None else size)
        self._after = 0 if line else self._after + 1
        if self._after > 1000:
            raise EOFError("the text ends before as many lines as its own count says")
        return line
