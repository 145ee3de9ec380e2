"""The node that calculations run on: what its scratch has left, and when it is not to be used."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from defectra.campaign.verdict import blames_node, is_machine
from defectra.core.errors import DefectraError

# One calculation may crash for a reason of its own, and so may the two edges of one site; three in
# a row share a cause, and what else stands in the chunk would go the same way within seconds.
IN_A_ROW = 3
NEARLY_FULL = 1_000_000  # bytes; a disk of results with less is the likely reason of a failure
ROOM = 50_000_000  # bytes that the tables, journals and figures of a study may take
FULL = 100_000  # bytes; with less left FEFF and GPAW cannot write what they need


class NodeError(DefectraError):
    """Calculations fail on a node because of it; what was finished before is kept."""


class Guard:
    """Stops the work of a process whose calculations fail in a row because of the machine.

    A calculation that failed at an earlier start is not counted: one that always crashes must not
    hold up the others for ever.
    """

    def __init__(self) -> None:
        self._failed = 0
        self._last: Mapping[str, Any] = {}
        self._decided = False  # one was decided by the physics, or succeeded

    def see(self, row: Mapping[str, Any], *, before: bool = False) -> None:
        """Take in what became of a calculation.

        Parameters
        ----------
        row
            ``error_class`` and ``message``.
        before
            Whether it failed so at an earlier start.

        Raises
        ------
        NodeError
            After `IN_A_ROW` failures of the machine without a success between.
        """
        if not is_machine(row["error_class"]):
            self._failed, self._decided = 0, True
        elif not before:
            self._failed += 1
            self._last = row
        if self._failed >= IN_A_ROW:
            raise NodeError(_sentence(row, self._failed))

    def end(self) -> None:
        """The work is over: where all of it failed because of the node, it is not done.

        Raises
        ------
        NodeError
            If calculations failed, fewer than `IN_A_ROW`, none was decided, and the last one names
            a cause that every calculation meets there (no space, no memory, a broken import).
        """
        if self._failed and not self._decided and blames_node(self._last["error_class"]):
            raise NodeError(_sentence(self._last, self._failed))


def _sentence(row: Mapping[str, Any], failed: int) -> str:
    scratch = Path(tempfile.gettempdir())
    what = (
        "nothing that was computed succeeded"
        if failed < IN_A_ROW
        else f"{failed} calculations failed in a row and none succeeded between"
    )
    return (
        f"node {platform.node()}: {what}, so the work stops here; the last: "
        f"{row['error_class']} ({row['message']}); "
        f"scratch folder {scratch}, {free(scratch) / 1e6:.1f} MB free; what was finished is kept, "
        f"the others are tried again at the next start: mend the node (TMPDIR, memory, the "
        f"engine's installation) or use another"
    )


def free(folder: Path) -> int:
    """Bytes that are free for us in the file system of a folder; 0 if it cannot be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def no_room(folder: Path) -> str:
    """A sentence if a run that failed did so on a disk that is full, or all but full.

    A job whose own log lies on that disk cannot say it.
    """
    left = free(folder)
    if left >= NEARLY_FULL:
        return ""
    return (
        f"No space left: {left / 1e6:.1f} MB are free in {folder}. Make room and start again; what "
        f"was finished is kept."
    )


def little_room(folder: Path, wanted: int = ROOM) -> str:
    """A sentence if less than `wanted` bytes are free in the file system of a folder."""
    left = free(folder)
    if left >= wanted:
        return ""
    return (
        f"Only {left / 1e6:.1f} MB are free in {folder}; a campaign leaves up to "
        f"{wanted / 1e6:.0f} MB. It begins all the same and loses nothing; make room, or choose "
        f"another --directory."
    )


def full(folder: Path) -> str:
    """A sentence if the file system of a folder has no room for a calculation, else empty."""
    left = free(folder)
    return f"no space left in {folder} ({left} bytes free)" if left < FULL else ""
