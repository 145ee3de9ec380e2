"""Defectra: from defects to spectra and levels, to tables, to models, to figures."""

import json
from pathlib import Path

from snakemake.utils import min_version

from defectra.campaign.archived import write_archived
from defectra.core.config import leaf, load
from defectra.core.datasets import needs
from defectra.engines.release import release
from defectra.core.fingerprint import fingerprint
from defectra.core.fingerprint import of_script as code
from defectra.studies.levels.calculations import gpaw_version
from defectra.defects.vasp_runs import run_files
from defectra.core.config_leaves import (
    archive_folder,
    archive_parts,
    pick,
    training_hash,
    worker_settings,
)
from defectra.campaign.plan import write_plan_apart
from defectra.core.store import Archive
from defectra.campaign.workload import Workload, doubled

min_version("9.20")

ROOT = Path(workflow.basedir)
CONFIG = load(
    config.get("file", ROOT / "config/config.yaml"),
    {"mirror": config["mirror"]} if "mirror" in config else {},
)
ARCHIVE = archive_folder(CONFIG, ROOT, Path.cwd())
ARCHIVE_PARTS = archive_parts(ARCHIVE, "calculations", "geometries", "spectra")
# What each study is asked for; a target of the same name makes it alone.
TARGETS = {
    "nmc": [
        "results/nmc/scorecard.csv",
        *expand(
            "results/nmc/figures/{figure}.png",
            figure=["spectra", "parity", "edges", "lithium", "failures", "ladder"],
        ),
    ],
    "levels": [
        "results/levels/scorecard.csv",
        "results/levels/space.csv",
        "results/levels/live_drift.csv",
        *(["results/levels/parsed_levels.csv"] if CONFIG.levels.live.parsed else []),
        *expand(
            "results/levels/figures/{figure}.png",
            figure=[
                "errors",
                "gap",
                "map",
                "wall",
                "published",
                "diagrams",
                "live",
                "sizes",
                "formation",
            ],
        ),
    ],
    "perovskites": [
        *expand(
            "results/perovskites/{table}",
            table=[
                *("scorecard.csv", "metrics.csv", "fidelity.csv", "screened.parquet"),
                *("mixing.csv", "slme.csv"),
            ],
        ),
        *expand(
            "results/perovskites/figures/{figure}.png",
            figure=[
                "errors",
                "parity",
                "references",
                "runs",
                "decomposition",
                "fidelity",
                "funnel",
                "gap",
                "stability",
            ],
        ),
    ],
    "xanes": [
        "results/xanes/scorecard.csv",
        "results/xanes/metrics.csv",
        "results/xanes/ladder.csv",
        *expand(
            "results/xanes/figures/{figure}.png",
            figure=["features", "decay", "delta", "ladder", "series", "importance"],
        ),
    ],
}

# The plan is no job: its manifests are inputs and nobody's output (design, "nothing twice").
if workflow.is_main_process:
    CHUNKS = write_plan_apart(CONFIG, Path("results"), fingerprint("defectra.campaign.plan"))
    write_archived(Path("results"), CHUNKS, Archive(ARCHIVE))
else:
    CHUNKS = json.loads(Path("results/plan/state.json").read_text())["chunks"]

# What a cluster is asked for: worked out when first asked, kept beside the plan.
WORKLOAD = Workload(
    Path("results"),
    worker_settings(CONFIG),
    Path(ARCHIVE),
    ROOT / "workflow/costs.yaml",
    fingerprint("defectra.campaign.workload"),
)


# A few seconds each: no job of a cluster is worth its queue.
localrules:
    all,
    nmc,
    levels,
    perovskites,
    xanes,
    ladder,
    score,
    collect_scores,
    plot_spectra,
    plot_parity,
    plot_edges,
    plot_lithium,
    plot_failures,
    plot_ladder,
    build_levels,
    score_levels,
    simulate_levels,
    plot_level_errors,
    plot_level_gap,
    plot_level_map,
    plot_level_published,
    plot_level_diagrams,
    make_live_levels,
    plot_live_levels,
    plot_level_sizes,
    make_formation,
    gather_runs,
    compare_runs,
    gather_cells,
    compare_cells,
    measure_slme,
    gather_perovskites,
    score_perovskites,
    plot_perovskite_errors,
    plot_perovskite_parity,
    plot_perovskite_references,
    plot_perovskite_runs,
    plot_perovskite_decomposition,
    plot_perovskite_fidelity,
    plot_perovskite_screen,
    check_published,
    build_ladder,
    gather_xanes,
    score_xanes,
    plot_xanes_features,
    plot_xanes_delta,
    plot_xanes_ladder,
    plot_xanes_series,


wildcard_constraints:
    chunk=r"[a-z]+-\d+",


rule all:
    default_target: True
    input:
        "results/scorecard.csv",
        [TARGETS[study] for study in CONFIG.studies],


rule nmc:
    input:
        TARGETS["nmc"],


rule levels:
    input:
        TARGETS["levels"],


rule perovskites:
    input:
        TARGETS["perovskites"],


rule xanes:
    input:
        TARGETS["xanes"],


rule ladder:
    input:
        "results/xanes/ladder.csv",
        expand("results/xanes/figures/{figure}.png", figure=["ladder", "delta"]),


report: "workflow/report/workflow.rst"


include: "workflow/rules/calculate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/levels.smk"
include: "workflow/rules/perovskite_runs.smk"
include: "workflow/rules/perovskites.smk"
include: "workflow/rules/xanes.smk"
