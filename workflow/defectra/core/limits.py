"""Keys of a protocol that decide no number: what it is for, and how long a calculation may take.

Rules carry protocols without them, so that another description or time limit reruns nothing. A step
that runs an engine takes the limits from the config that the run wrote down beside its plan. What
ran out of time is the machine's and tried again at the next start, under the limit of that start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIMIT = "timeout_s"
BESIDE = ("description", LIMIT)
RESOLVED = Path("plan", "config.json")  # below the results: the resolved config of the last run


def without_limits(data: Any) -> Any:
    """Protocols, of one engine or of all, without the keys that decide no number."""
    if not isinstance(data, Mapping):
        return data
    return {key: without_limits(value) for key, value in data.items() if key not in BESIDE}


def with_limits(tables: Mapping[str, Any], results: Path) -> dict[str, Any]:
    """Protocols with the time limits of the run.

    Parameters
    ----------
    tables
        Protocols by engine and name; whatever else there is stays as it is.
    results
        Folder of the results; without a resolved config in it, limits are those of the model.
    """
    path = results / RESOLVED
    known = json.loads(path.read_text(encoding="utf-8"))["protocols"] if path.is_file() else {}
    out = dict(tables)
    for table in tables.keys() & known.keys():
        limits = {n: p[LIMIT] for n, p in known[table].items() if LIMIT in p}
        out[table] = {
            name: {LIMIT: limits[name], **protocol} if name in limits else protocol
            for name, protocol in tables[table].items()
        }
    return out
