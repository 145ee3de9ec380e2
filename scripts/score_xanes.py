"""Scorecard of study xanes. Input published, metrics, series (csv); output[0] csv."""

from defectra.records import METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.tables.csvs import read_csv, write_csv
from defectra.tables.score_xanes import scorecard
from defectra.xanes.published import CHECK_COLUMNS
from defectra.xanes.series import SERIES_COLUMNS

rows = scorecard(
    read_csv(snakemake.input.published, CHECK_COLUMNS),
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    read_csv(snakemake.input.series, SERIES_COLUMNS),
)
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
