"""Named fidelities of each engine, found in the engines' folders.

``engines/<engine>/settings.py`` names the models of its protocols in ``PROTOCOLS``; each is a key
below ``protocols`` and a file ``config/protocols/<key>.yaml``. ``SPECTRA`` names its engines that
give spectra, each with the key of its protocols.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from defectra.core.late_imports import late
from defectra.core.paths import PACKAGE
from defectra.core.settings import Strict


class Protocols(Strict):
    """Named fidelities of each engine; :func:`protocols_model` adds a key for each engine."""

    if TYPE_CHECKING:  # protocols of an engine, by its key

        def __getattr__(self, name: str) -> Any: ...


@cache
def protocols_model() -> type[Protocols]:
    """Model of all protocols: one key for each kind of protocol that an engine has."""
    fields: dict[str, Any] = {}
    for module in _settings():
        for name, model in module.PROTOCOLS.items():
            fields[name] = (dict[str, model], Field(default={}, validate_default=True))  # type: ignore[valid-type]
    return create_model("Protocols", __base__=Protocols, __doc__=Protocols.__doc__, **fields)


@cache
def spectra_engines() -> dict[str, str]:
    """Engines that give spectra, each with the key of its protocols."""
    return {k: v for m in _settings() for k, v in getattr(m, "SPECTRA", {}).items()}


@cache
def _settings() -> tuple[ModuleType, ...]:
    """Modules of the settings of all engines."""
    folders = sorted(p.parent.name for p in (PACKAGE / "engines").glob("*/settings.py"))
    return tuple(late("engines", f, "settings") for f in folders)
