"""What decides no number is no part of what a rule carries, and reaches the engine all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from defectra.campaign.parameters import protocol_part, worker_settings
from defectra.campaign.studies import part_for, studies_with_requests
from defectra.core.config import Config, config_model
from defectra.core.limits import RESOLVED, with_limits, without_limits
from defectra.core.step import results_of
from defectra.studies.nmc.parameters import training_hash
from defectra.studies.perovskites.parameters import run_settings


def relimited(config: Config) -> Config:
    """The same config with other time limits and descriptions in every protocol."""
    data = config.model_dump(mode="json")
    for table in data["protocols"].values():
        for protocol in table.values():
            protocol["description"] = "in other words"
            if "timeout_s" in protocol:
                protocol["timeout_s"] += 17
    return config_model().model_validate(data)


def carried(config: Config) -> dict[str, Any]:
    """All that rules carry of the protocols."""
    parts = {study: part_for(config, study) for study in studies_with_requests()}
    own = (worker_settings(config), protocol_part(config), protocol_part(config, "gpaw_levels"))
    return {**parts, "own": own, "runs": run_settings(config), "hash": training_hash(config)}


def test_no_rule_carries_limits_or_descriptions(config: Config) -> None:
    assert carried(relimited(config)) == carried(config)
    assert "timeout_s" not in json.dumps(carried(config)["own"])


@pytest.mark.parametrize("table", ["feff", "gpaw_levels", "gpaw"])
def test_limits_of_the_run_reach_the_step(config: Config, tmp_path: Path, table: str) -> None:
    path = tmp_path / RESOLVED
    path.parent.mkdir()
    path.write_text(config.model_dump_json())
    whole = config.protocols.model_dump(mode="json")[table]
    asked = {table: without_limits(whole), "engine": "feff", "unknown": {"a": 1}}
    found = with_limits(asked, tmp_path)
    assert {n: p["timeout_s"] for n, p in found[table].items()} == {
        n: p["timeout_s"] for n, p in whole.items()
    }
    assert without_limits(found[table]) == asked[table]
    assert (found["engine"], found["unknown"]) == ("feff", {"a": 1})
    assert with_limits(asked, tmp_path / "none") == asked


def test_results_are_where_the_log_is() -> None:
    class Job:
        log = ("deep/two/results/logs/calculate/nmc-00.log",)

    assert results_of(Job()) == Path("deep/two/results")  # type: ignore[arg-type]
