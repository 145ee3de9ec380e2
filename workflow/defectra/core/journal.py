"""The journal: what a worker has finished, append-only, and whole after any kill."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from defectra.core.errors import BusyError, StoreError
from defectra.core.holder import Holder
from defectra.core.store import disk_errors, sync_folder

Row = dict[str, Any]

LOOK_S = 5.0  # between two looks at a lock that another worker holds
SYNC_S = 1.0  # s between two waits for the disk; an fsync takes 1 to 20 ms
NO_LOCKS = "this file system does not lock files; mount it with locks, see docs/reliability.md"
_MAGIC = b"DFJ1"
_HEAD = struct.Struct("<4sI16s")


class Journal:
    """Append-only record of finished work; one writer, holding a lock.

    Each record is a head (magic, length, checksum), then compressed JSON and a raw blob. What a
    kill tears off at the end is cut away at the next start; a damaged record in the middle is an
    error, since what follows it would be lost.

    Parameters
    ----------
    path
        The file.
    patience_s
        How long to wait for another worker that holds it.
    """

    def __init__(self, path: str | Path, patience_s: float = 0.0) -> None:
        self.path, self.patience_s = Path(path), patience_s
        self._holder = Holder(self.path)
        self._handle: Any = None
        self._unsynced = threading.Event()
        self._closing = threading.Event()
        self._syncer = threading.Thread(target=self._keep_synced, daemon=True)
        self._beside = True
        self._lost: OSError | None = None

    def __enter__(self) -> Self:
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self.path.open("a+b", buffering=0)
        try:
            self._lock()
            self._holder.begin()
            self._cut_torn()
        except BaseException:
            self._holder.end()
            self._handle.close()
            raise
        self._start_syncer()
        return self

    def _start_syncer(self) -> None:
        """Sync beside the work; where no thread can be started (memory), with each record."""
        try:
            self._syncer.start()
        except RuntimeError:
            self._beside = False

    def _lock(self) -> None:
        """Take the lock; a holder is waited for as long as `patience_s`."""
        end, waits = time.monotonic() + self.patience_s, False
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise BusyError(
                        f"{self.path}: another worker holds this journal; wait for it or stop it"
                    ) from None
                if not waits:
                    print(f"{self.path}: another worker is at it; waiting for it", flush=True)
                waits = True
                time.sleep(min(LOOK_S, self.patience_s))
            except OSError as error:
                raise StoreError(f"{self.path}: {NO_LOCKS} ({error.strerror})") from None
            else:
                return

    def _cut_torn(self) -> None:
        """Cut off what a kill left half written; it must not be what another one writes now."""
        end, size = self._scan_end(), self._size()
        if end < size:
            self._holder.check(look=True)
            if self._scan_end(end) != end or self._size() != size:
                raise BusyError(f"{self.path}: another worker writes here; wait for it or stop it")
        with disk_errors(self.path):
            if end < size:
                self._handle.truncate(end)
                os.fsync(self._handle.fileno())
            sync_folder(self.path.parent)

    def _size(self) -> int:
        return os.fstat(self._handle.fileno()).st_size

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._unsynced.set()
        if self._beside:
            self._syncer.join()
        try:
            self.sync()
            self._holder.check(look=True)
        finally:
            self._holder.end()
            self._handle.close()
            self._handle = None

    def _keep_synced(self) -> None:
        """Wait for the disk once in `SYNC_S` while there is something new, beside the work."""
        while self._unsynced.wait() and not self._closing.wait(SYNC_S):
            self._unsynced.clear()
            self._sync()

    def _sync(self) -> None:
        """Wait for the disk. What it says is kept: Linux tells of a lost write only once."""
        try:
            os.fsync(self._handle.fileno())
        except OSError as error:
            self._lost = self._lost or error

    def _check(self) -> None:
        """Refuse to go on where the disk has lost what was written, or another one writes.

        Raises
        ------
        StoreError
            With the reason.
        """
        self._holder.check()
        if self._lost is not None:
            raise StoreError(
                f"{self.path}: the disk did not take what was written ({self._lost.strerror}); "
                f"make room, or look after the disk, and rerun: what it did not take is computed "
                f"again"
            )

    def _scan_end(self, first: int = 0) -> int:
        """Where the last whole record ends; what stands before `first` is not read."""
        end = first
        for end, _, _ in _records(self.path, first):  # noqa: B007
            pass
        return end

    def append(self, row: Mapping[str, Any], raw: bytes = b"") -> int:
        """Add one record; it is out of this process when the call returns, and no kill loses it.

        It is on the disk `SYNC_S` later: a power cut takes what ended since then.

        Returns
        -------
        Byte at which the record begins, for :func:`read_record`.

        Raises
        ------
        StoreError
            If the disk does not take it, or did not take an earlier one; if another worker writes
            here too.
        """
        self._check()
        header = json.dumps(row, sort_keys=True).encode()
        payload = zlib.compress(struct.pack("<I", len(header)) + header + raw, 6)
        digest = hashlib.blake2b(payload, digest_size=16).digest()
        with disk_errors(self.path):
            start = self._write(_HEAD.pack(_MAGIC, len(payload), digest) + payload)
        if not self._beside:
            self.sync()
        self._unsynced.set()
        return start

    def sync(self) -> None:
        """Return when all that was appended is on the disk.

        Raises
        ------
        StoreError
            If the disk does not take it.
        """
        self._sync()
        self._check()

    def _write(self, data: bytes) -> int:
        """All of `data` or nothing: what a full disk took of it is cut off again.

        Nothing is cut where the end is not ours: another one has written there.
        """
        start, left = self._size(), memoryview(data)
        try:
            while left:
                left = left[self._handle.write(left) :]
        except OSError:
            self._holder.check(look=True)
            if self._size() == start + len(data) - len(left):
                self._handle.truncate(start)
            raise
        return start


def journal_size(path: str | Path) -> int:
    """Bytes of a journal, 0 without one: it only grows, so a larger one has more to tell."""
    path = Path(path)
    return path.stat().st_size if path.exists() else 0


def read_journal(path: str | Path) -> Iterator[tuple[Row, bytes]]:
    """Rows and raw blobs of a journal; a torn tail is passed over, no lock is taken."""
    for _, row, raw in _records(Path(path)):
        yield row, raw


def records_with_starts(path: str | Path) -> Iterator[tuple[int, Row, bytes]]:
    """As :func:`read_journal`, each with the byte at which it begins."""
    start = 0
    for end, row, raw in _records(Path(path)):
        yield start, row, raw
        start = end


def read_record(path: str | Path, start: int) -> tuple[Row, bytes]:
    """The record that begins at byte `start`.

    Raises
    ------
    StoreError
        If it is not there any more.
    """
    with suppress(StopIteration):
        _, row, raw = next(_records(Path(path), start))
        return row, raw
    raise StoreError(f"{path}: no record at byte {start}; the journal was changed: rerun")


def _records(path: Path, first: int = 0) -> Iterator[tuple[int, Row, bytes]]:
    """Records from byte `first` on, each with its end.

    One that looks damaged is read once more: beside a writer, it may have been completed, and the
    next one written, between two looks.
    """
    damaged = -1
    while True:
        end = first
        try:
            for end, row, raw in _read(path, first):
                yield end, row, raw
        except StoreError:
            if end == damaged:
                raise
            first = damaged = end
        else:
            return


def _read(path: Path, first: int) -> Iterator[tuple[int, Row, bytes]]:
    if not path.exists():
        return
    with path.open("rb") as handle:
        handle.seek(first)
        while True:
            start = handle.tell()
            head = handle.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            magic, length, digest = _HEAD.unpack(head)
            payload = handle.read(length) if magic == _MAGIC else b""
            good = hashlib.blake2b(payload, digest_size=16).digest() == digest
            if magic != _MAGIC or len(payload) < length or not good:
                end = start if magic != _MAGIC else start + _HEAD.size + length
                if not _zeros(handle, end) or _goes_on(handle, start + 1):
                    raise StoreError(
                        f"{path}: record at byte {start} is damaged and not the last one; "
                        f"restore the file, or cut it there to recompute what followed"
                    )
                return
            data = zlib.decompress(payload)
            (length,) = struct.unpack_from("<I", data)
            yield handle.tell(), json.loads(data[4 : 4 + length]), data[4 + length :]


def _goes_on(handle: BinaryIO, start: int) -> bool:
    """Whether a whole record begins at or after `start`: then what is before it was damaged.

    A length that was damaged upwards would make all that follows look like a torn tail.
    """
    handle.seek(start)
    data = handle.read()
    at = data.find(_MAGIC)
    while at >= 0:
        head = data[at : at + _HEAD.size]
        if len(head) == _HEAD.size:
            _, length, digest = _HEAD.unpack(head)
            payload = data[at + _HEAD.size : at + _HEAD.size + length]
            if hashlib.blake2b(payload, digest_size=16).digest() == digest:
                return True
        at = data.find(_MAGIC, at + 1)
    return False


def _zeros(handle: BinaryIO, start: int) -> bool:
    """Whether a file holds nothing from `start` but the zeros that a power cut leaves."""
    handle.seek(start)
    return not any(any(block) for block in iter(lambda: handle.read(1 << 20), b""))
