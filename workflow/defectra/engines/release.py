"""Names and versions of the engines' programs, without importing them: rules carry them."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import version


@cache
def release(engine: str) -> str:
    """Name and version of the program behind an engine.

    The synthetic one takes its version from ``DEFECTRA_SYNTHETIC_VERSION``, for tests of what
    another version does.
    """
    if engine == "feff":
        return f"feff10-rs {version('feff10-rs')} (FEFF 10.0.0)"
    return f"{engine} {os.environ.get('DEFECTRA_SYNTHETIC_VERSION', '1')}"
