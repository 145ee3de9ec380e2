"""One line of a benchmark, printed as JSON; and what a page says of a benchmark."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from defectra.core.errors import TableError
from defectra.core.paths import why_no_folder
from defectra.report import marked


def line(name: str, ours: float | None, unit: str, **rest: Any) -> dict[str, Any]:
    """Print one row and return it; the ratio and `ok` are computed.

    Parameters
    ----------
    name, ours, unit
        Case, our figure (None: could not be measured), its unit.
    rest
        ``peer`` (name), ``peer_value``, ``limit`` (of the figure or, with ``limit_on_ratio``, of
        the ratio), ``check`` (what was compared besides).
    """
    peer, limit = rest.get("peer_value"), rest.get("limit")
    ratio = None if peer is None or ours is None else ours / peer
    figure = ratio if rest.get("limit_on_ratio") else ours
    row = {
        "case": name,
        "ours": ours,
        "peer": rest.get("peer"),
        "peer_value": peer,
        "unit": unit,
        "ratio": ratio,
        "limit": limit,
        "ok": None if limit is None or figure is None else bool(figure <= limit),
        "check": rest.get("check", ""),
    }
    print(json.dumps(row), flush=True)
    return row


def tables_below(folder: Path) -> Path:
    """A folder with the tables of a study.

    Raises
    ------
    TableError
        If there is none: a page would lose its tables.
    """
    if not folder.is_dir():
        raise TableError(f"{folder}: {why_no_folder(folder)}; a run of the study makes it")
    return folder


def put(path: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name begin -->`` and ``<!-- name end -->`` of a page."""
    marked.put(path, (f"<!-- {name} begin -->", f"<!-- {name} end -->"), text)


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
