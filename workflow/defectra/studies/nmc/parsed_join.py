"""What the step that builds the training table needs to let parsed runs in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from defectra.core.records import STRUCTURES
from defectra.core.store import read_table
from defectra.engines.spectrum import spectrum_engine
from defectra.spectra.grid import Grid
from defectra.studies.nmc.parsed import Fidelity, parsed_training
from defectra.studies.nmc.requests import Settings
from defectra.studies.nmc.training import Parsed


def joined(structures: str | Path, config: Mapping[str, Any], params: Any) -> Parsed:
    """Function that gives the rows of parsed runs for a training table.

    Parameters
    ----------
    structures
        Table of the study's structures.
    config
        Keys geometry, protocol, edges, parsed and parsed_geometry of the study.
    params
        Of the rule: `settings` of the worker and `config_hash`.
    """
    settings = Settings.model_validate_json(params.settings)
    wanted = Fidelity(
        spectrum_engine(settings.engine),
        config["protocol"],
        settings.protocols[config["protocol"]],
        config["geometry"],
        config["parsed_geometry"],
        {name: Grid(**grid) for name, grid in config["edges"].items()},
    )
    rows = read_table(structures, STRUCTURES)

    def parsed(known: set[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return parsed_training(config["parsed"], rows, known, wanted, str(params.config_hash))

    return parsed
