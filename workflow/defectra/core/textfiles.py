"""Text of files that may be packed, cut off or damaged."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from defectra.core.errors import EngineError

MOST = 1_000_000_000  # bytes, unpacked, of a file that is read whole
BLOCK = 1 << 20  # bytes that are read at a time
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


def read_bytes(path: str | Path, limit: int | None = None, most: int = MOST) -> bytes:
    """Bytes of a file, unpacked if it is packed (gzip, bzip2, xz, zstd), by its first bytes.

    Parameters
    ----------
    limit
        Read the head alone, at most this many bytes; what follows is not looked at.
    most
        Bytes, unpacked, above which a file is refused; a small pack may hold a thousand times its
        size. Not with `limit`.

    Raises
    ------
    EngineError
        ``missing_output`` if it is not there, ``truncated_output`` if the pack is cut off or
        damaged, ``too_large`` above `most`, ``unreadable`` if the system refuses it.
    """
    end = most + 1 if limit is None else limit
    data = bytearray()  # in parts: asked for `end` bytes at once, gzip takes memory for all of them
    with _opened(Path(path)) as handle:
        while part := handle.read(min(BLOCK, end - len(data))):
            data += part
    if limit is None and len(data) > most:
        packed = Path(path).stat().st_size
        raise EngineError(
            "too_large",
            f"{Path(path).name}: {packed:,} bytes, unpacked over {most:,}, and no more are read",
        )
    return bytes(data)


def blocks(path: str | Path, size: int = BLOCK) -> Iterator[bytes]:
    """Bytes of a file as of :func:`read_bytes`, whatever their number, in parts of `size`.

    Raises
    ------
    EngineError
        As of :func:`read_bytes`, without a bound.
    """
    with _opened(Path(path)) as handle:
        while part := handle.read(size):
            yield part


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The unpacked file; what goes wrong while it is read is an EngineError."""
    try:
        with _open(path) as handle:
            yield handle
    except FileNotFoundError:
        raise EngineError("missing_output", f"{path.name} was not written") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError):
        raise EngineError("truncated_output", f"{path.name}: the packed file is cut off") from None
    except OSError as error:
        if error.errno is None:  # what bz2 and pyarrow say of a damaged pack
            text = f"{path.name}: the packed file is damaged"
            raise EngineError("truncated_output", text) from None
        raise EngineError("unreadable", f"{path.name}: {error.strerror}") from None


def read_text(path: str | Path, limit: int | None = None, most: int = MOST) -> str:
    """Text of a file, unpacked if it is packed, by its byte order mark, else UTF-8.

    Bytes that are none of it are replaced; `limit` and `most` are those of :func:`read_bytes`.
    """
    return decoded(read_bytes(path, limit, most))


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
