"""Figure of FEFF to VASP. Input pairs (parquet), metrics (csv); output[0] png."""

from defectra.figures.xanes import plot_delta
from defectra.records import METRICS_COLUMNS
from defectra.store import read_table
from defectra.tables.csvs import read_csv
from defectra.xanes.delta import PAIRS

plot_delta(
    read_table(snakemake.input.pairs, PAIRS),
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    snakemake.output[0],
)
