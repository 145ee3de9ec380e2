"""Errors for people: each message says what was wrong, where, and what to do."""

from __future__ import annotations


class DefectraError(Exception):
    """Base of every error that Defectra raises on purpose."""


class ConfigError(DefectraError):
    """The configuration cannot be used; the message names file, key and allowed values."""


class StructureError(DefectraError):
    """A structure cannot be built as asked."""


class TableError(DefectraError):
    """A table does not match its schema, or is damaged."""


class StoreError(DefectraError):
    """A journal or an archive part is damaged, locked or incomplete."""


class BusyError(StoreError):
    """Another process holds the lock."""


class DataError(DefectraError):
    """A published data file is missing or its checksum does not agree."""


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
