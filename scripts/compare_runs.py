"""Our calculations beside the published columns. Input runs, compounds (parquet); output csv."""

from defectra.core.csvs import write_csv
from defectra.core.store import read_table
from defectra.studies.perovskites.binary_phases import (
    EXCESS_COLUMNS,
    SALTS_COLUMNS,
    differences,
    excesses,
)
from defectra.studies.perovskites.parity import PARITY_COLUMNS, SUMMARY_COLUMNS, compare, summary
from defectra.studies.perovskites.tables import COMPOUNDS, RUNS

runs = read_table(snakemake.input.runs, RUNS)
published = read_table(snakemake.input.compounds, COMPOUNDS)
rows = compare(runs, published)
write_csv(snakemake.output.parity, rows, PARITY_COLUMNS)
write_csv(snakemake.output.summary, summary(rows), SUMMARY_COLUMNS)
pairs = differences(runs, published)
write_csv(snakemake.output.salts, pairs, SALTS_COLUMNS)
write_csv(snakemake.output.excesses, excesses(pairs), EXCESS_COLUMNS)
