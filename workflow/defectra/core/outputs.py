"""What a command writes: never over what it reads, and with the ending of what it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from defectra.core.errors import StoreError
from defectra.core.paths import why_no_file


def check_out(out: Path, inputs: Iterable[Path] = (), endings: tuple[str, ...] = ()) -> None:
    """Refuse a file to be written that is one of those that are read, or ends as another kind.

    Parameters
    ----------
    out
        File to be written.
    inputs
        Files that are read.
    endings
        Endings that fit what is written, e.g. ``(".csv",)``; none: any.

    Raises
    ------
    StoreError
        The message names the file and what to do.
    """
    if out.is_dir():
        raise StoreError(f"{out}: {why_no_file(out)}")
    if endings and out.suffix.lower() not in endings:
        raise StoreError(f"{out}: what is written here ends with {' or '.join(endings)}")
    for path in inputs:
        if is_same(out, path):
            raise StoreError(
                f"{out}: is read by this command ({path}) and would be overwritten; name another "
                "file with --out"
            )


def is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, by whatever links and relative names."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there yet
        return one.resolve() == other.resolve()
