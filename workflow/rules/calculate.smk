# Chunks of the studies that ask for calculations one by one: what their archive lacks.

from defectra.campaign.again import stopped
from defectra.campaign.studies import (
    files_for,
    part_for,
    requests_module,
    study_of,
    versions_for,
)
from defectra.campaign.study_load import StudyLoads

LOADS = StudyLoads(CONFIG, RESULTS, WORKFLOW / "costs.yaml", PLAN.may_write, in_arrays)


# Only where the config asks for it. What is done goes to the journal of the chunk; the study's own
# rules read journals and archive together. The plan of study `nmc` has manifests (its `calculate`).
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
        files=lambda wildcards: files_for(CONFIG, study_of(wildcards.chunk)),
        engines=lambda wildcards: versions_for(CONFIG, study_of(wildcards.chunk)),
        study_code=lambda wildcards: fingerprint(
            requests_module(study_of(wildcards.chunk))
        ),
        # what the machine stopped is tried again at the next start
        again=lambda wildcards: stopped(RESULTS / "store", wildcards.chunk),
