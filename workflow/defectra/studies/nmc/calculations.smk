# Calculations of the first campaign: chunks of its plan, their union, the drift check of the archive.

from defectra.core.engines import engine_module
from defectra.core.folder_digest import digest_of
from defectra.core.project_files import archive_parts
from defectra.engines.release import release

# What the folders of finished runs hold (nmc.parsed): they stand for calculations.
PARSED_RUNS = digest_of(CONFIG.nmc.parsed)


use rule step as calculate with:
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
    resources:
        mem_mb=lambda wildcards, attempt: WORKLOAD.memory(wildcards.chunk, attempt),
        runtime=lambda wildcards, attempt: WORKLOAD.runtime(wildcards.chunk, attempt),
    params:
        **step("defectra.studies.nmc.steps.calculate"),
        settings=worker_settings(CONFIG),
        archive=json.dumps(CONFIG.archive),
        parsed=PARSED_RUNS,
        engine_code=code_of(engine_module(CONFIG.nmc.engine)),


use rule step as gather with:
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
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.campaign.steps.gather"),
        max_failed=leaf(CONFIG, "nmc", "max_failed"),


use rule step as drift with:
    output:
        "results/nmc/drift.parquet",
    log:
        "results/logs/nmc/drift.log",
    resources:
        **need(mb=700, minutes=60),
    params:
        **step("defectra.studies.nmc.steps.drift"),
        settings=worker_settings(CONFIG),
        number=leaf(CONFIG, "nmc", "drift_sample"),
        seed=leaf(CONFIG, "seed"),
        archive=archive_parts(CONFIG.archive, "calculations", "geometries", "spectra"),
        engine=release(CONFIG.nmc.engine),
        engine_code=code_of(engine_module(CONFIG.nmc.engine)),
