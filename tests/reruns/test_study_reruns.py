"""One key or one module changed: exactly these rules rerun, in every study."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from campaign import Campaign
from changes import DELTA, KEYS, MODULES, REPORT
from hollow import changed, hollow_campaign

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """All four studies up to their figures; tests must leave it as it is."""
    folder = tmp_path_factory.mktemp("hollow")
    campaign = hollow_campaign(folder / "project", folder / "mirror")
    campaign.run("--no-report")
    return campaign


@pytest.fixture
def hollow(done: Campaign, tmp_path: Path) -> Campaign:
    return done.copy_to(tmp_path / "project")


def test_nothing_changed(done: Campaign) -> None:
    assert done.planned() == {}


@pytest.mark.parametrize(("key", "value", "rules"), KEYS, ids=[key for key, *_ in KEYS])
def test_key(hollow: Campaign, key: str, value: Any, rules: set[str]) -> None:
    config = changed({"nmc": hollow.study, **hollow.others}, key, value)
    hollow.study = config.pop("nmc")
    hollow.others = config
    hollow.write_config()
    assert set(hollow.planned()) == rules | REPORT


def edit(campaign: Campaign, module: str) -> None:
    path = campaign.folder / "workflow/defectra" / module
    path.write_text(path.read_text() + "\n_EDITED = True\n")


@pytest.mark.parametrize(("module", "rules"), MODULES, ids=[name for name, _ in MODULES])
def test_module(hollow: Campaign, module: str, rules: set[str]) -> None:
    edit(hollow, module)
    assert set(hollow.planned()) == rules | REPORT


@pytest.fixture(scope="module")
def with_feff(done: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The same, with FEFF as engine of study `nmc`; tests must leave it as it is."""
    campaign = done.copy_to(tmp_path_factory.mktemp("feff") / "project")
    campaign.study["engine"] = "feff"
    campaign.write_config()
    campaign.run("--no-report")
    assert campaign.planned() == {}
    return campaign


@pytest.mark.parametrize("module", ["run", "read", "output", "engine"])
def test_an_engine_reruns_no_step_of_a_study_that_does_not_use_it(
    with_feff: Campaign, tmp_path: Path, module: str
) -> None:
    campaign = with_feff.copy_to(tmp_path / "project")
    edit(campaign, f"engines/feff/{module}.py")
    planned = set(campaign.planned())
    assert {"calculate", "drift", "gather", "evaluate"} <= planned
    others = [f"studies/{study}/rules.smk" for study in ("levels", "perovskites")]
    assert not planned & {rule for path in others for rule in rules_of(campaign, path)}


def rules_of(campaign: Campaign, path: str) -> set[str]:
    """Names of the rules of a file, all its targets included."""
    text = (campaign.folder / "workflow/defectra" / path).read_text(encoding="utf-8")
    found = set(re.findall(r"^(?:use rule \w+ as|rule) (\w+)", text, re.MULTILINE))
    assert len(found) > 10
    return found


def test_a_file_of_the_mirror_reruns_what_reads_it(hollow: Campaign) -> None:
    """A mirror of its own: the one of the other tests stays as it is."""
    mirror = hollow.folder.parent / "mirror"
    shutil.copytree(hollow.others["mirror"], mirror)
    hollow.others = {**hollow.others, "mirror": str(mirror)}
    hollow.write_config()
    hollow.run("--no-report")  # rules carry the folder of the mirror
    assert hollow.planned() == {}
    (mirror / "spectra/omnixas/material_id_and_site/Ti_FEFF_val.txt").write_text("other\n")
    assert set(hollow.planned()) == DELTA | REPORT


def test_time_limits_and_descriptions_rerun_nothing(hollow: Campaign) -> None:
    for path in (hollow.folder / "config/protocols").glob("*.yaml"):
        protocols = yaml.safe_load(path.read_text())
        for protocol in protocols.values():
            protocol["description"] = "in other words"
            if path.stem in ("feff", "gpaw", "gpaw_levels"):
                protocol["timeout_s"] = 77777
        path.write_text(yaml.safe_dump(protocols))
    assert hollow.planned() == {}


def test_two_studies_mounted_by_another_workflow(hollow: Campaign, tmp_path: Path) -> None:
    """Plan, archives, hosts and captions are found from the package, results below the prefix."""
    mirror = hollow.others["mirror"]
    (tmp_path / "Snakefile").write_text(
        'module defectra:\n    snakefile: "project/workflow/Snakefile"\n    config: config\n'
        '    prefix: "defects"\n\nuse rule * from defectra as d_*\n\n'
        "rule mine:\n    default_target: True\n"
        "    input: rules.d_levels.input, rules.d_xanes.input\n"
    )
    asked = yaml.safe_dump({"studies": ["levels", "xanes"], "mirror": mirror})
    (tmp_path / "mine.yaml").write_text(asked)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "mine.yaml"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    for more in ([], ["-n"]):
        done = subprocess.run(
            [*command, *more],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert "Nothing to be done" in done.stdout
    for study in ("levels", "xanes"):
        assert (tmp_path / f"defects/results/{study}/scorecard.csv").exists()
    assert not (tmp_path / "results").exists()
