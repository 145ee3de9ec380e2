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
        **step("defectra.studies.nmc.blocks.plots.plot_differences"),
        grids=leaf(CONFIG, "nmc", "edges"),


use rule step as plot_blocks_contents with:
    input:
        predictions=rules.evaluate_blocks.output.predictions,
        rows=rules.read_blocks.output.rows,
        metrics=rules.evaluate_blocks.output.metrics,
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
        **step("defectra.studies.nmc.blocks.plots.plot_parity"),


use rule step as plot_blocks_gains with:
    input:
        metrics=rules.evaluate_blocks.output.metrics,
        convergence=rules.compare_converged.output[0],
    output:
        gains=report(
            "results/nmc/figures/blocks_gains.png",
            category="Blocks",
            caption="captions/blocks_gains.rst",
        ),
        convergence=report(
            "results/nmc/figures/blocks_convergence.png",
            category="Blocks",
            caption="captions/blocks_convergence.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_gains.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.blocks.plots.plot_gains"),


use rule step as plot_blocks_curves with:
    input:
        curves=rules.evaluate_blocks.output.curves,
        learning=rules.evaluate_blocks.output.learning,
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
        **step("defectra.studies.nmc.blocks.plots.plot_curves"),


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
        **step("defectra.studies.nmc.blocks.plots.plot_shells"),


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
        **step("defectra.studies.nmc.blocks.plots.plot_weights"),


use rule step as plot_blocks_campaign with:
    input:
        campaign=rules.read_blocks.output.campaign,
    output:
        report(
            "results/nmc/figures/blocks_campaign.png",
            category="Blocks",
            caption="captions/blocks_campaign.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_campaign.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.blocks.plots.plot_campaign"),


use rule step as plot_blocks_strata with:
    input:
        strata=rules.evaluate_blocks.output.strata,
    output:
        report(
            "results/nmc/figures/blocks_strata.png",
            category="Blocks",
            caption="captions/blocks_strata.rst",
        ),
    log:
        "results/logs/nmc/plot_blocks_strata.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.blocks.plots.plot_strata"),


use rule step as plot_experiment with:
    input:
        experiment=rules.measure_experiment.output[0],
        energy_loss=rules.measure_energy_loss.output.table,
        curves=rules.measure_energy_loss.output.curves,
    output:
        electrodes=report(
            "results/nmc/figures/experiment.png",
            category="Blocks",
            caption="captions/experiment.rst",
        ),
        energy_loss=report(
            "results/nmc/figures/energy_loss.png",
            category="Blocks",
            caption="captions/energy_loss.rst",
        ),
    log:
        "results/logs/nmc/plot_experiment.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.nmc.blocks.plots.plot_experiment"),
