"""Models of levels. Input levels, computed (parquet), hosts (csv); output metrics, predictions.

params.config = levels; params.seed = seed.
"""

from defectra.levels.hosts import read_hosts, with_computed
from defectra.levels.importer import LEVELS
from defectra.levels.live_table import HOST_RUNS
from defectra.models.levels import (
    PREDICTIONS,
    assemble,
    evaluate,
    metrics_rows,
    prediction_rows,
)
from defectra.records import METRICS_COLUMNS
from defectra.settings.levels import LevelsStudy
from defectra.store import read_table, write_table
from defectra.tables.csvs import write_csv

study, seed = LevelsStudy.model_validate_json(snakemake.params.config), int(snakemake.params.seed)
computed = read_table(snakemake.input.computed, HOST_RUNS)
hosts = with_computed(read_hosts(snakemake.input.hosts), computed, study.host_fidelity)
data = assemble(read_table(snakemake.input.levels, LEVELS), hosts)
predictions = prediction_rows(data, evaluate(data, study, seed))
write_table(snakemake.output.predictions, predictions, PREDICTIONS)
write_csv(snakemake.output.metrics, metrics_rows(predictions, study, seed), METRICS_COLUMNS)
