"""Parts of the config that rules of the campaign carry, where one key is not enough."""

from __future__ import annotations

from typing import Any

from defectra.core.config import Config, canonical
from defectra.core.limits import BESIDE, without_limits
from defectra.core.protocols import spectra_engines


def worker_settings(config: Config, *, limits: bool = False) -> str:
    """Canonical JSON of what decides the numbers of a calculation, protocols in use only.

    Parameters
    ----------
    limits
        With the time limits, which decide no number and which no rule carries.
    """
    study = config.nmc
    used = {study.protocol, study.ladder}
    protocols = config.protocols.model_dump(mode="json")
    table = spectra_engines()[study.engine]

    def kept(protocol: dict[str, Any]) -> dict[str, Any]:
        unseen = ("description",) if limits else BESIDE
        return {key: value for key, value in protocol.items() if key not in unseen}

    parsed = {"parsed": study.parsed} if study.parsed else {}
    return canonical(
        {
            **parsed,
            "engine": study.engine,
            "live_geometries": study.live_geometries,
            table: {n: kept(one) for n, one in protocols[table].items() if n in used},
            "chgnet": {n: kept(one) for n, one in protocols["chgnet"].items()},
        }
    )


def protocol_part(config: Config, *tables: str) -> str:
    """Canonical JSON of the protocols of one engine by name, or of all engines, without limits."""
    protocols = without_limits(config.protocols.model_dump(mode="json"))
    return canonical(protocols[tables[0]] if tables else protocols)
