"""Models of levels. Input levels, computed (parquet), hosts (csv); output metrics, predictions.

params.config = levels; params.seed = seed.
"""

from defectra.core.csvs import write_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.core.store import read_table, write_table
from defectra.studies.levels.evaluate import (
    PREDICTIONS,
    assemble,
    evaluate,
    metrics_rows,
    prediction_rows,
)
from defectra.studies.levels.hosts import read_hosts, with_computed
from defectra.studies.levels.published import LEVELS
from defectra.studies.levels.settings import LevelsStudy
from defectra.studies.levels.tables import HOST_RUNS

study, seed = LevelsStudy.model_validate_json(snakemake.params.config), int(snakemake.params.seed)
computed = read_table(snakemake.input.computed, HOST_RUNS)
hosts = with_computed(read_hosts(snakemake.input.hosts), computed, study.host_fidelity)
data = assemble(read_table(snakemake.input.levels, LEVELS), hosts)
predictions = prediction_rows(data, evaluate(data, study, seed))
write_table(snakemake.output.predictions, predictions, PREDICTIONS)
write_csv(snakemake.output.metrics, metrics_rows(predictions, study, seed), METRICS_COLUMNS)
