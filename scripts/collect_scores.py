"""Scorecards of all studies in one. Input one csv of each study; output csv."""

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import SCORECARD_COLUMNS

rows = [row for path in snakemake.input for row in read_csv(path, SCORECARD_COLUMNS)]
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
