# From spectra to the training table, and what taking lithium out does to the spectra.

from defectra.core.project_files import archive_parts, project_files
from defectra.studies.nmc.block_campaign import second_relaxer
from defectra.studies.nmc.block_tables import block_design
from defectra.studies.nmc.parameters import (
    block_model,
    code_protocols,
    parsed_state,
    pick,
    training_hash,
)


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
        parsed=parsed_state(CONFIG),
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
        config=pick(CONFIG, "lithium_series", "protocol", "edges", "model"),
        seed=leaf(CONFIG, "seed"),


# The campaign by blocks: whole blocks of the archive, models, weights over energy.


use rule step as read_blocks with:
    output:
        rows="results/nmc/blocks/rows.parquet",
        converged="results/nmc/blocks/converged.parquet",
        calculations="results/nmc/blocks/calculations.parquet",
        geometries="results/nmc/blocks/geometries.parquet",
        missing="results/nmc/blocks/missing.csv",
    log:
        "results/logs/nmc/read_blocks.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.block_steps.read_blocks"),
        design=block_design(CONFIG),
        grids=leaf(CONFIG, "nmc", "edges"),
        archive=archive_parts(
            f"{CONFIG.archive}/nmc_blocks", "calculations", "geometries", "spectra"
        ),


# The same blocks in cells of a second potential.


use rule step as read_second_relaxer with:
    output:
        rows="results/nmc/second_relaxer/rows.parquet",
        converged="results/nmc/second_relaxer/converged.parquet",
        calculations="results/nmc/second_relaxer/calculations.parquet",
        geometries="results/nmc/second_relaxer/geometries.parquet",
        missing="results/nmc/second_relaxer/missing.csv",
    log:
        "results/logs/nmc/read_second_relaxer.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.block_steps.read_blocks"),
        design=block_design(second_relaxer(CONFIG)),
        grids=leaf(CONFIG, "nmc", "edges"),
        archive=archive_parts(
            f"{CONFIG.archive}/nmc_sevennet", "calculations", "geometries", "spectra"
        ),


use rule step as compare_relaxers with:
    input:
        rows=rules.read_blocks.output.rows,
        second=rules.read_second_relaxer.output.rows,
    output:
        "results/nmc/second_relaxer/comparison.csv",
    log:
        "results/logs/nmc/compare_relaxers.log",
    params:
        **step("defectra.studies.nmc.block_steps.compare_relaxers"),
        archive=archive_parts(f"{CONFIG.archive}/nmc_sevennet", "geometries"),
        grids=leaf(CONFIG, "nmc", "edges"),
        seed=leaf(CONFIG, "seed"),


# Some of the same sites by a second code.


use rule step as compare_codes with:
    input:
        rows=rules.read_blocks.output.rows,
    output:
        "results/nmc/core_hole/comparison.csv",
    log:
        "results/logs/nmc/compare_codes.log",
    params:
        **step("defectra.studies.nmc.block_steps.compare_codes"),
        feff=archive_parts(f"{CONFIG.archive}/nmc_blocks", "calculations", "spectra"),
        gpaw=archive_parts(f"{CONFIG.archive}/nmc_core_hole", "calculations", "spectra"),
        protocols=code_protocols(CONFIG),
        grids=leaf(CONFIG, "nmc", "edges"),
        seed=leaf(CONFIG, "seed"),


# A vacancy without its nearest images.


use rule step as compare_images with:
    input:
        rows=rules.read_blocks.output.rows,
    output:
        "results/nmc/larger_cells/comparison.csv",
    log:
        "results/logs/nmc/compare_images.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.block_steps.compare_images"),
        design=block_design(CONFIG),
        grids=leaf(CONFIG, "nmc", "edges"),
        small=archive_parts(
            f"{CONFIG.archive}/nmc_blocks", "calculations", "geometries", "spectra"
        ),
        large=archive_parts(
            f"{CONFIG.archive}/nmc_larger_cells", "calculations", "spectra"
        ),
        seed=leaf(CONFIG, "seed"),


# Which neighbours of a defect change.


use rule step as measure_shells with:
    input:
        rows=rules.read_blocks.output.rows,
    output:
        sites="results/nmc/blocks/sites.csv",
        shells="results/nmc/blocks/shells.csv",
    log:
        "results/logs/nmc/measure_shells.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.block_steps.measure_shells"),
        design=block_design(CONFIG),
        grids=leaf(CONFIG, "nmc", "edges"),
        archive=archive_parts(
            f"{CONFIG.archive}/nmc_blocks", "calculations", "geometries", "spectra"
        ),
        seed=leaf(CONFIG, "seed"),


