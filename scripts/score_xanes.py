"""Scorecard of study xanes. Input published, metrics, series (csv); output[0] csv."""

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.studies.xanes.published import CHECK_COLUMNS
from defectra.studies.xanes.scorecard import scorecard
from defectra.studies.xanes.series import SERIES_COLUMNS

rows = scorecard(
    read_csv(snakemake.input.published, CHECK_COLUMNS),
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    read_csv(snakemake.input.series, SERIES_COLUMNS),
)
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
