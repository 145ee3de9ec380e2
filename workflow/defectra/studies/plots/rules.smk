# The lines of plots, read back from their pictures.
from defectra.core.datasets import needs_if_named
from defectra.core.project_files import project_files
from defectra.studies.plots.settings import CLICKED, PICTURE

# Without a mirror the example of the authors is left out, and its checks say so.
AUTHORS_EXAMPLE = needs_if_named([PICTURE], CONFIG.mirror)


use rule step as gather_plots with:
    input:
        computed_chunks(CONFIG, "plots"),
    output:
        table="results/plots/pictures.parquet",
        arrays="results/plots/pictures.h5",
    log:
        "results/logs/plots/gather_plots.log",
    localrule: True
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="plots",
        kind="pictures",
        config=part_for(CONFIG, "plots"),
        files=lambda wildcards: files_for(CONFIG, "plots"),
        study_code=code_of(requests_module("plots")),


use rule step as read_plots with:
    input:
        pictures=rules.gather_plots.output.table,
        arrays=rules.gather_plots.output.arrays,
    output:
        "results/plots/readings/{part}.parquet",
    log:
        "results/logs/plots/read_plots_{part}.log",
    wildcard_constraints:
        part=r"\d+",
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.studies.plots.steps.read_plots"),
        parts=CONFIG.plots.parts,


use rule step as read_plots_example with:
    input:
        picture=AUTHORS_EXAMPLE,
    output:
        compared=report(
            "results/plots/example.csv",
            category="Plots",
            caption="captions/example_table.rst",
        ),
        lines="results/plots/example_lines.csv",
    log:
        "results/logs/plots/read_plots_example.log",
    params:
        **step("defectra.studies.plots.steps.read_plots_example"),
        **project_files(clicked=CLICKED),
        mirror=CONFIG.mirror,


use rule step as score_plots with:
    input:
        example=rules.read_plots_example.output.compared,
        readings=expand(
            "results/plots/readings/{part}.parquet", part=range(CONFIG.plots.parts)
        ),
    output:
        metrics=report(
            "results/plots/metrics.csv",
            category="Plots",
            caption="captions/metrics.rst",
        ),
        scorecard="results/plots/scorecard.csv",
        checks="results/plots/checks.csv",
    log:
        "results/logs/plots/score_plots.log",
    localrule: True
    params:
        **step("defectra.studies.plots.steps.score_plots"),
        config=leaf(CONFIG, "plots"),
        seed=leaf(CONFIG, "seed"),


use rule step as plot_plots_recall with:
    input:
        metrics=rules.score_plots.output.metrics,
    output:
        report(
            "results/plots/figures/recall.png",
            category="Plots",
            caption="captions/recall.rst",
        ),
    log:
        "results/logs/plots/plot_plots_recall.log",
    localrule: True
    params:
        **step("defectra.studies.plots.steps.plot_plots_recall"),


use rule step as plot_plots_examples with:
    input:
        pictures=rules.gather_plots.output.table,
        arrays=rules.gather_plots.output.arrays,
    output:
        report(
            "results/plots/figures/examples.png",
            category="Plots",
            caption="captions/examples.rst",
        ),
    log:
        "results/logs/plots/plot_plots_examples.log",
    localrule: True
    params:
        **step("defectra.studies.plots.steps.plot_plots_examples"),


use rule step as plot_plots_example with:
    input:
        picture=AUTHORS_EXAMPLE,
        compared=rules.read_plots_example.output.compared,
        lines=rules.read_plots_example.output.lines,
    output:
        report(
            "results/plots/figures/example.png",
            category="Plots",
            caption="captions/example.rst",
        ),
    log:
        "results/logs/plots/plot_plots_example.log",
    localrule: True
    params:
        **step("defectra.studies.plots.steps.plot_plots_example"),
        mirror=CONFIG.mirror,


rule plots:
    input:
        rules.score_plots.output,
        "results/plots/figures/recall.png",
        "results/plots/figures/examples.png",
        "results/plots/figures/example.png",
    localrule: True
