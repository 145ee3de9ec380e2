"""Parts of the config that rules of study `nmc` carry, where one key is not enough."""

from __future__ import annotations

import hashlib

from defectra.campaign.parameters import worker_settings
from defectra.core.config import Config, canonical
from defectra.studies.nmc.blocks.campaign import core_holes

# Keys of the study that do not decide the training table.
_BESIDE_TRAINING = {"model", "drift_sample", "max_failed", "shards", "blocks"}


def pick(config: Config, *keys: str) -> str:
    """Canonical JSON of some keys of the study, e.g. ``{"geometry": ..., "protocol": ...}``."""
    study = config.nmc.model_dump(mode="json")
    return canonical({key: study[key] for key in keys})


def block_model(config: Config) -> str:
    """Canonical JSON of what decides how the blocks are evaluated; their models are fixed."""
    keys = ("folds", "repeats", "bootstrap")
    return canonical({key: getattr(config.nmc.model, key) for key in keys})


def code_protocols(config: Config) -> str:
    """Canonical JSON: protocol of each code whose spectra of the blocks are compared."""
    second = core_holes(config).nmc.blocks.protocol
    return canonical({"feff": config.nmc.blocks.protocol, "gpaw": second})


def training_hash(config: Config) -> str:
    """Hash of the resolved config as far as it decides the training table, 16 hex digits."""
    study = config.nmc.model_dump(mode="json", exclude=_BESIDE_TRAINING)
    if not study["parsed"]:  # a key that came later: without it the hash is what it was
        del study["parsed"], study["parsed_geometry"]
    text = canonical({"seed": config.seed, "nmc": study, "worker": worker_settings(config)})
    return hashlib.sha256(text.encode()).hexdigest()[:16]
