"""Registry of published data sets: found in a mirror, checked, fetched from their source.

The data themselves are never part of this repository; ``config/datasets.csv`` names each file
with its size, checksum, source and licence. ``python -m defectra.core.datasets fetch FOLDER``
brings them from their source repositories (it needs the internet; the default campaign needs no
data).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from defectra.core.errors import DataError, DefectraError
from defectra.core.paths import CONFIG
from defectra.core.store import sha256_file, write_bytes

REGISTRY = CONFIG / "datasets.csv"
RAW = "https://raw.githubusercontent.com"
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Dataset:
    """One file of a published data set."""

    path: str
    bytes: int
    sha256: str
    source: str
    commit: str
    source_path: str
    licence: str

    @property
    def url(self) -> str:
        """Address of exactly this version."""
        return f"{RAW}/{self.source}/{self.commit}/{urllib.parse.quote(self.source_path)}"


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
                size = int(row.pop("bytes"))
                entry = Dataset(bytes=size, **row)
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(f"{path}: line {number}: {error}") from None
            if Path(entry.path).is_absolute() or ".." in Path(entry.path).parts:
                raise DataError(f"{path}: line {number}: {entry.path!r} leaves the mirror")
            out[entry.path] = entry
    return out


def locate(path: str, mirror: str | Path | None, known: Path = REGISTRY) -> Path:
    """File of the mirror, after its checksum was found to be right.

    Parameters
    ----------
    path
        Path below the mirror, as registered.
    mirror
        Folder with the published data sets; key ``mirror`` of the config.

    Raises
    ------
    DataError
        If it is not registered, not there, or not what the registry says.
    """
    entry = registry(known).get(path)
    if entry is None:
        raise DataError(f"{path}: not registered in {known}; add it with its sha256 and source")
    if mirror is None:
        raise DataError(f"{path}: no mirror; set key `mirror` of the config to its folder")
    file = Path(mirror) / path
    if not file.is_file():
        raise DataError(
            f"{file}: no such file; `python -m defectra.core.datasets fetch {mirror}` brings it "
            f"from {entry.source}"
        )
    found = sha256_file(file)
    if found != entry.sha256:
        raise DataError(f"{file}: sha256 is {found}, the registry says {entry.sha256}; replace it")
    return file


def located(files: str | Sequence[str], mirror: Path) -> list[Path]:
    """Files of a rule that lie in the mirror, each after its checksum was found to be right."""
    names = [files] if isinstance(files, str) else list(files)
    return [locate(str(Path(name).relative_to(mirror)), mirror) for name in names]


def needs(path: str, mirror: str | None) -> Callable[[object], str]:
    """Input function of a rule that reads a file of the mirror.

    Only asked when the rule is wanted, so that a run that needs no data needs no mirror. The
    checksum is found by the script, through :func:`locate`.
    """

    def found(wildcards: object) -> str:
        del wildcards
        if mirror is None:
            raise DataError(
                f"{path}: no mirror of the published data is known; set key `mirror` of "
                f"config.yaml, or say `make ... MIRROR=FOLDER` (`python -m defectra.core.datasets "
                f"fetch FOLDER` fills one)"
            )
        return str(Path(mirror) / path)

    return found


def needs_all(paths: Sequence[str], mirror: str | None) -> Callable[[object], list[str]]:
    """As :func:`needs`, for several files."""

    def found(wildcards: object) -> list[str]:
        return [needs(path, mirror)(wildcards) for path in paths]

    return found


def fetch(entry: Dataset, mirror: Path) -> Path:
    """Bring one file from its source; what has another checksum is not kept.

    Not exercised by the tests beyond a local server: it needs the internet.
    """
    if not entry.commit or not entry.source_path:
        raise DataError(
            f"{entry.path}: no address of this very version is known; take the file from "
            f"{entry.source} and put it into the mirror yourself"
        )
    request = urllib.request.Request(entry.url, headers={"User-Agent": "defectra"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            data = answer.read(entry.bytes + 1)
    except (urllib.error.URLError, TimeoutError) as error:
        raise DataError(f"{entry.url}: cannot be fetched ({error}); try again later") from None
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise DataError(f"{entry.url}: sha256 is {found}, the registry says {entry.sha256}")
    file = mirror / entry.path
    write_bytes(file, data)
    return file


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
