"""Single edge against all. Input metrics (csv); no params."""

from defectra.core.csvs import read_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.studies.nmc.figures.models import plot_edges

plot_edges(read_csv(snakemake.input.metrics, METRICS_COLUMNS), snakemake.output[0])
