"""Who holds a journal, written beside it: for file systems whose locks do not reach other nodes.

``flock`` may succeed on two nodes at once (Lustre with ``localflock``, a network file system
without a lock service): nothing fails, and two workers write one file. So the holder of a journal
leaves its host and a token of its own beside it and changes the note every few seconds. A worker
that got the lock and finds the note of another host watches it: one that goes on changing belongs
to a living worker whose lock does not reach here. Two that begin at the same moment both find
none, and one that was suspended finds that of a newcomer: so a holder reads the note again before
each change, and refuses to go on once it bears another token. Clocks of two nodes are never
compared.
"""

from __future__ import annotations

import glob
import json
import os
import platform
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from defectra.core.errors import StoreError
from defectra.core.store import disk_errors

BEAT_S = 5.0
_BEATS = 6  # watched for: what another node wrote may show late
_LATE = 2.0  # beats without a look: the thread was held up, and with it perhaps the whole process


class _Note(NamedTuple):
    """What stands in a note, and when it was changed by the clock of its file system, ns."""

    known: dict[str, Any]
    changed: int

    @property
    def host(self) -> str:
        return str(self.known.get("host", ""))


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
    who
        What holds the file, for people.
    """

    def __init__(
        self, path: Path, host: str | None = None, beat_s: float = BEAT_S, who: str = "a worker"
    ) -> None:
        self.note, self.who = path.with_suffix(".holder"), who
        self.path, self.host, self.beat_s = path, host or platform.node(), beat_s
        self._token = secrets.token_hex(8)
        self._draft = self.note.with_name(f".{self.note.name}.{self._token}.part")
        self._beats, self._looked, self._begun = 0, 0.0, False
        self._other: str | None = None
        self._turning = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def begin(self) -> None:
        """Note that this process holds the file, whose lock it has taken.

        Raises
        ------
        StoreError
            If a worker on another node holds it as well, or the disk takes no note.
        """
        before = self._read()
        if before is not None and before.host != self.host:
            self._watch(before)
        for left in self.note.parent.glob(f".{glob.escape(self.note.name)}.*.part"):
            with suppress(OSError):
                left.unlink(missing_ok=True)
        with disk_errors(self.note):
            self._write()
        self._begun, self._looked = True, time.monotonic()
        with suppress(RuntimeError):  # no memory for a thread: `check` changes the note
            self._thread.start()

    def check(self, *, look: bool = False) -> None:
        """Refuse to go on if another worker writes here too; costs nothing but now and then.

        Parameters
        ----------
        look
            Read the note in any case.

        Raises
        ------
        StoreError
            With the host of the other one.
        """
        if look or time.monotonic() - self._looked > _LATE * self.beat_s:
            self._turn()
        if self._other is not None:
            raise self._refusal(self._other)

    def end(self) -> None:
        """Take the note away, if it is ours."""
        self._end.set()
        if self._thread.ident is not None:  # it was begun, whether it has just ended or not
            self._thread.join()
        if not self._begun:
            return
        found = self._read()
        if found is None or self._is_strange(found):
            return
        with suppress(OSError):  # one that stays looks like that of a dead worker
            self.note.unlink(missing_ok=True)

    def _watch(self, before: _Note) -> None:
        """Look at the note of another one for as long as a living one may be silent."""
        text = f"{self.path}: {self.who} on {before.host or 'another node'} was at work here"
        print(f"{text}; looking for {_BEATS * self.beat_s:g} s whether it still is", flush=True)
        for _ in range(_BEATS):
            time.sleep(self.beat_s)
            now = self._read()
            if now is None:  # its holder has just ended
                return
            if now != before:
                raise self._refusal(now.host or before.host)

    def _refusal(self, host: str) -> StoreError:
        return StoreError(
            f"{self.path}: {self.who} on {host or 'another node'} writes here too: locks of this "
            f"file system do not reach from one node to another. Mount it with locks (NFS 4, "
            f"Lustre with -o flock), or run all jobs on one node"
        )

    def _beat(self) -> None:
        while not self._end.wait(self.beat_s) and self._other is None:
            self._turn()

    def _turn(self) -> None:
        """Look whose the note is, and change it if it is ours."""
        with self._turning:
            self._looked = time.monotonic()
            found = self._read()
            if found is not None and self._is_strange(found):
                self._other = found.host
            if self._other is None:
                self._change()

    def _is_strange(self, found: _Note) -> bool:
        """Whether a note is that of another worker; half a note is nobody's."""
        return bool(found.host) and found.known.get("token") != self._token

    def _change(self) -> None:
        try:
            self._write()
        except OSError:  # a full disk takes no text, but a time: the note goes on living
            with suppress(OSError):
                os.utime(self.note)

    def _write(self) -> None:
        """Write the note, whole or not at all."""
        self._beats += 1
        known = {"host": self.host, "process": os.getpid(), "beats": self._beats}
        try:
            self._draft.write_text(json.dumps({**known, "token": self._token}), encoding="utf-8")
            self._draft.replace(self.note)
        except OSError:
            with suppress(OSError):
                self._draft.unlink(missing_ok=True)
            raise

    def _read(self) -> _Note | None:
        """The note; None if there is none, empty where it cannot be read."""
        try:
            with self.note.open(encoding="utf-8") as handle:
                changed, text = os.fstat(handle.fileno()).st_mtime_ns, handle.read()
            known = json.loads(text)
            return _Note(known if isinstance(known, dict) else {}, changed)
        except FileNotFoundError:
            return None
        except OSError:
            return _Note({}, 0)
        except ValueError:
            return _Note({}, changed)
