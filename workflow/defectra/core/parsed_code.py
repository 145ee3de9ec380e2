"""What files of code were found to say, kept in the user's cache by the checksum of their bytes.

One file for each version of Python, read when it is first needed and written when the process ends.
It holds nothing that cannot be found again: a damaged or missing one costs seconds.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

Said = tuple[str, frozenset[str]]
# Of what is kept; another one where the way in which a file is read changes.
_VERSION = "2"
_MOST = 20_000  # entries; older versions of files are forgotten with the whole file beyond


def kept(path: Path, part: str, find: Callable[[], tuple[str, Iterable[str]]]) -> Said:
    """A digest and names, from the cache or from `find`.

    Parameters
    ----------
    path
        The file that they are found in.
    part
        What of it; with the bytes of the file it decides what is found.
    """
    table = _table()
    key = f"{hashlib.sha256(path.read_bytes()).hexdigest()}/{part}"
    if key not in table:
        digest, names = find()
        table[key] = [digest, *sorted(set(names))]
        _save_at_the_end()
    digest, *names = table[key]
    return digest, frozenset(names)


def place() -> Path:
    """The file of the cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    python = ".".join(map(str, sys.version_info[:3]))
    return Path(root) / "defectra" / f"code-{_VERSION}-python{python}.json"


@cache
def _table() -> dict[str, list[str]]:
    try:
        table = json.loads(place().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # no home
        return {}
    is_sound = isinstance(table, dict) and all(
        isinstance(said, list) and said and all(isinstance(word, str) for word in said)
        for said in table.values()
    )
    return table if is_sound and len(table) < _MOST else {}


@cache
def _save_at_the_end() -> None:
    atexit.register(_save, os.getpid())


def _save(owner: int) -> None:
    if os.getpid() != owner:  # a fork
        return
    with suppress(OSError, RuntimeError):
        path = place()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{owner}.part")
        draft.write_text(json.dumps(_table()), encoding="utf-8")
        draft.replace(path)
