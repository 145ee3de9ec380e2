"""Parts of the config that rules of the campaign carry, where one key is not enough."""

from __future__ import annotations

from defectra.core.config import Config, canonical
from defectra.core.protocols import spectra_engines


def worker_settings(config: Config) -> str:
    """Canonical JSON of what decides the numbers of a calculation, protocols in use only."""
    study = config.nmc
    used = {study.protocol, study.ladder}
    protocols = config.protocols.model_dump(mode="json")
    table = spectra_engines()[study.engine]
    for protocol in (*protocols[table].values(), *protocols["chgnet"].values()):
        del protocol["description"]
    parsed = {"parsed": study.parsed} if study.parsed else {}
    return canonical(
        {
            **parsed,
            "engine": study.engine,
            "live_geometries": study.live_geometries,
            table: {name: one for name, one in protocols[table].items() if name in used},
            "chgnet": protocols["chgnet"],
        }
    )
