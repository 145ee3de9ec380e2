"""Parts of the config that rules of study `perovskites` carry, where one key is not enough."""

from __future__ import annotations

from defectra.core.config import Config, canonical
from defectra.core.limits import without_limits


def evaluation_settings(config: Config) -> str:
    """Canonical JSON of what decides the scores."""
    beside = {"screen", "fidelity", "complete", "shards", "measured_gaps"}
    beside |= set(config.perovskites.named_protocols())
    study = config.perovskites.model_dump(mode="json", exclude=beside)
    return canonical(study)


def screen_settings(config: Config) -> str:
    """Canonical JSON of the learners and the criteria."""
    study = config.perovskites.model_dump(mode="json", include={"model", "screen"})
    return canonical(study)


def light_settings(config: Config) -> str:
    """Canonical JSON of what decides spectra and tilted cells of our own."""
    names = {key: name for key, (_, name) in config.perovskites.named_protocols().items()}
    protocols = {
        name: without_limits(config.protocols.gpaw[name].model_dump(mode="json"))
        for name in names.values()
    }
    return canonical({"names": names, "protocols": protocols})


def run_settings(config: Config) -> str:
    """Canonical JSON of what decides our own calculations."""
    name = config.perovskites.protocol
    protocol = without_limits(config.protocols.gpaw[name].model_dump(mode="json"))
    return canonical({"name": name, "protocol": protocol})
