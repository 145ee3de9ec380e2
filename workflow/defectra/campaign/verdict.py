"""Failures that may be the machine's: they stay in their table as rows of class ``machine:...``.

What is finished an engine decides (:meth:`defectra.campaign.engine.Engine.finished`); everything
else (no output, an output cut off, a full disk, too little memory, an engine that cannot be
imported, a signal, a time limit) is tried again at the next start.
"""

from __future__ import annotations

import re
from typing import Any

from defectra.core.records import Status

Row = dict[str, Any]

MACHINE = "machine:"

# Causes that a message names, the first that fits.
_CAUSES = (
    ("no_space", re.compile(r"no space left|quota exceeded|file too large|errno 2[78]\b", re.I)),
    (
        "out_of_memory",
        re.compile(
            r"cannot allocate|out of memory|memoryerror|not enough memory|bad_alloc|alloc\w* fail"
            r"|insufficient virtual memory|error allocating|failed to map segment"
            r"|start new thread|launch worker thread",
            re.I,
        ),
    ),
    ("import_error", re.compile(r"no module named|importerror|cannot open shared object", re.I)),
)


def unfinished(row: Row) -> Row:
    """Row of a calculation that is to be tried again, its class ``machine:...``."""
    kind, message = str(row["error_class"]), str(row["message"])
    if str(row["status"]) == Status.OK:  # the engine said so, and its output does not prove it
        kind, message = "truncated_output", message or "the kept output does not prove its end"
        row = row | {"status": str(Status.FAILED)}
    return row | {"error_class": machine_class(kind, message), "message": message}


def is_machine(error_class: str) -> bool:
    """Whether a class blames the machine."""
    return error_class.startswith(MACHINE)


def blames_node(error_class: str) -> bool:
    """Whether a class names a cause that any calculation would meet on that node."""
    known = {name for name, _ in _CAUSES} | {"not_started"}
    return is_machine(error_class) and error_class.removeprefix(MACHINE) in known


def machine_class(error_class: str, message: str) -> str:
    """``machine:`` and the cause that the message names, else the engine's own class."""
    kind = error_class.removeprefix(MACHINE)
    causes = (name for name, words in _CAUSES if words.search(message))
    return MACHINE + next(causes, kind or "unknown")
