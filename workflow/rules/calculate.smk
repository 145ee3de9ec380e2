# The calculations: chunks of the plan, their union, and the drift check of the archive.


rule calculate:
    input:
        structures=planned("structures.parquet"),
        tasks=planned("tasks.parquet"),
        archived=planned("archived.json"),
    output:
        geometries="results/chunks/{chunk}/geometries.parquet",
        calculations="results/chunks/{chunk}/calculations.parquet",
        spectra="results/chunks/{chunk}/spectra.parquet",
    log:
        "results/logs/calculate/{chunk}.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: WORKLOAD.memory(wildcards.chunk, attempt),
        runtime=lambda wildcards, attempt: WORKLOAD.runtime(wildcards.chunk, attempt),
    params:
        settings=worker_settings(CONFIG),
        archive=json.dumps(ARCHIVE),
        code=code("calculate"),
    script:
        "../../scripts/calculate.py"


rule gather:
    input:
        structures=planned("structures.parquet"),
        geometries=expand("results/chunks/{chunk}/geometries.parquet", chunk=CHUNKS),
        calculations=expand("results/chunks/{chunk}/calculations.parquet", chunk=CHUNKS),
        spectra=expand("results/chunks/{chunk}/spectra.parquet", chunk=CHUNKS),
    output:
        structures="results/structures.parquet",
        geometries="results/geometries.parquet",
        calculations="results/calculations.parquet",
        spectra="results/spectra.parquet",
    log:
        "results/logs/gather.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(30),
    params:
        max_failed=leaf(CONFIG, "nmc", "max_failed"),
        code=code("gather"),
    script:
        "../../scripts/gather.py"


rule drift:
    input:
        archive=ARCHIVE_PARTS,
    output:
        "results/nmc/drift.parquet",
    log:
        "results/logs/nmc/drift.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(700),
        runtime=doubled(60),
    params:
        settings=worker_settings(CONFIG),
        number=leaf(CONFIG, "nmc", "drift_sample"),
        seed=leaf(CONFIG, "seed"),
        archive=json.dumps(ARCHIVE),
        engine=release(CONFIG.nmc.engine),
        code=code("drift"),
    script:
        "../../scripts/drift.py"
