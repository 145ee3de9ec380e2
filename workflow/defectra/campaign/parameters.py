"""Parts of the config that rules of the campaign carry, where one key is not enough."""

from __future__ import annotations

from defectra.core.config import Config, canonical


def worker_settings(config: Config) -> str:
    """Canonical JSON of what decides the numbers of a calculation, protocols in use only."""
    study = config.nmc
    used = {study.protocol, study.ladder}
    protocols = config.protocols.model_dump(mode="json")
    for protocol in (*protocols["feff"].values(), *protocols["chgnet"].values()):
        del protocol["description"]
    return canonical(
        {
            "engine": study.engine,
            "live_geometries": study.live_geometries,
            "feff": {name: protocols["feff"][name] for name in used},
            "chgnet": protocols["chgnet"],
        }
    )
