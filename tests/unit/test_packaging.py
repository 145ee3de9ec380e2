"""What others find the project by: conda recipe, catalog of workflows, version, changelog."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from defectra.core.config import load

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Of the package index -> of conda-forge, where the name is another; None: in no channel.
CONDA = {
    "snakemake": "snakemake-minimal",
    "matplotlib": "matplotlib-base",
    "xgboost-cpu": "py-xgboost-cpu",
    "xgboost": "py-xgboost-cpu",
    "feff10-rs": None,
}


def recipe() -> dict:
    return yaml.safe_load((ROOT / "envs/recipe.yaml").read_text(encoding="utf-8"))


def test_the_recipe_asks_for_what_the_package_asks_for():
    wanted = {}
    for line in PROJECT["dependencies"]:
        name, versions = re.match(r"([\w.-]+)([^;]*)", line).groups()
        wanted[CONDA.get(name, name)] = versions.strip()
    feff = wanted.pop(None)
    wanted["python"] = PROJECT["requires-python"]
    found = dict(line.partition(" ")[::2] for line in recipe()["requirements"]["run"])
    assert found == wanted
    assert f"feff10-rs{feff}" in recipe()["about"]["description"]


def test_one_version_and_one_program():
    said = recipe()["context"]["version"]
    assert said == PROJECT["version"]
    (entry,) = recipe()["build"]["python"]["entry_points"]
    name, _, target = entry.partition(" = ")
    assert PROJECT["scripts"] == {name: target}
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == said


def test_the_catalog_finds_what_it_looks_for():
    """Its rules: workflow/Snakefile, config/README.md, README.md, a file of usage, a test case."""
    for path in ("workflow/Snakefile", "config/README.md", "README.md", "LICENSE"):
        assert (ROOT / path).is_file()
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["software-stack-deployment"]) == {"conda", "singularity", "singularity+conda"}
    config = load(ROOT / ".test/config/config.yaml")
    assert config.nmc.engine == "synthetic"
