"""Single edge against all. Input metrics (csv); no params."""

from defectra.figures.nmc import plot_edges
from defectra.records import METRICS_COLUMNS
from defectra.tables.csvs import read_csv

plot_edges(read_csv(snakemake.input.metrics, METRICS_COLUMNS), snakemake.output[0])
