"""Files of a tree that are no run: each with a reason, so that nothing is lost silently."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_bytes
from defectra.engines.finished.reader import BACKUP, LARGEST, PACKED_FOLDER, Folder, Reader
from defectra.engines.finished.structures import NAMES

_BINARY = 0.1  # of the first bytes that no text has


def reasons(
    folder: Folder, taken: Collection[Path], engines: Collection[Reader], readers: Sequence[Reader]
) -> Iterator[tuple[Path, str]]:
    """Each file of a folder that is no spectrum, and why.

    Parameters
    ----------
    taken
        Files that are spectra of runs.
    engines
        Readers that found a run in the folder.
    readers
        All of them.
    """
    for path in sorted(folder.path.iterdir()):
        if path in taken or (path.is_dir() and not path.is_symlink()):
            continue
        yield path, _reason(path, folder, engines, readers)


def _reason(
    path: Path, folder: Folder, engines: Collection[Reader], readers: Sequence[Reader]
) -> str:
    name, head = plain_name(path), folder.head(path).lower() if path in folder.files else ""
    own = next(
        (r for r in readers if r.COMPANIONS.fullmatch(name) or any(m in head for m in r.MARKS)),
        None,
    )
    checks = (
        (path.is_symlink, "a link, which is not followed"),
        (lambda: not path.is_file(), "no regular file"),
        (lambda: path.stat().st_size == 0, "empty"),
        (lambda: path.stat().st_size > LARGEST, f"larger than {LARGEST} bytes"),
        (lambda: bool(BACKUP.search(name)), "a backup copy; rename it if it is a run"),
        (lambda: bool(NAMES.search(name)), "a structure"),
        (lambda: bool(PACKED_FOLDER.search(name)), "a packed folder: unpack it"),
    )
    known = next((reason for check, reason in checks if check()), "")
    if known or own is None:
        return known or _by_content(path)
    return f"input or output of {own.ENGINE}" + ("" if own in engines else ", without a spectrum")


def _by_content(path: Path) -> str:
    try:
        start = read_bytes(path, 4000)
    except EngineError as error:
        return error.error_class.replace("_", " ")
    odd = sum(b < 9 or 13 < b < 32 for b in start)
    return "binary" if odd > _BINARY * len(start) else "no reader knows it"
