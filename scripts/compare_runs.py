"""Our calculations beside the published columns. Input runs, compounds (parquet); output csv."""

from defectra.perovskites.parity import PARITY_COLUMNS, SUMMARY_COLUMNS, compare, summary
from defectra.perovskites.salts import EXCESS_COLUMNS, SALTS_COLUMNS, differences, excesses
from defectra.perovskites.tables import COMPOUNDS, RUNS
from defectra.store import read_table
from defectra.tables.csvs import write_csv

runs = read_table(snakemake.input.runs, RUNS)
published = read_table(snakemake.input.compounds, COMPOUNDS)
rows = compare(runs, published)
write_csv(snakemake.output.parity, rows, PARITY_COLUMNS)
write_csv(snakemake.output.summary, summary(rows), SUMMARY_COLUMNS)
pairs = differences(runs, published)
write_csv(snakemake.output.salts, pairs, SALTS_COLUMNS)
write_csv(snakemake.output.excesses, excesses(pairs), EXCESS_COLUMNS)
