"""Scores of all parts in one. Input csv of each; output[0] csv."""

from defectra.records import METRICS_COLUMNS
from defectra.tables.csvs import read_csv, write_csv

rows = [row for path in snakemake.input for row in read_csv(path, METRICS_COLUMNS)]
write_csv(snakemake.output[0], rows, METRICS_COLUMNS)
