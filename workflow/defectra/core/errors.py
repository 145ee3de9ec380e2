"""Errors for people: each message says what was wrong, where, and what to do."""

from __future__ import annotations

import difflib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


class DefectraError(Exception):
    """Base of every error that Defectra raises on purpose."""


class ConfigError(DefectraError):
    """The configuration cannot be used; the message names file, key and allowed values."""


class StructureError(DefectraError):
    """A structure cannot be built as asked."""


class StructureWarning(UserWarning):
    """What was found while a structure file was read, and leaves the crystal as it is."""


class TableError(DefectraError):
    """A table does not match its schema, or is damaged."""


class StoreError(DefectraError):
    """A journal or an archive part is damaged, locked or incomplete."""


class BusyError(StoreError):
    """Another process holds the lock."""


class DataError(DefectraError):
    """A published data file is missing or its checksum does not agree."""


class LibraryError(DefectraError):
    """An optional library is not installed; the message says how to get it."""


class EngineError(DefectraError):
    """A calculation failed; `error_class` goes into the calculations table.

    Parameters
    ----------
    error_class
        Short machine-readable class, e.g. ``timeout`` or ``truncated_output``.
    message
        What happened and, where known, what to do.
    """

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


def meant(word: object, known: Iterable[object]) -> str:
    """``, did you mean 'seed'?`` for a word that is like a known one, else nothing."""
    names = [str(name) for name in known]
    folded = [name for name in names if name.casefold() == str(word).casefold()]
    near = folded or difflib.get_close_matches(str(word), names, n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def reports_errors(program: Callable[[], int]) -> Callable[[], int]:
    """Program whose errors are printed as one line; its exit code is then 1."""

    @functools.wraps(program)
    def run() -> int:
        try:
            return program()
        except DefectraError as error:
            print(error, file=sys.stderr)
            return 1

    return run


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Errors of the block end the program and are printed as one line without a traceback."""
    try:
        yield
    except DefectraError as error:
        raise SystemExit(str(error)) from None
