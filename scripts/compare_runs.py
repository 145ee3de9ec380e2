"""Our calculations beside the published columns. Input runs, compounds (parquet); output csv."""

from defectra.perovskites.parity import PARITY_COLUMNS, SUMMARY_COLUMNS, compare, summary
from defectra.perovskites.salts import SALTS_COLUMNS, differences
from defectra.perovskites.tables import COMPOUNDS, RUNS
from defectra.store import read_table
from defectra.tables.csvs import write_csv

runs = read_table(snakemake.input.runs, RUNS)
published = read_table(snakemake.input.compounds, COMPOUNDS)
rows = compare(runs, published)
write_csv(snakemake.output.parity, rows, PARITY_COLUMNS)
write_csv(snakemake.output.summary, summary(rows), SUMMARY_COLUMNS)
write_csv(snakemake.output.salts, differences(runs, published), SALTS_COLUMNS)
