"""Digest of what folders of finished runs hold, as rules carry it: a run that is added is seen."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

SKIPPED = {".git", "__pycache__", ".snakemake"}  # folders that hold no runs
END = 1 << 16  # bytes read at each end of a file


def folder_digest(folders: Iterable[str | Path]) -> str:
    """Digest of all files below some folders, 16 hex digits; empty for no folders.

    Of each file the name within its folder, its size, and the first and last 64 KiB: a file up to
    128 KiB is read whole, of a larger one a change between that keeps its size is not seen. Neither
    times, nor where the folders are, nor the order of a listing count, so that a copy is the same.
    """
    digests = [hashlib.sha256(json.dumps(_files(Path(f))).encode()).hexdigest() for f in folders]
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:16] if digests else ""


@cache
def digest_once(folders: tuple[str, ...]) -> str:
    """As :func:`folder_digest`, read once in a process: its jobs share what it found."""
    return folder_digest(folders)


def digest_of(folders: Sequence[str]) -> Callable[[Any], str]:
    """Parameter of a rule: :func:`folder_digest`, worked out for rules with a job alone."""

    def digest(wildcards: Any) -> str:  # noqa: ARG001
        return digest_once(tuple(folders))

    return digest


def _files(root: Path) -> list[tuple[str, int, str]]:
    """Name within the folder, bytes and digest of each file, by name."""
    return sorted((path.relative_to(root).as_posix(), *_looked_at(path)) for path in _below(root))


def _below(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in SKIPPED]
        yield from (path for name in files if (path := Path(folder, name)).is_file())


def _looked_at(path: Path) -> tuple[int, str]:
    """Size and digest of both ends; of a file that cannot be read, which its step reports, none."""
    try:
        with path.open("rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            digest = hashlib.sha256(handle.read(END))
            handle.seek(max(END, size - END))
            digest.update(handle.read(END))
            return size, digest.hexdigest()
    except OSError:
        return -1, ""
