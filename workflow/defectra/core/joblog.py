"""Send what a script prints, its traceback included, to the log file of its rule."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def keep_log(path: str | Path) -> None:
    """Redirect standard output and error of this process, and of its children, to `path`."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


@contextmanager
def logged(path: str | Path) -> Iterator[None]:
    """Send what this process and its children print meanwhile to the log of a rule.

    An exception is written there with its traceback and raised again; afterwards the process
    prints to where it printed before.
    """
    _flush()
    before = os.dup(1), os.dup(2)
    keep_log(path)
    try:
        yield
    except BaseException:
        os.write(2, _printed(traceback.format_exc()))
        raise
    finally:
        _flush()
        for kept, number in zip(before, (1, 2)):
            os.dup2(kept, number)
            os.close(kept)


def _printed(text: str) -> bytes:
    """Text for the log, after all that was printed before it."""
    _flush()
    return text.encode(errors="replace")


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
