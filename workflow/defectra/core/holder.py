"""Who holds a journal, written beside it: for file systems whose locks do not reach other nodes.

``flock`` may succeed on two nodes at once (Lustre with ``localflock``, a network file system
without a lock service): nothing fails, and two workers write one file. So the holder of a journal
leaves its host beside it and changes the note every few seconds. A worker that got the lock and
finds the note of another host watches it: one that goes on changing belongs to a living worker
whose lock does not reach here. Clocks of two nodes are never compared.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from contextlib import suppress
from pathlib import Path

from defectra.core.errors import StoreError

BEAT_S = 5.0
_BEATS = 6  # watched for: what another node wrote may show late


class Holder:
    """Note of the worker that holds a file.

    Parameters
    ----------
    path
        The file that is held; the note is ``<stem>.holder`` beside it.
    host
        Name of this node.
    beat_s
        Seconds between two changes of the note.
    """

    def __init__(self, path: Path, host: str | None = None, beat_s: float = BEAT_S) -> None:
        self.note = path.with_suffix(".holder")
        self.path, self.host, self.beat_s = path, host or platform.node(), beat_s
        self._beats = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def begin(self) -> None:
        """Note that this process holds the file, whose lock it has taken.

        Raises
        ------
        StoreError
            If a worker on another node holds it as well.
        """
        before = self._read()
        other = _host(before)
        if other and other != self.host and self._changes(before):
            raise StoreError(
                f"{self.path}: a worker on {other} writes here too: locks of this file system do "
                f"not reach from one node to another. Mount it with locks (NFS 4, Lustre with "
                f"-o flock), or run all jobs on one node"
            )
        self._write()
        self._thread.start()

    def end(self) -> None:
        """Take the note away."""
        self._end.set()
        if self._thread.ident is not None:  # it was begun, whether it has just ended or not
            self._thread.join()
            self.note.unlink(missing_ok=True)

    def _changes(self, before: str) -> bool:
        for _ in range(_BEATS):
            time.sleep(self.beat_s)
            if not self.note.exists():  # its holder has just ended
                return False
            if _host(now := self._read()) and now != before:
                return True
        return False

    def _beat(self) -> None:
        while not self._end.wait(self.beat_s):
            with suppress(OSError):  # a full disk: the journal says of it
                self._write()

    def _write(self) -> None:
        self._beats += 1
        known = {"host": self.host, "process": os.getpid(), "beats": self._beats}
        self.note.write_text(json.dumps(known), encoding="utf-8")

    def _read(self) -> str:
        try:
            return self.note.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""


def _host(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return ""
    return str(found.get("host", "")) if isinstance(found, dict) else ""
