"""Named fidelities of each engine, found in the engines' folders.

``engines/<engine>/settings.py`` names the models of its protocols in ``PROTOCOLS``; each is a key
below ``protocols`` and a file ``config/protocols/<key>.yaml``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

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
    for path in sorted((PACKAGE / "engines").glob("*/settings.py")):
        module = import_module(".".join(("defectra", "engines", path.parent.name, "settings")))
        for name, model in module.PROTOCOLS.items():
            fields[name] = (dict[str, model], Field(default={}, validate_default=True))  # type: ignore[valid-type]
    return create_model("Protocols", __base__=Protocols, __doc__=Protocols.__doc__, **fields)
