# From spectra to the training table, and what taking lithium out does to the spectra.

from defectra.core.project_files import archive_parts, project_files
from defectra.studies.nmc.blocks.campaign import own_cells, second_relaxer
from defectra.studies.nmc.blocks.tables import block_design
from defectra.studies.nmc.parameters import (
    block_model,
    code_protocols,
    pick,
    training_hash,
)


include: "calculations.smk"


use rule step as average_sites with:
    input:
        checked=rules.gather.output.calculations,
        structures=planned("structures.parquet"),
        tasks=planned("tasks.parquet"),
        calculations=expand("results/chunks/{chunk}/calculations.parquet", chunk=CHUNKS),
        spectra=expand("results/chunks/{chunk}/spectra.parquet", chunk=CHUNKS),
    output:
        "results/nmc/site_averages.parquet",
    log:
        "results/logs/nmc/average_sites.log",
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.studies.nmc.steps.average_sites"),
        config=leaf(CONFIG, "nmc", "edges"),


use rule step as build_training with:
    input:
        structures=rules.gather.output.structures,
        site_averages=rules.average_sites.output[0],
    output:
        training="results/nmc/training.parquet",
        left_out="results/nmc/left_out.csv",
    log:
        "results/logs/nmc/build_training.log",
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.studies.nmc.steps.build_training"),
        config=pick(
            CONFIG, "geometry", "protocol", "edges", "parsed", "parsed_geometry"
        ),
        config_hash=training_hash(CONFIG),
        settings=worker_settings(CONFIG),
        parsed=PARSED_RUNS,
        parsed_code=(
            fingerprint("defectra.studies.nmc.parsed_join")
            if CONFIG.nmc.parsed
            else ""
        ),


use rule step as measure_lithium with:
    input:
        structures=rules.gather.output.structures,
        calculations=rules.gather.output.calculations,
        spectra=rules.gather.output.spectra,
    output:
        report(
            "results/nmc/lithium.csv",
            category="Lithium series",
            caption="captions/lithium_table.rst",
        ),
    log:
        "results/logs/nmc/measure_lithium.log",
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.studies.nmc.steps.measure_lithium"),
        config=pick(CONFIG, "lithium_series", "protocol", "edges"),


include: "blocks.smk"


# Models of the first campaign, and the scores of both beside the published ones.


use rule step as evaluate with:
    input:
        training=rules.build_training.output.training,
        geometries=rules.gather.output.geometries,
    output:
        metrics="results/nmc/first_metrics.csv",
        predictions="results/nmc/predictions.parquet",
    log:
        "results/logs/nmc/evaluate.log",
    resources:
        **need(mb=1500, minutes=60),
    params:
        **step("defectra.studies.nmc.steps.evaluate"),
        config=leaf(CONFIG, "nmc", "model"),
        geometry=leaf(CONFIG, "nmc", "geometry"),
        seed=leaf(CONFIG, "seed"),


use rule step as score with:
    input:
        first=rules.evaluate.output.metrics,
        blocks=rules.evaluate_blocks.output.metrics,
        external=rules.evaluate_external.output.metrics,
        lithium=rules.measure_lithium.output[0],
        drift=rules.drift.output[0],
        experiment=EXPERIMENT,
        energy_loss=ENERGY_LOSS,
        relaxers=rules.compare_relaxers.output[0],
        own_cells=rules.compare_own_cells.output[0],
        codes=rules.compare_codes.output[0],
        shells=rules.measure_shells.output.shells,
        images=rules.compare_images.output[0],
        convergence=rules.compare_converged.output[0],
        weights=rules.weigh_blocks.output[0],
    output:
        metrics=report(
            "results/nmc/metrics.csv",
            category="Models",
            caption="captions/metrics.rst",
        ),
        scorecard="results/nmc/scorecard.csv",
        checks="results/nmc/checks.csv",
    log:
        "results/logs/nmc/score.log",
    localrule: True
    params:
        **step("defectra.studies.nmc.steps.score"),


include: "figures.smk"


rule nmc:
    input:
        rules.plot_experiment.output if CONFIG.mirror else [],
        rules.save_model.output,
        rules.save_lithium_shift.output,
        rules.score.output,
        expand(
            "results/nmc/figures/{figure}.png",
            figure=["spectra", "parity", "edges", "lithium", "failures", "ladder"],
        ),
        expand(
            "results/nmc/figures/blocks_{figure}.png",
            figure=[
                "differences",
                "contents",
                "gains",
                "curves",
                "weights",
                "shells",
                "convergence",
                "campaign",
                "strata",
            ],
        ),
    localrule: True
