"""Scorecard of the perovskites. Input csv of the study's tables; output[0] csv."""

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.studies.perovskites import decomposition, slme
from defectra.studies.perovskites.binary_phases import EXCESS_COLUMNS
from defectra.studies.perovskites.parity import PARITY_COLUMNS
from defectra.studies.perovskites.scorecard import scorecard
from defectra.studies.perovskites.screen import FUNNEL_COLUMNS
from defectra.studies.perovskites.tables import QUALITY_COLUMNS, REFERENCES_COLUMNS, RUNS_COLUMNS

rows = scorecard(
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    read_csv(snakemake.input.quality, QUALITY_COLUMNS),
    read_csv(snakemake.input.references, REFERENCES_COLUMNS),
    read_csv(snakemake.input.funnel, FUNNEL_COLUMNS),
    read_csv(snakemake.input.runs, RUNS_COLUMNS),
    read_csv(snakemake.input.parity, PARITY_COLUMNS),
    read_csv(snakemake.input.excesses, EXCESS_COLUMNS),
    read_csv(snakemake.input.decomposition, decomposition.COLUMNS),
    read_csv(snakemake.input.films, slme.COLUMNS),
)
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
