"""Where the archive is, as rules name it."""

from __future__ import annotations

import os
from pathlib import Path

from defectra.core.config import Config


def archive_folder(config: Config, root: Path, work: Path) -> str:
    """Name of the archive that stays the same when the project, or its results, are moved.

    Parameters
    ----------
    root
        Folder of the project, which ``archive`` of the config is relative to.
    work
        Folder that holds ``results``. Inside the project, the archive is named from there, so
        that the project can be moved as a whole; outside, by its full path.
    """
    path = root / config.archive
    inside = work.is_relative_to(root) and path.is_relative_to(root)
    return os.path.relpath(path, work) if inside else str(path)


def archive_parts(folder: str, *tables: str) -> list[str]:
    """Parts of some tables of an archive: no study waits for those of another."""
    return sorted(str(p) for table in tables for p in Path(folder, table).glob("part-*.parquet"))
