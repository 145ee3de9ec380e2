"""Scorecard of the perovskites. Input csv of the study's tables; output[0] csv."""

from defectra.perovskites import decomposition, slme
from defectra.perovskites.parity import PARITY_COLUMNS
from defectra.perovskites.salts import EXCESS_COLUMNS
from defectra.perovskites.screen import FUNNEL_COLUMNS
from defectra.perovskites.tables import QUALITY_COLUMNS, REFERENCES_COLUMNS, RUNS_COLUMNS
from defectra.records import METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.tables.csvs import read_csv, write_csv
from defectra.tables.score_perovskites import scorecard

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
