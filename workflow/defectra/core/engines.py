"""Discovery of engines: a folder of ``engines/`` with ``engine.py`` holds one or several.

Names only are read, since every job of the workflow does this.
"""

from __future__ import annotations

from functools import cache

from defectra.core.errors import ConfigError
from defectra.core.paths import PACKAGE


@cache
def engine_folders() -> tuple[str, ...]:
    """Folders of ``engines/`` that hold engines, sorted."""
    return tuple(sorted(p.parent.name for p in (PACKAGE / "engines").glob("*/engine.py")))


def engine_module(name: str) -> str:
    """Module that holds an engine; its code is all of `engines/` that a calculation depends on.

    An engine is called as its folder, or has a name that begins with it: ``gpaw_corehole``.

    Raises
    ------
    ConfigError
        If no folder fits.
    """
    fits = [f for f in engine_folders() if name == f or name.startswith(f + "_")]
    if not fits:
        raise ConfigError(f"no engine {name!r}; there are those of {', '.join(engine_folders())}")
    return ".".join(("defectra", "engines", max(fits, key=len), "engine"))
