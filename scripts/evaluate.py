"""Models. Input training; output metrics (csv), predictions (parquet).

params.config = nmc.model; params.seed = seed.
"""

import json

from defectra.models.evaluate import evaluate
from defectra.models.predictions import PREDICTIONS
from defectra.records import METRICS_COLUMNS
from defectra.settings.base import ModelSettings
from defectra.store import write_table
from defectra.tables.csvs import write_csv
from defectra.tables.training import read_training

settings = ModelSettings(**json.loads(snakemake.params.config))
rows = read_training(snakemake.input.training)
metrics, predictions = evaluate(rows, settings, int(snakemake.params.seed))
write_csv(snakemake.output.metrics, metrics, METRICS_COLUMNS)
write_table(snakemake.output.predictions, predictions, PREDICTIONS)
