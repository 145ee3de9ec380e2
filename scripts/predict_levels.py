"""Whole space and ranked list. Input levels, hosts, computed, krr, nn, rfr; output three tables.

params.mirror; params.config = levels.
"""

import json

from defectra.datasets import locate
from defectra.levels.hosts import read_hosts, with_computed
from defectra.levels.importer import LEVELS
from defectra.levels.live_table import HOST_RUNS
from defectra.models.levels import assemble
from defectra.models.whole_space import (
    ACQUISITION_COLUMNS,
    MODELS,
    SPACE,
    next_runs,
    predict_space,
    read_predictions,
)
from defectra.settings.levels import LevelsStudy
from defectra.store import read_table, write_table
from defectra.tables.csvs import write_csv

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
