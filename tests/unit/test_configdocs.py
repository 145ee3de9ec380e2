"""The generated default study and schema are in step with the model, and round-trip."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest
import yaml

from defectra.core.config import config_model, load
from defectra.core.configdocs import documented, files, study_yaml
from defectra.studies.nmc.settings import NmcStudy

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(files(documented())))
def test_generated_file_is_in_step(name: str) -> None:
    have = (ROOT / name).read_text(encoding="utf-8").splitlines()
    wanted = files(documented())[name].splitlines()
    diff = "\n".join(difflib.unified_diff(have, wanted, name, "model"))
    assert not diff, f"run `make config`:\n{diff}"


def test_yaml_holds_exactly_the_defaults() -> None:
    data = yaml.safe_load(study_yaml("nmc", NmcStudy))
    assert NmcStudy.model_validate(data) == NmcStudy()
    assert set(data) == set(NmcStudy.model_fields)


def test_descriptions_and_limits_are_comments() -> None:
    text = study_yaml("nmc", NmcStudy)
    assert "# fraction of failed calculations above which a run stops; >= 0 and <= 1" in text
    assert max(map(len, text.splitlines())) <= 110


def test_shipped_config_is_the_default_study() -> None:
    config = load(ROOT / "config" / "config.yaml")
    assert config.nmc == NmcStudy()


def test_schema_names_every_key_and_refuses_others() -> None:
    schema = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]) == set(config_model(documented()).model_fields)
    assert {"nmc", "levels", "perovskites", "xanes"} <= set(documented())
    assert schema["additionalProperties"] is False
