"""Whole space and ranked list. Input levels, hosts, computed, krr, nn, rfr; output three tables.

params.mirror; params.config = levels.
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.datasets import locate
from defectra.core.store import read_table, write_table
from defectra.studies.levels.evaluate import assemble
from defectra.studies.levels.hosts import read_hosts, with_computed
from defectra.studies.levels.published import LEVELS
from defectra.studies.levels.settings import LevelsStudy
from defectra.studies.levels.tables import HOST_RUNS
from defectra.studies.levels.whole_space import (
    ACQUISITION_COLUMNS,
    MODELS,
    SPACE,
    next_runs,
    predict_space,
    read_predictions,
)

study, mirror = (
    LevelsStudy.model_validate_json(snakemake.params.config),
    json.loads(snakemake.params.mirror),
)
computed = read_table(snakemake.input.computed, HOST_RUNS)
hosts = with_computed(read_hosts(snakemake.input.hosts), computed, study.host_fidelity)
published = {
    m: read_predictions(locate(f"levels/ai_semiconductors/Prediction_{m.upper()}.csv", mirror))
    for m in MODELS
}
data = assemble(read_table(snakemake.input.levels, LEVELS), hosts)
space = predict_space(data, hosts, published, study)
write_table(snakemake.output.space, space, SPACE)
write_csv(snakemake.output.table, space, SPACE.names)
write_csv(snakemake.output.ranked, next_runs(space, hosts, study.acquisition), ACQUISITION_COLUMNS)
