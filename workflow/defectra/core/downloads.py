"""Downloads of published files: checked, resumed after a break, from several addresses in turn.

The library pooch compares the checksum, tries once more, and puts only a right file in place. What
it lacks stands here: :class:`Resuming` goes on where a broken connection stopped, ends an answer
that is longer than the file, and says how far it is.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import tarfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from defectra.core.errors import DataError
from defectra.core.store import made, write_bytes

STALL_S = 60.0  # longest silence of a server; a slow answer that goes on is waited for
TRIES = 2
_BLOCK = 65_536
_GROUP_READABLE = 0o644

# Called with a url, headers and so on, as `requests.Session.get`; returns its response.
Get = Callable[..., Any]


@dataclass
class Resuming:
    """Downloader for pooch that keeps what arrived and asks for the rest (HTTP Range).

    Attributes
    ----------
    part
        File that holds what has arrived; it outlives a broken connection and a killed process.
    size
        Bytes of the whole file.
    get
        As ``requests.Session.get``.
    say
        Told once for each tenth of the file.
    """

    part: Path
    size: int
    get: Get
    say: Callable[[str], None] = print
    _reported: int = field(default=0, init=False)

    def __call__(self, url: str, output_file: str, pooch: object) -> None:  # noqa: ARG002
        """Bring ``url`` to ``output_file``.

        Raises
        ------
        ValueError
            If the server sends more or less than the size.
        requests.exceptions.RequestException
            If the connection fails; what came stays in `part`.
        """
        have = self.part.stat().st_size if self.part.exists() else 0
        if have > self.size:
            self.part.unlink()
            have = 0
        if have < self.size:
            self._bring(url, have)
        found = self.part.stat().st_size if self.part.exists() else 0
        if found < self.size:
            raise ValueError(f"{found} of {self.size} bytes came")
        self.part.replace(output_file)

    def _bring(self, url: str, have: int) -> None:
        headers = {"User-Agent": "defectra", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with self.get(url, headers=headers, stream=True, timeout=STALL_S) as answer:
            if answer.status_code == 416:  # what is there is not a beginning of that file
                self.part.unlink(missing_ok=True)
            answer.raise_for_status()
            at = have if _continues(answer, have) else 0
            with self.part.open("r+b" if at else "wb") as file:
                file.seek(at)
                for block in answer.iter_content(_BLOCK):
                    at += len(block)
                    if at > self.size:
                        break
                    file.write(block)
                    file.flush()
                    self._tell(at)
        if at > self.size:
            self.part.unlink()
            raise ValueError(f"more than {self.size} bytes came")

    def _tell(self, at: int) -> None:
        tenth = 10 * at // max(self.size, 1)
        if tenth > self._reported:
            self._reported = tenth
            self.say(f"{self.part.name.removesuffix('.part')}: {10 * tenth} % of {self.size} bytes")


def _continues(answer: Any, have: int) -> bool:
    """Whether an answer begins where we stopped; a server may send all of it instead."""
    begins = str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
    return bool(have) and answer.status_code == 206 and begins


def download(
    file: Path,
    addresses: Sequence[str],
    size: int,
    sha256: str,
    get: Get | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Bring one file from the first address that gives it as registered, each asked twice.

    Parameters
    ----------
    file
        Where it goes; the folder is made. A file that is there with that checksum stays.
    addresses
        Of the same bytes, the preferred one first.
    size
        Bytes; an answer that is longer is cut off.
    sha256
        Checksum in hexadecimal digits.

    Raises
    ------
    DataError
        If no address gives it, with what each said. Nothing wrong is left behind.
    """
    import pooch
    import requests

    if not addresses:
        raise DataError(f"{file}: no address is known")
    made(file.parent)
    pooch.get_logger().setLevel(logging.WARNING)
    part = file.with_name(f"{file.name}.part")
    said = []
    with requests.Session() as session:
        downloader = Resuming(part, size, get or session.get, say)
        for address in addresses:
            store = pooch.create(
                path=file.parent,
                base_url="",
                registry={file.name: f"sha256:{sha256}"},
                urls={file.name: address},
                retry_if_failed=TRIES - 1,
            )
            try:
                store.fetch(file.name, downloader=downloader)
            except (requests.exceptions.RequestException, ValueError, OSError) as error:
                said.append(f"{address}: {_short(error)}")
            else:
                file.chmod(_GROUP_READABLE)
                return file
    raise DataError("; ".join(said))


