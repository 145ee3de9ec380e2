# From spectra to the training table, and what taking lithium out does to the spectra.

from defectra.studies.nmc.parameters import parsed_state, pick, training_hash


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


# Models and their scores beside the published ones.


use rule step as evaluate with:
    input:
        training=rules.build_training.output.training,
    output:
        metrics=report(
            "results/nmc/metrics.csv",
            category="Models",
            caption="captions/metrics.rst",
        ),
        predictions="results/nmc/predictions.parquet",
    log:
        "results/logs/nmc/evaluate.log",
    resources:
        **need(mb=1500, minutes=60),
    params:
        **step("defectra.studies.nmc.steps.evaluate"),
        config=leaf(CONFIG, "nmc", "model"),
        seed=leaf(CONFIG, "seed"),


use rule step as score with:
    input:
        metrics=rules.evaluate.output.metrics,
        lithium=rules.measure_lithium.output[0],
        drift=rules.drift.output[0],
        training=rules.build_training.output.training,
    output:
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


rule nmc:
    input:
        rules.score.output,
        expand(
            "results/nmc/figures/{figure}.png",
            figure=["spectra", "parity", "edges", "lithium", "failures", "ladder"],
        ),
    localrule: True