# The longest step of the study waits for nothing but the archive: it starts first.


use rule step as evaluate_blocks with:
    input:
        rows=rules.read_blocks.output.rows,
    output:
        metrics="results/nmc/blocks/metrics.csv",
        curves="results/nmc/blocks/curves.csv",
        halves="results/nmc/blocks/halves.csv",
        predictions="results/nmc/blocks/predictions.parquet",
    log:
        "results/logs/nmc/evaluate_blocks.log",
    priority: 10
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.nmc.block_steps.evaluate_blocks"),
        grids=leaf(CONFIG, "nmc", "edges"),
        config=block_model(CONFIG),
        seed=leaf(CONFIG, "seed"),


use rule step as evaluate_external with:
    input:
        rows=rules.read_blocks.output.rows,
        training=rules.build_training.output.training,
    output:
        metrics="results/nmc/blocks/external_metrics.csv",
        predictions="results/nmc/blocks/external_predictions.parquet",
    log:
        "results/logs/nmc/evaluate_external.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.nmc.block_steps.evaluate_external"),
        grids=leaf(CONFIG, "nmc", "edges"),
        config=block_model(CONFIG),
        seed=leaf(CONFIG, "seed"),


use rule step as save_model with:
    input:
        rows=rules.read_blocks.output.rows,
        halves=rules.evaluate_blocks.output.halves,
    output:
        "results/nmc/models/edges.npz",
    log:
        "results/logs/nmc/save_model.log",
    localrule: True
    params:
        **step("defectra.studies.nmc.block_steps.save_model"),
        grids=leaf(CONFIG, "nmc", "edges"),
        seed=leaf(CONFIG, "seed"),


use rule step as save_lithium_shift with:
    input:
        lithium=rules.measure_lithium.output[0],
    output:
        "results/nmc/models/lithium_shift.npz",
    log:
        "results/logs/nmc/save_lithium_shift.log",
    localrule: True
    params:
        **step("defectra.studies.nmc.block_steps.save_lithium_shift"),
        lithium=pick(CONFIG, "lithium_series", "protocol"),


use rule step as weigh_blocks with:
    input:
        rows=rules.read_blocks.output.rows,
    output:
        "results/nmc/blocks/weights.csv",
    log:
        "results/logs/nmc/weigh_blocks.log",
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.studies.nmc.block_steps.weigh_blocks"),
        grids=leaf(CONFIG, "nmc", "edges"),
        config=block_model(CONFIG),
        seed=leaf(CONFIG, "seed"),


# Measured electrodes: only where the published data are.


use rule step as measure_experiment with:
    input:
        rows=rules.read_blocks.output.rows,
        lithium=rules.measure_lithium.output[0],
        series=needs(
            "spectra/chen2023_featurexas/dataset/nmc_exp_xas.json", CONFIG.mirror
        ),
        charge=needs(
            "spectra/jia2026_multimodal/Data/Exp_data/XAS/622.csv", CONFIG.mirror
        ),
    output:
        "results/nmc/experiment.csv",
    log:
        "results/logs/nmc/measure_experiment.log",
    params:
        **step("defectra.studies.nmc.block_steps.measure_experiment"),
        lithium=pick(CONFIG, "lithium_series", "protocol"),
        grids=leaf(CONFIG, "nmc", "edges"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,


use rule step as measure_energy_loss with:
    input:
        spectrum=needs(
            "spectra/jia2026_multimodal/Data/Exp_data/EELS/TM/Extracted Spectrum 1.msa",
            CONFIG.mirror,
        ),
    output:
        "results/nmc/energy_loss.csv",
    log:
        "results/logs/nmc/measure_energy_loss.log",
    localrule: True
    params:
        **step("defectra.studies.nmc.block_steps.measure_energy_loss"),
        **project_files(cross_sections="resources/nmc/edge_cross_sections.csv"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,


EXPERIMENT = list(rules.measure_experiment.output) if CONFIG.mirror else []


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
        relaxers=rules.compare_relaxers.output[0],
        codes=rules.compare_codes.output[0],
        shells=rules.measure_shells.output.shells,
        images=rules.compare_images.output[0],
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


# One rule for each figure of the report.


use rule step as plot_spectra with:
    input:
        structures=rules.gather.output.structures,
        site_averages=rules.average_sites.output[0],
    output:
        report(
            "results/nmc/figures/spectra.png",
            category="Spectra",
            caption="captions/spectra.rst",
        ),
    log:
        "results/logs/nmc/plot_spectra.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.plots.plot_spectra"),
        config=pick(CONFIG, "geometry", "protocol", "edges"),


use rule step as plot_parity with:
    input:
        predictions=rules.evaluate.output.predictions,
    output:
        report(
            "results/nmc/figures/parity.png",
            category="Models",
            caption="captions/parity.rst",
        ),
    log:
        "results/logs/nmc/plot_parity.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.plots.plot_parity"),


