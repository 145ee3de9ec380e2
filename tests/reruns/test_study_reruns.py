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
from hollow import changed, hollow_campaign

pytestmark = pytest.mark.workflow

# Each group holds a step and all that follows from it. Where a rule carries the whole leaf of its
# study (`levels`, `levels.live`, `xanes`), a key of another step of the study reruns it too.
REPORT = {"make_report"}  # shows all of them
LEVEL_FIGURES = {f"plot_level_{n}" for n in ("errors", "gap", "map", "published", "diagrams")}
LEVEL_SCORES = {"score_levels", "collect_scores"}
LEVEL_MODELS = {"evaluate_levels", "predict_levels", "simulate_levels"} | LEVEL_FIGURES
LEVELS_LEAF = {"align_levels"} | LEVEL_MODELS | LEVEL_SCORES
LIVE_TABLES = {"make_live_levels", "plot_live_levels", "plot_level_sizes"}
LIVE = {"run_levels", "make_formation"} | LIVE_TABLES | LEVEL_MODELS | LEVEL_SCORES
XANES_SCORES = {"gather_xanes", "plot_xanes_features", "score_xanes", "collect_scores"}
DELTA = {"learn_delta", "plot_xanes_delta"} | XANES_SCORES
XANES_LEAF = DELTA | {
    *("compare_features", "measure_nickel", "plot_xanes_series"),
    *("build_ladder", "plot_xanes_ladder"),
}
PEROVSKITE_SCORES = {"score_perovskites", "collect_scores"}
PEROVSKITE_MODELS = {
    *("evaluate_perovskites", "gather_perovskites"),
    *("plot_perovskite_errors", "plot_perovskite_parity"),
}
PEROVSKITE_FIGURES = {
    f"plot_perovskite_{n}" for n in ("errors", "fidelity", "parity", "references", "screen")
}


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


KEYS: list[tuple[str, Any, set[str]]] = [
    ("levels.diagrams", {"CdTe": ["Cu"]}, LEVELS_LEAF),
    ("levels.live.recompute", [], LIVE | LEVELS_LEAF),
    ("levels.native_defects", False, {"build_levels"} | LIVE_TABLES | LEVELS_LEAF),
    ("xanes.delta.components", 11, XANES_LEAF),
    ("perovskites.fidelity.draws", 2, {"measure_fidelity", "plot_perovskite_fidelity"}),
    (
        "perovskites.screen.probability",
        0.4,
        {"screen_perovskites", "plot_perovskite_screen"},
    ),
    ("perovskites.bootstrap", 999, PEROVSKITE_MODELS | PEROVSKITE_SCORES),
    (
        "nmc.model.trees",
        6,
        {"evaluate", "plot_parity", "plot_edges", "measure_lithium", "plot_lithium"}
        | {"score", "collect_scores"},
    ),
]


@pytest.mark.parametrize(("key", "value", "rules"), KEYS, ids=[key for key, *_ in KEYS])
def test_key(hollow: Campaign, key: str, value: Any, rules: set[str]) -> None:
    config = changed({"nmc": hollow.study, **hollow.others}, key, value)
    hollow.study = config.pop("nmc")
    hollow.others = config
    hollow.write_config()
    assert set(hollow.planned()) == rules | REPORT


MODULES: list[tuple[str, set[str]]] = [
    ("studies/levels/evaluate.py", LEVEL_MODELS | LEVEL_SCORES),
    ("studies/levels/calculations.py", LIVE),
    ("studies/perovskites/slme.py", {"measure_slme"} | PEROVSKITE_SCORES),
    ("studies/xanes/delta.py", DELTA),
    ("studies/perovskites/figures/models.py", PEROVSKITE_FIGURES),
]


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
