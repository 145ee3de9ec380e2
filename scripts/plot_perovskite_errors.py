"""Figure `errors` of the perovskites. Input metrics; output[0] png."""

from defectra.figures.perovskites import plot_errors
from defectra.records import METRICS_COLUMNS
from defectra.tables.csvs import read_csv

plot_errors(read_csv(snakemake.input.metrics, METRICS_COLUMNS), snakemake.output[0])