use rule step as plot_edges with:
    input:
        metrics=rules.evaluate.output.metrics,
    output:
        report(
            "results/nmc/figures/edges.png",
            category="Models",
            caption="captions/edges.rst",
        ),
    log:
        "results/logs/nmc/plot_edges.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.plots.plot_edges"),


use rule step as plot_lithium with:
    input:
        structures=rules.gather.output.structures,
        site_averages=rules.average_sites.output[0],
        lithium=rules.measure_lithium.output[0],
    output:
        report(
            "results/nmc/figures/lithium.png",
            category="Lithium series",
            caption="captions/lithium.rst",
        ),
    log:
        "results/logs/nmc/plot_lithium.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.plots.plot_lithium"),
        config=pick(CONFIG, "lithium_series", "protocol"),


use rule step as plot_failures with:
    input:
        calculations=rules.gather.output.calculations,
    output:
        report(
            "results/nmc/figures/failures.png",
            category="Calculations",
            caption="captions/failures.rst",
        ),
    log:
        "results/logs/nmc/plot_failures.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.plots.plot_failures"),


use rule step as plot_ladder with:
    input:
        site_averages=rules.average_sites.output[0],
    output:
        report(
            "results/nmc/figures/ladder.png",
            category="Calculations",
            caption="captions/ladder.rst",
        ),
    log:
        "results/logs/nmc/plot_ladder.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.plots.plot_ladder"),
        config=pick(CONFIG, "geometry", "protocol", "ladder"),


use rule step as plot_blocks_differences with:
    input:
        rows=rules.read_blocks.output.rows,
    output:
        report(
            "results/nmc/figures/blocks_differences.png",
            category="Blocks",
            caption="captions/blocks_differences.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_differences.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.block_plots.plot_differences"),
        grids=leaf(CONFIG, "nmc", "edges"),


use rule step as plot_blocks_contents with:
    input:
        predictions=rules.evaluate_blocks.output.predictions,
        rows=rules.read_blocks.output.rows,
    output:
        report(
            "results/nmc/figures/blocks_contents.png",
            category="Blocks",
            caption="captions/blocks_contents.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_contents.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.block_plots.plot_parity"),


use rule step as plot_blocks_gains with:
    input:
        metrics=rules.evaluate_blocks.output.metrics,
    output:
        report(
            "results/nmc/figures/blocks_gains.png",
            category="Blocks",
            caption="captions/blocks_gains.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_gains.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.block_plots.plot_gains"),


use rule step as plot_blocks_curves with:
    input:
        curves=rules.evaluate_blocks.output.curves,
    output:
        report(
            "results/nmc/figures/blocks_curves.png",
            category="Blocks",
            caption="captions/blocks_curves.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_curves.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.block_plots.plot_curves"),


use rule step as plot_blocks_shells with:
    input:
        sites=rules.measure_shells.output.sites,
        shells=rules.measure_shells.output.shells,
    output:
        report(
            "results/nmc/figures/blocks_shells.png",
            category="Blocks",
            caption="captions/blocks_shells.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_shells.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.block_plots.plot_shells"),


use rule step as plot_blocks_weights with:
    input:
        weights=rules.weigh_blocks.output[0],
    output:
        report(
            "results/nmc/figures/blocks_weights.png",
            category="Blocks",
            caption="captions/blocks_weights.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_weights.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.block_plots.plot_weights"),


use rule step as plot_experiment with:
    input:
        experiment=rules.measure_experiment.output[0],
    output:
        report(
            "results/nmc/figures/experiment.png",
            category="Blocks",
            caption="captions/experiment.rst",
        ),
    log:
        "results/logs/nmc/plot_experiment.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.block_plots.plot_experiment"),


rule nmc:
    input:
        [rules.plot_experiment.output, rules.measure_energy_loss.output]
        if CONFIG.mirror
        else [],
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
            ],
        ),
    localrule: True