def _short(error: Exception) -> str:
    """First line of what went wrong; a library's own words on a connection are long."""
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    if isinstance(error, Timeout):
        return "no answer in time"
    if isinstance(error, NoConnection):
        return "no connection, or it broke off"
    return str(error).splitlines()[0]


def packed(plain: Path, file: Path) -> Path:
    """The file packed with gzip, for tables that are kept so; the plain one is removed."""
    write_bytes(file, gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()
    return file


MOST = 2_000_000_000  # bytes of files that are unpacked


def download_folder(
    file: Path,
    addresses: Sequence[str],
    folder: str,
    names: Sequence[str],
    content_sha256: str,
    get: Get | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Some files of one folder of a repository, out of the archive of one commit, as a ``.tar.xz``.

    The stream is read up to the end of the folder and not kept. Servers pack such archives anew, so
    that what is inside is compared, not the bytes; and they cannot resume.

    Parameters
    ----------
    addresses
        Of a ``.tar.gz`` with one folder at its root.
    folder
        Path in the repository, ending in ``/``.
    names
        File names that are kept, of all below the folder.
    content_sha256
        As :func:`digest_of` has it, of their paths and contents.

    Raises
    ------
    DataError
        If no address gives them, with what each said. Nothing wrong is left behind.
    """
    import requests

    made(file.parent)
    said = []
    with requests.Session() as session:
        for address in [a for a in addresses for _ in range(TRIES)]:
            part = file.with_name(f"{file.name}.part")
            try:
                say(f"{file.name}: {folder} of {address}; the server does not say how much it is")
                found = _repacked(part, get or session.get, address, folder, names, say)
                if found != content_sha256:
                    raise ValueError("other files came than are registered")
            except (requests.exceptions.RequestException, ValueError, *_TORN) as error:
                part.unlink(missing_ok=True)
                said.append(f"{address}: {_short(error)}")
            else:
                part.replace(file)
                file.chmod(_GROUP_READABLE)
                return file
    raise DataError("; ".join(said) or f"{file}: no address is known")


_TORN = (OSError, EOFError, tarfile.TarError, zlib.error)


def digest_of(members: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of names and SHA-256 of files, whatever their order."""
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(members))
    return hashlib.sha256(text.encode()).hexdigest()


def _repacked(
    part: Path, get: Get, address: str, folder: str, names: Sequence[str], say: Callable[..., None]
) -> str:
    """Write the wanted files; digest of what came."""
    digests: list[tuple[str, str]] = []
    size = 0
    with (
        get(address, headers={"User-Agent": "defectra"}, stream=True, timeout=STALL_S) as answer,
        tarfile.open(part, "w:xz", preset=1) as out,
    ):
        answer.raise_for_status()
        with tarfile.open(fileobj=answer.raw, mode="r|gz") as tar:
            for member in tar:
                name = member.name.partition("/")[2]
                if not name.startswith(folder):
                    if digests:  # an archive is in the order of its paths
                        break
                    continue
                content = tar.extractfile(member) if member.isfile() else None
                if content is None or name.rpartition("/")[2] not in names:
                    continue
                data = content.read(MOST)
                size += len(data)
                if size > MOST:
                    raise ValueError(f"more than {MOST} bytes came")
                kept = tarfile.TarInfo(name)
                kept.size = len(data)
                out.addfile(kept, io.BytesIO(data))
                digests.append((name, hashlib.sha256(data).hexdigest()))
                if len(digests) % 1000 == 0:
                    say(f"{part.name.removesuffix('.part')}: {len(digests)} files")
    return digest_of(digests)
