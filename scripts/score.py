"""Scorecard. Input metrics (csv), lithium (csv), drift (parquet); output csv."""

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import DRIFT, METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.core.store import read_table
from defectra.studies.nmc.lithium import LITHIUM_COLUMNS
from defectra.studies.nmc.scorecard import scorecard

rows = scorecard(
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    read_csv(snakemake.input.lithium, LITHIUM_COLUMNS),
    read_table(snakemake.input.drift, DRIFT),
)
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
