"""Registry of published data sets: found in a mirror, checked, fetched from their source.

The data themselves are never part of this repository; ``config/datasets.csv`` names each file
with its size, checksum, source and licence. A rule that :func:`needs` one takes it from the mirror
that the config names, else from ``resources/data``, where rule `fetch_published` brings it.
``python -m defectra.core.datasets fetch FOLDER`` brings all of them at once; the default campaign
needs none.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import lzma
import sys
import tarfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO

from defectra.core.downloads import digest_of, download, download_folder, packed
from defectra.core.errors import DataError, DefectraError
from defectra.core.paths import CONFIG
from defectra.core.step import Job
from defectra.core.store import sha256_file

REGISTRY = CONFIG / "datasets.csv"
DATA = "resources/data"  # below the folder of the run: what is fetched where no mirror is named
# Both give the file of one commit: the repository's own host, and a public copy of it.
HOSTS = (
    "https://raw.githubusercontent.com/{source}/{commit}/{path}",
    "https://cdn.jsdelivr.net/gh/{source}@{commit}/{path}",
)


# All files of one commit in one stream; their packing may differ from day to day.
ARCHIVE_HOSTS = ("https://codeload.github.com/{source}/tar.gz/{commit}",)


@dataclass(frozen=True)
class Dataset:
    """One file of a published data set.

    Attributes
    ----------
    path
        Below the mirror.
    bytes, sha256
        Of the file.
    source, commit, source_path
        Repository, version and path there.
    plain_bytes, plain_sha256
        Of what the source has, where the file is that packed with gzip, or made of it; else 0 and
        empty.
    maker
        Function that makes the file of what the source has: ``defectra.<module>.<function>``,
        called with both paths.
    members
        Names of the files that are packed into this one, of all below `source_path`; else empty.
    content_sha256
        Of what a packed file holds (:func:`content_digest`), whatever packed it.
    by_hand
        Why it cannot be fetched; empty where it can.
    """

    path: str
    bytes: int
    sha256: str
    source: str
    commit: str
    source_path: str
    licence: str
    plain_bytes: int = 0
    plain_sha256: str = ""
    maker: str = ""
    members: str = ""
    content_sha256: str = ""
    by_hand: str = ""

    def addresses(self, hosts: Sequence[str] = HOSTS) -> list[str]:
        """Addresses of exactly this version, the preferred one first; none if it has none."""
        if self.by_hand or not (self.commit and self.source_path):
            return []
        if self.members and hosts is HOSTS:
            hosts = ARCHIVE_HOSTS
        path = urllib.parse.quote(self.source_path)
        return [h.format(source=self.source, commit=self.commit, path=path) for h in hosts]

    def is_right(self, file: Path) -> bool:
        """Whether a file is this one, or holds the same, packed by another program."""
        if sha256_file(file) == self.sha256:
            return True
        wanted = self.content_sha256 or ("" if self.maker else self.plain_sha256)
        return bool(wanted) and content_digest(file) == wanted

    def by_yourself(self, folder: str | Path) -> str:
        """What somebody has to do who brings the file into `folder` without us."""
        where = f"{self.source_path} of " if self.source_path and not self.by_hand else ""
        version = f" at {self.commit}" if self.commit else ""
        put = f"put {where}{self.source}{version}"
        if self.plain_sha256 and not self.maker:
            put += ", packed with gzip"
        if self.members:
            put += f" ({' and '.join(self.members.split())} alone, packed as tar.xz)"
        made = f", made of it by {self.maker}," if self.maker else ""
        return (
            f"{put}{made} at {Path(folder) / self.path} "
            f"({self.bytes:,} bytes, sha256 {self.sha256}), or name a folder that has it: "
            f"`make ... MIRROR=FOLDER`"
        )


def content_digest(file: Path) -> str:
    """SHA-256 of what a packed file holds, by its ending; empty if it cannot be unpacked.

    ``.gz``: of the bytes inside. ``.npz``, ``.tar.xz``: of the sorted list of names and SHA-256 of
    the files inside.
    """
    try:
        if file.name.endswith(".npz"):
            return digest_of(_of_zip(file))
        if file.name.endswith(".tar.xz"):
            return digest_of(_of_tar(file))
        with gzip.open(file) as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except (OSError, EOFError, ValueError, *_DAMAGED):
        return ""


_DAMAGED = (zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


def _streamed(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while part := content.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()


def _of_zip(file: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(file) as handle:
        for name in handle.namelist():
            with handle.open(name) as content:
                yield name, _streamed(content)


def _of_tar(file: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(file) as handle:
        for member in handle:
            content = handle.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, _streamed(content)


def registry(path: Path = REGISTRY) -> dict[str, Dataset]:
    """All registered files by path below the mirror.

    Raises
    ------
    DataError
        If a line is incomplete, or a path would leave the mirror.
    """
    out: dict[str, Dataset] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle), 2):
            try:
                entry = _entry({key: value for key, value in row.items() if value})
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(f"{path}: line {number}: {error}") from None
            if Path(entry.path).is_absolute() or ".." in Path(entry.path).parts:
                raise DataError(f"{path}: line {number}: {entry.path!r} leaves the mirror")
            out[entry.path] = entry
    return out


def _entry(given: dict[str, str]) -> Dataset:
    text = {"commit": "", "source_path": "", **given}
    sizes = (int(text.pop("bytes")), int(text.pop("plain_bytes", "0")))
    return Dataset(bytes=sizes[0], plain_bytes=sizes[1], **text)


def locate(path: str, mirror: str | Path | None, known: Path = REGISTRY) -> Path:
    """File of the mirror, after its checksum was found to be right.

    Parameters
    ----------
    path
        Path below the mirror, as registered.
    mirror
        Folder with the published data sets; key ``mirror`` of the config. None: :data:`DATA`.

    Raises
    ------
    DataError
        If it is not registered, not there, or not what the registry says.
    """
    return _checked(Path(mirror or DATA) / path, registered(path, known))


def registered(path: str, known: Path = REGISTRY) -> Dataset:
    """One file of the registry.

    Raises
    ------
    DataError
        If it is not registered.
    """
    entry = registry(known).get(path)
    if entry is None:
        raise DataError(f"{path}: not registered in {known}; add it with its sha256 and source")
    return entry


def _checked(file: Path, entry: Dataset) -> Path:
    if not file.is_file():
        raise DataError(_lacking(file, entry))
    if not entry.is_right(file):
        found = sha256_file(file)
        raise DataError(f"{file}: sha256 is {found}, the registry says {entry.sha256}; replace it")
    return file


def _lacking(file: Path, entry: Dataset) -> str:
    """What to do about a registered file that a mirror lacks."""
    folder = str(file).removesuffix(entry.path)
    how = (
        f"`python -m defectra.core.datasets fetch {folder}` brings it from {entry.source}"
        if entry.addresses()
        else entry.by_yourself(folder)
    )
    return f"{file}: no such file; {how}"


def located(files: str | Sequence[str], mirror: str | Path | None) -> list[Path]:
    """Input files of a rule that :func:`needs` gave, each after its checksum was found right."""
    names = [files] if isinstance(files, str) else list(files)
    if mirror is not None:
        return [locate(str(Path(name).relative_to(mirror)), mirror) for name in names]
    return [_checked(Path(name), registered(_below_data(name))) for name in names]


def _below_data(name: str) -> str:
    """What lies below ``resources/data``, wherever another workflow has put that folder."""
    _, found, path = name.rpartition(f"{DATA}/")
    if not found:
        raise DataError(f"{name}: not below {DATA}; name its folder (`mirror`)")
    return path


def needs(path: str, mirror: str | None, known: Path = REGISTRY) -> Callable[[object], str]:
    """Input function of a rule that reads a published file.

    Only asked when the rule is wanted, so that a run that needs no data needs no mirror: a file of
    the mirror if one is named, else one below :data:`DATA`, which rule `fetch_published` makes. The
    checksum is found by the step, through :func:`located`.
    """

    def found(wildcards: object) -> str:
        del wildcards
        if mirror is not None:
            at = Path(mirror) / path
            if not at.is_file():
                raise DataError(_lacking(at, registered(path, known)))
            return str(at)
        file = Path(DATA) / path
        entry = registered(path, known)
        if not entry.addresses() and not file.exists():
            raise DataError(
                f"{path}: cannot be fetched automatically ({entry.by_hand or 'no address'}); "
                f"{entry.by_yourself(DATA)}"
            )
        return str(file)

    return found


def needs_all(paths: Sequence[str], mirror: str | None) -> Callable[[object], list[str]]:
    """As :func:`needs`, for several files."""

    def found(wildcards: object) -> list[str]:
        return [needs(path, mirror)(wildcards) for path in paths]

    return found


def needs_if_named(
    paths: Sequence[str], mirror: str | None
) -> Callable[[object], list[str]] | list[str]:
    """As :func:`needs_all` where a mirror is named; without one, nothing is asked for."""
    return needs_all(paths, mirror) if mirror else []


def first_there(
    paths: Sequence[str], mirror: str | None, otherwise: str
) -> Callable[[object], str | list[str]]:
    """Input function of a rule that makes the best of what a user has brought by hand.

    The first of the files that is there; if none is, nothing is asked for and `otherwise` is
    printed, once.
    """
    said: list[str] = []

    def found(wildcards: object) -> str | list[str]:
        del wildcards
        there = [str(Path(mirror or DATA) / path) for path in paths if has(path, mirror)]
        if not there and not said:
            said.append(otherwise)
            print(otherwise, file=sys.stderr, flush=True)
        return there[0] if there else []

    return found


def has(path: str, mirror: str | None) -> bool:
    """Whether a file that a user may have brought is there."""
    return (Path(mirror or DATA) / path).is_file()


def fetch(entry: Dataset, mirror: Path, hosts: Sequence[str] = HOSTS) -> Path:
    """Bring one file from its source; what has another checksum is not kept.

    Raises
    ------
    DataError
        If it cannot be had, with what to put where.
    """
    if not entry.addresses(hosts):
        raise DataError(
            f"{entry.path}: cannot be fetched automatically ({entry.by_hand or 'no address'}); "
            f"{entry.by_yourself(mirror)}"
        )
    file = mirror / entry.path
    try:
        if entry.members:
            wanted = (entry.source_path, entry.members.split(), entry.content_sha256)
            return download_folder(file, entry.addresses(hosts), *wanted)
        if entry.plain_sha256:
            plain = file.with_name(f"{file.name}.plain")
            size, sha256 = entry.plain_bytes, entry.plain_sha256
            download(plain, entry.addresses(hosts), size, sha256)
            return _made(entry, plain, file) if entry.maker else packed(plain, file)
        return download(file, entry.addresses(hosts), entry.bytes, entry.sha256)
    except DataError as error:
        raise DataError(
            f"{entry.path}: cannot be fetched ({error}); try again later, or "
            f"{entry.by_yourself(mirror)}"
        ) from None


def _made(entry: Dataset, plain: Path, file: Path) -> Path:
    """The registered file of what its source has; the latter is removed."""
    module, _, function = entry.maker.rpartition(".")
    if not module.startswith("defectra."):
        raise DataError(f"{entry.maker}: no function of ours")
    getattr(import_module(module), function)(plain, file)
    plain.unlink()
    if not entry.is_right(file):
        file.unlink()
        raise DataError(f"{entry.maker} makes something else of it than is registered")
    return file


def fetch_published(job: Job) -> None:
    """Step: one registered file from its source.

    Output the file, below ``resources/data``; its log; params.sha256 as registered.
    """
    name = str(job.output[0])
    path = _below_data(name)
    fetch(registered(path), Path(name.removesuffix(path)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: ``check`` or ``fetch`` all registered files."""
    parser = argparse.ArgumentParser(description="Published data sets of a mirror.")
    parser.add_argument("action", choices=["check", "fetch"])
    parser.add_argument("mirror", type=Path)
    args = parser.parse_args(arguments)
    wrong = 0
    for path, entry in registry().items():
        try:
            if args.action == "fetch" and not (args.mirror / path).exists():
                fetch(entry, args.mirror)
            locate(path, args.mirror)
            print(f"ok     {path} ({entry.licence})")
        except DefectraError as error:
            wrong += 1
            print(f"wrong  {error}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
