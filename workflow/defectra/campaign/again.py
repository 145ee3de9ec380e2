"""What a start of a chunk left undone, beside its journal: a later start is to ask for it again.

``<chunk>.again`` says that the machine stopped calculations, ``<chunk>.lacking`` which engines were
not there. The chunk depends on :func:`stopped` and, in the plan of study `nmc`, on :func:`arrived`;
other studies carry the versions of their engines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from defectra.campaign.engine import engine_named
from defectra.core.errors import ConfigError
from defectra.core.journal import journal_size
from defectra.core.store import write_bytes


def leave_again(stopped: int, lacking: Mapping[str, int], journal: Path) -> None:
    """Say beside a journal what is left undone; its size separates starts.

    What says that some were stopped stays when they are done: a chunk that changed when it goes
    would be run once more for nothing.

    Parameters
    ----------
    stopped
        Calculations of this start that the machine may have stopped.
    lacking
        Calculations that were left out, by the engine that was not there.
    """
    size = journal_size(journal)
    if stopped:
        text = json.dumps({"calculations": stopped, "journal": size})
        write_bytes(journal.with_suffix(".again"), text.encode())
    beside = journal.with_suffix(".lacking")
    if lacking:
        text = json.dumps({"engines": sorted(lacking), "journal": size})
        write_bytes(beside, text.encode())
    else:
        beside.unlink(missing_ok=True)


def stopped(store: Path, chunk: str) -> str:
    """What the last start said in which the machine stopped calculations of a chunk; or nothing.

    Parameters
    ----------
    store
        Folder of the journals.
    """
    return _text(store / f"{chunk}.again")


def arrived(store: Path, chunk: str) -> str:
    """What the last start of a chunk said of engines, if one that it lacked is there now."""
    text = _text(store / f"{chunk}.lacking")
    try:
        names = json.loads(text)["engines"] if text else []
    except (ValueError, KeyError, TypeError):
        return ""
    return text if any(_is_there(name) for name in names) else ""


def _is_there(engine: str) -> bool:
    try:
        return not engine_named(engine).available()
    except (ConfigError, ImportError):
        return False


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
