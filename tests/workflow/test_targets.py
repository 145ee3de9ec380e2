"""Every rule of a study is asked for by its target: no file has to be named by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from campaign import ROOT, jobs

from defectra.core.studies import FOLDER, study_names
from defectra.report.published import items, makeable

pytestmark = pytest.mark.workflow

# What a target leaves out, and why.
LEFT_OUT = {
    "parse_levels": "takes runs that a config names",
    "run_next_levels": "what next.csv proposes: days of GPAW, asked for by file",
    "measure_experiment": "needs a mirror of measured electrodes",
    "plot_experiment": "the same",
    "measure_energy_loss": "the same",
}


def snakemake(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile")]
    env = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run(
        [*command, "--directory", str(folder), *arguments],
        capture_output=True, text=True, check=False, env=env,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_rule_of_a_study_is_left_out_of_its_target(tmp_path: Path) -> None:
    studies = sorted(path.parent.name for path in FOLDER.glob("*/rules.smk"))
    asked = set(jobs(snakemake(tmp_path, *studies, "-n", "--quiet=rules")))
    shared = {
        "all",
        "collect_scores",
        "everything",
        "ladder",
        "make_report",
        "report_study",
        "step",
    }
    rules = {line.split()[0] for line in snakemake(tmp_path, "--list-rules").splitlines() if line}
    assert rules > asked > {"plot_level_coverage", "evaluate", "train_segmentation"}
    assert rules - asked - shared - set(studies) == set(LEFT_OUT)


def test_every_figure_of_the_papers_can_be_planned_at_once(tmp_path: Path) -> None:
    """`make published`: an input that no rule makes would stop the dry run."""
    files = makeable(items(), study_names())
    said = snakemake(tmp_path, *files, "-n")
    planned = {
        name.strip(", ")
        for line in said.splitlines()
        if line.startswith("    output:")
        for name in line.removeprefix("    output:").split()
    }
    assert files
    assert set(files) <= planned
