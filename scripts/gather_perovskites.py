"""Scores and predictions of all labels in one. Input metrics, predictions; output the same."""

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.core.store import read_table, write_table
from defectra.studies.perovskites.tables import PREDICTIONS

rows = [row for path in snakemake.input.metrics for row in read_csv(path, METRICS_COLUMNS)]
write_csv(snakemake.output.metrics, rows, METRICS_COLUMNS)
rows = [row for path in snakemake.input.predictions for row in read_table(path, PREDICTIONS)]
write_table(snakemake.output.predictions, rows, PREDICTIONS)
