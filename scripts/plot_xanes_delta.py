"""Figure of FEFF to VASP. Input pairs (parquet), metrics (csv); output[0] png."""

from defectra.core.csvs import read_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.core.store import read_table
from defectra.studies.xanes.delta import PAIRS
from defectra.studies.xanes.figures.features import plot_delta

plot_delta(
    read_table(snakemake.input.pairs, PAIRS),
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    snakemake.output[0],
)
