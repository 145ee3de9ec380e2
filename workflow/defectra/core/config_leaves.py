"""Parts of the config that a rule carries as a parameter, where one leaf is not enough."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from defectra.core.config import Config
from defectra.core.protocols import spectra_engines

# Keys of the study that do not decide the training table.
_BESIDE_TRAINING = {"model", "drift_sample", "max_failed", "shards"}


def pick(config: Config, *keys: str) -> str:
    """Canonical JSON of some keys of the study, e.g. ``{"geometry": ..., "protocol": ...}``."""
    study = config.nmc.model_dump(mode="json")
    return _canonical({key: study[key] for key in keys})


def evaluation_settings(config: Config) -> str:
    """Canonical JSON of what decides the scores of study `perovskites`."""
    beside = {"screen", "fidelity", "protocol", "complete", "shards"}
    study = config.perovskites.model_dump(mode="json", exclude=beside)
    return _canonical(study)


def screen_settings(config: Config) -> str:
    """Canonical JSON of the learners and the criteria of study `perovskites`."""
    study = config.perovskites.model_dump(mode="json", include={"model", "screen"})
    return _canonical(study)


def run_settings(config: Config) -> str:
    """Canonical JSON of what decides our own calculations of study `perovskites`."""
    name = config.perovskites.protocol
    protocol = config.protocols.gpaw[name].model_dump(mode="json")
    return _canonical({"name": name, "protocol": protocol})


def worker_settings(config: Config) -> str:
    """Canonical JSON of what decides the numbers of a calculation, protocols in use only."""
    study = config.nmc
    used = {study.protocol, study.ladder}
    protocols = config.protocols.model_dump(mode="json")
    table = spectra_engines()[study.engine]
    for protocol in (*protocols[table].values(), *protocols["chgnet"].values()):
        del protocol["description"]
    return _canonical(
        {
            "engine": study.engine,
            "live_geometries": study.live_geometries,
            table: {name: one for name, one in protocols[table].items() if name in used},
            "chgnet": protocols["chgnet"],
        }
    )


def archive_folder(config: Config, root: Path, work: Path) -> str:
    """Name of the archive that stays the same when the project, or its results, are moved.

    Parameters
    ----------
    root
        Folder of the project, which ``archive`` of the config is relative to.
    work
        Folder that holds ``results``. Inside the project, the archive is named from there, so
        that the project can be moved as a whole; outside, by its full path.
    """
    path = root / config.archive
    inside = work.is_relative_to(root) and path.is_relative_to(root)
    return os.path.relpath(path, work) if inside else str(path)


def archive_parts(folder: str, *tables: str) -> list[str]:
    """Parts of some tables of an archive: no study waits for those of another."""
    return sorted(str(p) for table in tables for p in Path(folder, table).glob("part-*.parquet"))


def training_hash(config: Config) -> str:
    """Hash of the resolved config as far as it decides the training table, 16 hex digits."""
    study = config.nmc.model_dump(mode="json", exclude=_BESIDE_TRAINING)
    if not study["parsed"]:  # a key that came later: without it the hash is what it was
        del study["parsed"]
    text = _canonical({"seed": config.seed, "nmc": study, "worker": worker_settings(config)})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True)
