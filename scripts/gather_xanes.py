"""Scores of all parts in one. Input csv of each; output[0] csv."""

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import METRICS_COLUMNS

rows = [row for path in snakemake.input for row in read_csv(path, METRICS_COLUMNS)]
write_csv(snakemake.output[0], rows, METRICS_COLUMNS)
