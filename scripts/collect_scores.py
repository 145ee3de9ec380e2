"""Scorecards of all studies in one. Input one csv of each study; output csv."""

from defectra.records import SCORECARD_COLUMNS
from defectra.tables.csvs import read_csv, write_csv

rows = [row for path in snakemake.input for row in read_csv(path, SCORECARD_COLUMNS)]
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
