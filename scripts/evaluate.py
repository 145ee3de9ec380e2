"""Models. Input training; output metrics (csv), predictions (parquet).

params.config = nmc.model; params.seed = seed.
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.core.settings import ModelSettings
from defectra.core.store import write_table
from defectra.learn.predictions import PREDICTIONS
from defectra.studies.nmc.evaluate import evaluate
from defectra.studies.nmc.training import read_training

settings = ModelSettings(**json.loads(snakemake.params.config))
rows = read_training(snakemake.input.training)
metrics, predictions = evaluate(rows, settings, int(snakemake.params.seed))
write_csv(snakemake.output.metrics, metrics, METRICS_COLUMNS)
write_table(snakemake.output.predictions, predictions, PREDICTIONS)
