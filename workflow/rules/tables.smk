# From spectra to the training table, and what taking lithium out does to the spectra.


rule average_sites:
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
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(30),
    params:
        config=leaf(CONFIG, "nmc", "edges"),
        code=code("average_sites"),
    script:
        "../../scripts/average_sites.py"


rule build_training:
    input:
        structures=rules.gather.output.structures,
        site_averages=rules.average_sites.output[0],
    output:
        training="results/nmc/training.parquet",
        left_out="results/nmc/left_out.csv",
    log:
        "results/logs/nmc/build_training.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(30),
    params:
        config=pick(CONFIG, "geometry", "protocol", "edges"),
        config_hash=training_hash(CONFIG),
        code=code("build_training"),
    script:
        "../../scripts/build_training.py"


rule measure_lithium:
    input:
        structures=rules.gather.output.structures,
        calculations=rules.gather.output.calculations,
        spectra=rules.gather.output.spectra,
    output:
        report(
            "results/nmc/lithium.csv",
            category="Lithium series",
            caption="../report/lithium_table.rst",
        ),
    log:
        "results/logs/nmc/measure_lithium.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(30),
    params:
        config=pick(CONFIG, "lithium_series", "protocol", "edges", "model"),
        seed=leaf(CONFIG, "seed"),
        code=code("measure_lithium"),
    script:
        "../../scripts/measure_lithium.py"
