"""Our calculations beside the published columns. Input runs, compounds (parquet); output csv."""

from defectra.perovskites.parity import PARITY_COLUMNS, SUMMARY_COLUMNS, compare, summary
from defectra.perovskites.tables import COMPOUNDS, RUNS
from defectra.store import read_table
from defectra.tables.csvs import write_csv

runs = read_table(snakemake.input.runs, RUNS)
rows = compare(runs, read_table(snakemake.input.compounds, COMPOUNDS))
write_csv(snakemake.output.parity, rows, PARITY_COLUMNS)
write_csv(snakemake.output.summary, summary(rows), SUMMARY_COLUMNS)
