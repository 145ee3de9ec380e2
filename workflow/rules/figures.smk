# One rule for each figure of the report.


rule plot_spectra:
    input:
        structures=rules.gather.output.structures,
        site_averages=rules.average_sites.output[0],
    output:
        report(
            "results/nmc/figures/spectra.png",
            category="Spectra",
            caption="../report/spectra.rst",
        ),
    log:
        "results/logs/nmc/plot_spectra.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        config=pick(CONFIG, "geometry", "protocol", "edges"),
        code=code("plot_spectra"),
    script:
        "../../scripts/plot_spectra.py"


rule plot_parity:
    input:
        predictions=rules.evaluate.output.predictions,
    output:
        report(
            "results/nmc/figures/parity.png",
            category="Models",
            caption="../report/parity.rst",
        ),
    log:
        "results/logs/nmc/plot_parity.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_parity"),
    script:
        "../../scripts/plot_parity.py"


rule plot_edges:
    input:
        metrics=rules.evaluate.output.metrics,
    output:
        report(
            "results/nmc/figures/edges.png",
            category="Models",
            caption="../report/edges.rst",
        ),
    log:
        "results/logs/nmc/plot_edges.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_edges"),
    script:
        "../../scripts/plot_edges.py"


rule plot_lithium:
    input:
        structures=rules.gather.output.structures,
        site_averages=rules.average_sites.output[0],
        lithium=rules.measure_lithium.output[0],
    output:
        report(
            "results/nmc/figures/lithium.png",
            category="Lithium series",
            caption="../report/lithium.rst",
        ),
    log:
        "results/logs/nmc/plot_lithium.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        config=pick(CONFIG, "lithium_series", "protocol"),
        code=code("plot_lithium"),
    script:
        "../../scripts/plot_lithium.py"


rule plot_failures:
    input:
        calculations=rules.gather.output.calculations,
    output:
        report(
            "results/nmc/figures/failures.png",
            category="Calculations",
            caption="../report/failures.rst",
        ),
    log:
        "results/logs/nmc/plot_failures.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_failures"),
    script:
        "../../scripts/plot_failures.py"


rule plot_ladder:
    input:
        site_averages=rules.average_sites.output[0],
    output:
        report(
            "results/nmc/figures/ladder.png",
            category="Calculations",
            caption="../report/ladder.rst",
        ),
    log:
        "results/logs/nmc/plot_ladder.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        config=pick(CONFIG, "geometry", "protocol", "ladder"),
        code=code("plot_ladder"),
    script:
        "../../scripts/plot_ladder.py"
