"""Defectra: from defects to spectra and levels, to tables, to models, to figures."""

import json
from pathlib import Path

from snakemake.utils import min_version

from defectra.config import leaf, load
from defectra.engines.release import release
from defectra.fingerprint import fingerprint
from defectra.fingerprint import of_script as code
from defectra.leaves import archive_folder, pick, training_hash, worker_settings
from defectra.plan import write_plan

min_version("9.20")

ROOT = Path(workflow.basedir)
CONFIG = load(config.get("file", ROOT / "config/config.yaml"))
ARCHIVE = archive_folder(CONFIG, ROOT, Path.cwd())
ARCHIVE_PARTS = sorted(map(str, Path(ARCHIVE).glob("*/part-*.parquet")))
FIGURES = ["spectra", "parity", "edges", "lithium", "failures", "ladder"]

# The plan is no job: its manifests are inputs and nobody's output (design, "nothing twice").
if workflow.is_main_process:
    CHUNKS = write_plan(CONFIG, Path("results"), fingerprint("defectra.plan"))
else:
    CHUNKS = json.loads(Path("results/plan/state.json").read_text())["chunks"]


wildcard_constraints:
    chunk=r"[a-z]+-\d+",


rule all:
    default_target: True
    input:
        "results/scorecard.csv",
        expand("results/nmc/figures/{figure}.png", figure=FIGURES),


rule nmc:
    input:
        rules.all.input,


report: "workflow/report/workflow.rst"


include: "workflow/rules/calculate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/figures.smk"
