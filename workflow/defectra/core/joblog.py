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
    """Keep the log of a job at `path`: all that is printed, and the traceback of a failure."""
    keep_log(path)
    try:
        yield
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        raise
