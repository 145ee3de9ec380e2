# The campaign by blocks: whole blocks of the archive, models, weights over energy.


use rule step as read_blocks with:
    output:
        rows="results/nmc/blocks/rows.parquet",
        converged="results/nmc/blocks/converged.parquet",
        calculations="results/nmc/blocks/calculations.parquet",
        geometries="results/nmc/blocks/geometries.parquet",
        missing="results/nmc/blocks/missing.csv",
        campaign="results/nmc/blocks/campaign.csv",
    log:
        "results/logs/nmc/read_blocks.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.blocks.steps.read_blocks"),
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
        campaign="results/nmc/second_relaxer/campaign.csv",
    log:
        "results/logs/nmc/read_second_relaxer.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.blocks.steps.read_blocks"),
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
        **step("defectra.studies.nmc.blocks.steps.compare_relaxers"),
        archive=archive_parts(f"{CONFIG.archive}/nmc_sevennet", "geometries"),
        grids=leaf(CONFIG, "nmc", "edges"),
        seed=leaf(CONFIG, "seed"),


# The same blocks with the cell of the vacancy relaxed.


use rule step as read_own_cells with:
    output:
        rows="results/nmc/own_cells/rows.parquet",
        converged="results/nmc/own_cells/converged.parquet",
        calculations="results/nmc/own_cells/calculations.parquet",
        geometries="results/nmc/own_cells/geometries.parquet",
        missing="results/nmc/own_cells/missing.csv",
        campaign="results/nmc/own_cells/campaign.csv",
    log:
        "results/logs/nmc/read_own_cells.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.blocks.steps.read_blocks"),
        design=block_design(own_cells(CONFIG)),
        grids=leaf(CONFIG, "nmc", "edges"),
        archive=archive_parts(
            f"{CONFIG.archive}/nmc_own_cells", "calculations", "geometries", "spectra"
        ),


use rule step as compare_own_cells with:
    input:
        rows=rules.read_blocks.output.rows,
        own=rules.read_own_cells.output.rows,
        geometries=rules.read_own_cells.output.geometries,
    output:
        "results/nmc/own_cells/comparison.csv",
    log:
        "results/logs/nmc/compare_own_cells.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.blocks.steps.compare_own_cells"),
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
        **step("defectra.studies.nmc.blocks.steps.compare_codes"),
        design=block_design(CONFIG),
        feff=archive_parts(f"{CONFIG.archive}/nmc_blocks", "calculations", "spectra"),
        gpaw=archive_parts(f"{CONFIG.archive}/nmc_core_hole", "calculations", "spectra"),
        protocols=code_protocols(CONFIG),
        grids=leaf(CONFIG, "nmc", "edges"),


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
        **step("defectra.studies.nmc.blocks.steps.compare_images"),
        design=block_design(CONFIG),
        grids=leaf(CONFIG, "nmc", "edges"),
        small=archive_parts(
            f"{CONFIG.archive}/nmc_blocks", "calculations", "geometries", "spectra"
        ),
        large=archive_parts(
            f"{CONFIG.archive}/nmc_larger_cells", "calculations", "spectra"
        ),


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
        **step("defectra.studies.nmc.blocks.steps.measure_shells"),
        design=block_design(CONFIG),
        grids=leaf(CONFIG, "nmc", "edges"),
        archive=archive_parts(
            f"{CONFIG.archive}/nmc_blocks", "calculations", "geometries", "spectra"
        ),


# The longest step of the study waits for nothing but the archive: it starts first.


use rule step as evaluate_blocks with:
    input:
        rows=rules.read_blocks.output.rows,
    output:
        metrics="results/nmc/blocks/metrics.csv",
        curves="results/nmc/blocks/curves.csv",
        learning="results/nmc/blocks/learning.csv",
        halves="results/nmc/blocks/halves.csv",
        strata="results/nmc/blocks/strata.csv",
        predictions="results/nmc/blocks/predictions.parquet",
    log:
        "results/logs/nmc/evaluate_blocks.log",
    priority: 10
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.nmc.blocks.steps.evaluate_blocks"),
        grids=leaf(CONFIG, "nmc", "edges"),
        config=block_model(CONFIG),
        planned=leaf(CONFIG, "nmc", "blocks", "count"),
        seed=leaf(CONFIG, "seed"),


# What converged potentials change, in spectra and for the models: beside the longest step.


use rule step as compare_converged with:
    input:
        rows=rules.read_blocks.output.rows,
        converged=rules.read_blocks.output.converged,
    output:
        "results/nmc/blocks/convergence.csv",
    log:
        "results/logs/nmc/compare_converged.log",
    priority: 5
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.nmc.blocks.steps.compare_converged"),
        design=block_design(CONFIG),
        archive=archive_parts(
            f"{CONFIG.archive}/nmc_blocks", "calculations", "geometries", "spectra"
        ),
        grids=leaf(CONFIG, "nmc", "edges"),
        seed=leaf(CONFIG, "seed"),


use rule step as evaluate_external with:
    input:
        rows=rules.read_blocks.output.rows,
        training=rules.build_training.output.training,
        geometries=rules.gather.output.geometries,
    output:
        metrics="results/nmc/blocks/external_metrics.csv",
        predictions="results/nmc/blocks/external_predictions.parquet",
    log:
        "results/logs/nmc/evaluate_external.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.nmc.blocks.steps.evaluate_external"),
        grids=leaf(CONFIG, "nmc", "edges"),
        config=block_model(CONFIG),
        geometry=leaf(CONFIG, "nmc", "geometry"),
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
        **step("defectra.studies.nmc.blocks.steps.save_model"),
        **project_files(axes="resources/nmc/axes.csv"),
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
        **step("defectra.studies.nmc.blocks.steps.save_lithium_shift"),
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
        **step("defectra.studies.nmc.blocks.steps.weigh_blocks"),
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
        **step("defectra.studies.nmc.blocks.steps.measure_experiment"),
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
        low_loss=needs(
            "spectra/jia2026_multimodal/Data/Exp_data/EELS/ZLP/Extracted Spectrum 1.msa",
            CONFIG.mirror,
        ),
        model=rules.save_model.output[0],
    output:
        table="results/nmc/energy_loss.csv",
        curves="results/nmc/energy_loss_curves.csv",
    log:
        "results/logs/nmc/measure_energy_loss.log",
    localrule: True
    params:
        **step("defectra.studies.nmc.blocks.steps.measure_energy_loss"),
        **project_files(cross_sections="resources/nmc/edge_cross_sections.csv"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,


EXPERIMENT = list(rules.measure_experiment.output) if CONFIG.mirror else []
ENERGY_LOSS = [rules.measure_energy_loss.output.table] if CONFIG.mirror else []
