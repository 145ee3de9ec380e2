# The calculations: chunks of the plan, their union, and the drift check of the archive.

from defectra.campaign.studies import part_for, requests_module, study_of, versions_for
from defectra.core.engines import engine_module
from defectra.core.project_files import archive_parts
from defectra.campaign.study_load import StudyLoads
from defectra.engines.release import release

LOADS = StudyLoads(CONFIG, RESULTS, WORKFLOW / "costs.yaml", PLAN.may_write, in_arrays)


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
        engine_code=code_of(engine_module(CONFIG.nmc.engine)),


# Chunks of studies without manifests, where the config asks for what their archive lacks. What is
# done goes to the journal of the chunk; the study's own rules read journals and archive together.
use rule step as compute with:
    output:
        "results/chunks/{chunk}/counts.json",
    log:
        "results/logs/compute/{chunk}.log",
    threads: lambda wildcards: LOADS.threads(wildcards.chunk)
    resources:
        **LOADS.mpi(),
        mem_mb=lambda wildcards, attempt: LOADS.memory(wildcards.chunk, attempt),
        runtime=lambda wildcards, attempt: LOADS.runtime(wildcards.chunk, attempt),
    params:
        **step("defectra.campaign.steps.compute"),
        config=lambda wildcards: part_for(CONFIG, study_of(wildcards.chunk)),
        engines=lambda wildcards: versions_for(CONFIG, study_of(wildcards.chunk)),
        study_code=lambda wildcards: fingerprint(
            requests_module(study_of(wildcards.chunk))
        ),


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
